//! What belongs together, kept in two stores: a session and its owner, a person and their account.

mod crossing;
mod delegate;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::{AccountStore, ResolveSession, SessionStore};
use crate::error::StoreError;
use crate::id::SessionId;
use crate::session::ResolvedSession;

/// The directory in one store, everything else in another: an adopter's own table of people beside a store of ours.
///
/// It has every trait that its halves have: directory methods go to the first, all others to the second. What crosses
/// them ([`Crossing`](super::Crossing)) is two writes, the directory's first; `change_identifier` ends with a third, which
/// lets go of the old identifier. `prove` writes a spelling into the directory first. `discard` closes the account first, so that nobody proves it meanwhile, then removes the
/// person, then the account. A process may die between them:
///
/// | write | what is left | who completes it |
/// |---|---|---|
/// | `enrol` | a person without an account, as one that the adopter's application made itself | the same call again; a sign-up with the address, or an administrator who opens the account |
/// | `prove` | the spelling that was about to be proved, of an address that is not: while an account is pending its handle says where mail goes, and not the directory | the same call again; the proof of another sign-up |
/// | `change_identifier` before the second write | the new identifier beside the old one, and not proved | another change |
/// | `change_identifier` after it | the old identifier beside the new one, and no longer proved | another change |
/// | `erase` | a closed account whose person the directory no longer has | the same call again; the next pass of the background work |
/// | `discard` before its second write | an account that is closed because nobody proved it, and its person | the same call again; the next pass |
/// | `discard` after it | the same account without its person | the same call again; the next pass |
/// | `create_tenant` | a tenant without security row | the same call again; for the default tenant the next start |
///
/// Neither can be used: nobody without an account signs in, and in a tenant without security row nobody has one. No
/// event, mail or token of the call is there either; they commit with the second write (with the first where that is the
/// one that decides: `discard`).
///
/// Laws, beside those of the traits:
///
/// - **SPL-1 No account before its person.** The second write is made once the first is acknowledged.
/// - **SPL-2 Refused is undone.** Where the second write is refused, a person that this call created is removed again.
///   One that was there before never is, and neither is one that has an account by now.
/// - **SPL-3 The token is looked at first.** With a token that does not work, nothing is written and nothing is told
///   of what else would be refused. The second write checks it once more, and spends it.
/// - **SPL-4 An id is enrolled by one caller at a time.** Ids come from
///   [`new_user_id`](super::IdentityAdmin::new_user_id), so no two callers have the same.
/// - **SPL-5 Nobody leaves the directory before their account is closed.** A closed account never opens again, so whoever
///   completes the call finds it as the one that began it did.
#[derive(Clone, Debug)]
pub struct Split<Directory, Security> {
    directory: Directory,
    security: Security,
}

impl<Directory, Security> Split<Directory, Security> {
    /// Over a directory and a store of everything else.
    #[must_use]
    pub const fn new(directory: Directory, security: Security) -> Self {
        Self {
            directory,
            security,
        }
    }

    /// The directory.
    #[must_use]
    pub const fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The store of everything else.
    #[must_use]
    pub const fn security(&self) -> &Security {
        &self.security
    }
}

/// Resolves sessions where they and their owners live in different stores: one read of each, never more, and none of
/// the owner for an unknown session. The second read waits for the first, which says whose the session is.
///
/// Whatever is revoked or suspended between the two reads shows in the second: it is the later one that decides.
pub struct SplitResolve<Sessions: ?Sized, Accounts: ?Sized> {
    sessions: Arc<Sessions>,
    accounts: Arc<Accounts>,
}

impl<Sessions: ?Sized, Accounts: ?Sized> SplitResolve<Sessions, Accounts> {
    /// Over a store of sessions and one of accounts.
    #[must_use]
    pub const fn new(sessions: Arc<Sessions>, accounts: Arc<Accounts>) -> Self {
        Self { sessions, accounts }
    }
}

impl<Sessions: ?Sized, Accounts: ?Sized> Clone for SplitResolve<Sessions, Accounts> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.sessions), Arc::clone(&self.accounts))
    }
}

impl<Sessions: ?Sized, Accounts: ?Sized> fmt::Debug for SplitResolve<Sessions, Accounts> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SplitResolve").finish_non_exhaustive()
    }
}

#[async_trait]
impl<Sessions, Accounts> ResolveSession for SplitResolve<Sessions, Accounts>
where
    Sessions: SessionStore + ?Sized,
    Accounts: AccountStore + ?Sized,
{
    async fn resolve_session(&self, id: SessionId) -> Result<Option<ResolvedSession>, StoreError> {
        let Some(session) = self.sessions.session(id).await? else {
            return Ok(None);
        };
        let subject = self.accounts.subject_state(session.tenant, session.user);
        let subject = subject.await?;
        Ok(subject.map(|subject| ResolvedSession { session, subject }))
    }
}
