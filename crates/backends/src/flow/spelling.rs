//! Which spelling of its address an account has.
//!
//! One canonical form has spellings that may be mailboxes of different people. While a sign-up is not proved, the latest
//! one says where its mail goes, and that is the account's handle; the directory has the spelling that was proved.

use portcullis_core::along::Refusal;
use portcullis_core::entity::{Account, SubjectState, User};
use portcullis_core::event::Reason;
use portcullis_core::identifier::Identifier;
use portcullis_core::state::EntityState;

use super::mailed_link::reason_of;
use crate::error::FlowError;

/// Whether the account is a sign-up that nobody proved yet.
fn is_sign_up(subject: &SubjectState) -> bool {
    subject.user_status.state == EntityState::Pending
}

/// The person with the address that their mail goes to.
pub(super) fn as_mailed(user: User, subject: Option<&SubjectState>) -> User {
    let account = subject.map(|subject| (subject.user_status.state, &*subject.handle));
    called(user, account)
}

/// The same, for whoever reads the whole account.
pub(super) fn as_mailed_by(user: User, account: Option<&Account>) -> User {
    called(
        user,
        account.map(|account| (account.status.state, &*account.handle)),
    )
}

fn called(mut user: User, account: Option<(EntityState, &str)>) -> User {
    // A sign-up that an operator ends before it was proved keeps its latest spelling; whoever has proved one has that in
    // both places.
    if let Some((state, handle)) = account
        && !matches!(state, EntityState::Active | EntityState::Candidate)
        && let Ok(latest) = Identifier::email(handle)
    {
        let held = user.identifiers.iter_mut();
        for held in held.filter(|held| held.is_same(&latest)) {
            held.clone_from(&latest);
        }
    }
    user
}

/// Whether somebody was read from the directory before their address was proved in another spelling, which their account
/// is called by since.
pub(super) fn is_outdated(user: &User, subject: &SubjectState) -> bool {
    let Ok(called) = Identifier::email(&subject.handle) else {
        return false;
    };
    let mut held = user.identifiers.iter();
    held.any(|held| held.is_same(&called) && held.raw != called.raw)
}

/// The spelling that a proof takes along: that of the mail, where a sign-up is what it proves.
pub(super) fn proved_as(subject: &SubjectState, mailed: &str) -> Option<String> {
    is_sign_up(subject).then(|| mailed.to_owned())
}

/// Why an address was not proved.
pub(super) fn why_not_proved(refusal: Refusal) -> Result<Reason, FlowError> {
    Ok(match refusal {
        Refusal::Token(rejection) => reason_of(rejection),
        // Somebody signed up with another spelling since, or proved it.
        Refusal::Stale
        | Refusal::Transition {
            from: EntityState::Active,
        } => Reason::Superseded,
        Refusal::Transition { .. } => Reason::Suspended,
        Refusal::NotFound => Reason::UnknownCredential,
        other => return Err(FlowError::internal(other)),
    })
}

/// An address as the directory holds it.
pub(super) fn stored_spelling<'a>(user: &'a User, email: &'a Identifier) -> &'a Identifier {
    let mut identifiers = user.identifiers.iter();
    identifiers
        .find(|stored| stored.is_same(email))
        .unwrap_or(email)
}
