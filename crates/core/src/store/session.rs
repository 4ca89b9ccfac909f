//! The session family: any SQL or key-value store.

use async_trait::async_trait;

use crate::error::StoreError;
use crate::id::{SessionId, TenantId, UserId};
use crate::session::{ResolvedSession, Session, SessionTouch};
use crate::time::Timestamp;

/// How an insert ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionInsert {
    /// It is stored, and this many older sessions made room.
    Inserted {
        /// Sessions ended to stay within the cap.
        evicted: u32,
    },
    /// The id was used before, by a session live or ended; nothing was stored.
    IdTaken,
}

/// How a rotation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionRotation {
    /// The old session is ended and the new one stored, in one step.
    Rotated,
    /// The old session is not live, or is not of the new one's owner; nothing was stored.
    Gone,
    /// The new id was used before; nothing was stored.
    IdTaken,
}

/// Server-side sessions. An ended session keeps its id until its absolute deadline, so nothing brings it back.
#[async_trait]
pub trait SessionStore: Send + Sync + 'static {
    /// Stores a session whose id was never used. Live sessions of the person are counted inside the write: at most
    /// `cap` remain, those unused for longest are ended.
    async fn insert_session(
        &self,
        session: &Session,
        cap: u32,
    ) -> Result<SessionInsert, StoreError>;

    /// The session, in whatever condition.
    async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError>;

    /// Moves last use and idle deadline forward, never back, never past the absolute deadline, and never on a session
    /// that has ended or whose deadlines have passed at the touch.
    async fn touch_sessions(&self, touches: &[SessionTouch]) -> Result<(), StoreError>;

    /// Gives a live session of this person a name, or takes it away; `false` where they have no such live session.
    /// Nothing else of it changes: a name is lost to no touch and no end, and gets in the way of none.
    async fn rename_session(
        &self,
        tenant: TenantId,
        user: UserId,
        id: SessionId,
        name: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Ends `old` and stores `new` in one step, where both are of one person. The new one has the name that the old one
    /// has at that moment, whatever `new` says.
    async fn rotate_session(
        &self,
        old: SessionId,
        new: &Session,
        now: Timestamp,
    ) -> Result<SessionRotation, StoreError>;

    /// Ends a session of this person; `false` where they have no such live session.
    async fn revoke_session(
        &self,
        tenant: TenantId,
        user: UserId,
        id: SessionId,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Ends every live session of a person but `keep`; says how many.
    async fn revoke_sessions(
        &self,
        tenant: TenantId,
        user: UserId,
        keep: Option<SessionId>,
        now: Timestamp,
    ) -> Result<u32, StoreError>;

    /// Live sessions of a person, newest first.
    async fn list_sessions(
        &self,
        tenant: TenantId,
        user: UserId,
        now: Timestamp,
    ) -> Result<Vec<Session>, StoreError>;

    /// Removes the sessions of a person, live or not, for somebody whose account is closed for good: no session opens
    /// anything there, so none that comes late needs to be kept out by its id. Returns how many.
    ///
    /// A store that cannot find what has ended may keep it until its absolute deadline, without its device.
    async fn erase_sessions(&self, tenant: TenantId, user: UserId) -> Result<u64, StoreError>;

    /// Removes the rows of sessions past their absolute deadline; returns how many.
    async fn prune_sessions(&self, now: Timestamp) -> Result<u64, StoreError>;
}

/// A session with its owner's state, in one read where both share a store.
#[async_trait]
pub trait ResolveSession: Send + Sync + 'static {
    /// The session in whatever condition, with its owner's state; `None` for an unknown id or an owner who is gone.
    async fn resolve_session(&self, id: SessionId) -> Result<Option<ResolvedSession>, StoreError>;
}
