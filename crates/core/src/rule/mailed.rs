//! What a link or a code that was sent to an address may do for whoever comes back with it.

use crate::entity::{Account, SubjectState};
use crate::event::Reason;
use crate::identifier::{Identifier, IdentifierKind};
use crate::rule::credential;
use crate::state::EntityState;
use crate::time::Timestamp;

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailedSignIn {
    /// Signs in the account that has proved the address.
    SignIn,
    /// Proves the address of a sign-up that nobody has proved yet, and signs in.
    Activate,
    /// Makes an account with the address, and signs in.
    Enrol,
}

/// Decides when the mail is sent, and again when somebody comes back with what was in it. `person` is who has the
/// address, `sign_up` whether the policy lets it make accounts.
///
/// An active account that never proved the address is refused: a stranger may have put it there.
///
/// # Errors
/// The first [`Reason`] against it.
pub fn sign_in(
    person: Option<(&SubjectState, &Account)>,
    address: &Identifier,
    sign_up: bool,
    now: Timestamp,
) -> Result<MailedSignIn, Reason> {
    let Some((subject, account)) = person else {
        return if sign_up {
            Ok(MailedSignIn::Enrol)
        } else {
            Err(Reason::UnknownIdentifier)
        };
    };
    let state = subject.user_status.effective_at(now);
    let is_pending = matches!(state, EntityState::Candidate | EntityState::Pending);
    match credential::admit(subject, None, now) {
        Ok(()) if has_proved(account, address) => Ok(MailedSignIn::SignIn),
        Ok(()) => Err(Reason::Unverified),
        Err(Reason::Unverified) if is_pending && sign_up => Ok(MailedSignIn::Activate),
        Err(reason) => Err(reason),
    }
}

/// Whether the account has proved the address.
#[must_use]
pub fn has_proved(account: &Account, address: &Identifier) -> bool {
    account
        .verified
        .iter()
        .any(|proved| proved.kind == IdentifierKind::Email && proved.canonical == address.canonical)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::{Epoch, VerifiedIdentifier};
    use crate::id::{TenantId, UserId};
    use crate::state::Status;

    const NOW: Timestamp = Timestamp::from_secs(1);

    fn person(state: EntityState, proved: &[&str]) -> (SubjectState, Account) {
        let status = Status::new(state, Timestamp::from_secs(0));
        let (user, tenant) = (UserId::from_integer(1), TenantId::from_integer(1));
        let subject = SubjectState {
            user,
            tenant,
            handle: String::new(),
            user_status: status.clone(),
            tenant_status: Status::new(EntityState::Active, Timestamp::from_secs(0)),
            epoch: Epoch(0),
            roles: Default::default(),
            ip: crate::policy::IpOverrides::default(),
        };
        let proved = proved.iter().map(|canonical| VerifiedIdentifier {
            kind: IdentifierKind::Email,
            canonical: (*canonical).to_owned(),
            at: NOW,
        });
        let account = Account {
            user,
            tenant,
            handle: String::new(),
            status,
            epoch: Epoch(0),
            last_sign_in: None,
            roles: Default::default(),
            verified: proved.collect(),
        };
        (subject, account)
    }

    fn decide(state: EntityState, proved: &[&str], sign_up: bool) -> Result<MailedSignIn, Reason> {
        let (subject, account) = person(state, proved);
        let address = Identifier::email("Ada@example.com").unwrap();
        sign_in(Some((&subject, &account)), &address, sign_up, NOW)
    }

    #[test]
    fn only_an_active_account_that_proved_the_address_is_signed_in() {
        for state in EntityState::ALL {
            for sign_up in [false, true] {
                let decided = decide(state, &["ada@example.com"], sign_up);
                let signs_in = decided == Ok(MailedSignIn::SignIn);
                assert_eq!(signs_in, state == EntityState::Active, "{state:?}");
            }
        }
        let other = decide(EntityState::Active, &["eve@example.com"], true);
        assert_eq!(other, Err(Reason::Unverified));
    }

    #[test]
    fn accounts_are_made_and_activated_where_the_policy_lets_it() {
        let address = Identifier::email("ada@example.com").unwrap();
        let nobody = |sign_up| sign_in(None, &address, sign_up, NOW);
        assert_eq!(nobody(true), Ok(MailedSignIn::Enrol));
        assert_eq!(nobody(false), Err(Reason::UnknownIdentifier));
        let pending = |sign_up| decide(EntityState::Pending, &[], sign_up);
        assert_eq!(pending(true), Ok(MailedSignIn::Activate));
        assert_eq!(pending(false), Err(Reason::Unverified));
        let candidate = decide(EntityState::Candidate, &[], true);
        assert_eq!(candidate, Ok(MailedSignIn::Activate));
    }
}
