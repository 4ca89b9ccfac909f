//! A session in one store, its owner in another.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::{AccountStore, ResolveSession, SessionStore};
use crate::error::StoreError;
use crate::id::SessionId;
use crate::session::ResolvedSession;

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
