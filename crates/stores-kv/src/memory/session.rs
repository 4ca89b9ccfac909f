//! Sessions.

use std::cmp::Reverse;

use async_trait::async_trait;

use portcullis_core::error::StoreError;
use portcullis_core::id::{SessionId, TenantId, UserId};
use portcullis_core::session::{ResolvedSession, Session, SessionTouch};
use portcullis_core::store::{ResolveSession, SessionInsert, SessionRotation, SessionStore};
use portcullis_core::time::Timestamp;

use super::MemoryStore;
use super::state::{Owner, State};

impl State {
    fn live_sessions(&self, owner: Owner, now: Timestamp) -> Vec<&Session> {
        self.sessions
            .rows()
            .filter(|session| (session.tenant, session.user) == owner && session.is_live(now))
            .collect()
    }

    fn end_session(&mut self, id: SessionId, now: Timestamp) -> bool {
        self.sessions
            .update(&id, |session| session.revoked_at = Some(now))
    }

    fn insert_session(&mut self, session: &Session, cap: u32) -> SessionInsert {
        if self.sessions.contains(&session.id) {
            return SessionInsert::IdTaken;
        }
        let now = session.created_at;
        let mut live = self.live_sessions((session.tenant, session.user), now);
        live.sort_unstable_by_key(|session| (session.seen_at, session.created_at, session.id));
        // The new one always stays, whatever the cap.
        let others = usize::try_from(cap.saturating_sub(1)).unwrap_or(usize::MAX);
        let surplus = live.len().saturating_sub(others);
        let unused: Vec<SessionId> = live.iter().take(surplus).map(|old| old.id).collect();
        let mut evicted = 0;
        for id in unused {
            evicted += u32::from(self.end_session(id, now));
        }
        self.sessions.put(session.id, session.clone());
        SessionInsert::Inserted { evicted }
    }

    fn rotate_session(&mut self, old: SessionId, new: &Session, now: Timestamp) -> SessionRotation {
        let theirs = |session: &&Session| {
            (session.tenant, session.user) == (new.tenant, new.user) && session.is_live(now)
        };
        if self.sessions.get(&old).filter(theirs).is_none() {
            return SessionRotation::Gone;
        }
        if self.sessions.contains(&new.id) {
            return SessionRotation::IdTaken;
        }
        let name = self.sessions.get(&old).and_then(|old| old.name.clone());
        self.end_session(old, now);
        let new = Session {
            name,
            ..new.clone()
        };
        self.sessions.put(new.id, new);
        SessionRotation::Rotated
    }

    fn touch_session(&mut self, touch: &SessionTouch) {
        let live = |session: &&Session| session.is_live(touch.seen_at);
        if self.sessions.get(&touch.id).filter(live).is_none() {
            return;
        }
        self.sessions.update(&touch.id, |session| {
            session.seen_at = session.seen_at.max(touch.seen_at);
            let deadline = touch.idle_deadline.min(session.absolute_deadline);
            session.idle_deadline = session.idle_deadline.max(deadline);
        });
    }
}

#[async_trait]
impl SessionStore for MemoryStore {
    async fn insert_session(
        &self,
        session: &Session,
        cap: u32,
    ) -> Result<SessionInsert, StoreError> {
        self.change(|state| Ok(state.insert_session(session, cap)))
    }

    async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        self.read(|state| state.sessions.get(&id).cloned())
    }

    async fn touch_sessions(&self, touches: &[SessionTouch]) -> Result<(), StoreError> {
        self.change(|state| {
            for touch in touches {
                state.touch_session(touch);
            }
            Ok(())
        })
    }

    async fn rename_session(
        &self,
        tenant: TenantId,
        user: UserId,
        id: SessionId,
        name: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.change(|state| {
            let theirs = |session: &&Session| {
                session.tenant == tenant && session.user == user && session.is_live(now)
            };
            let live = state.sessions.get(&id).filter(theirs).is_some();
            let name = name.map(str::to_owned);
            Ok(live && state.sessions.update(&id, |session| session.name = name))
        })
    }

    async fn rotate_session(
        &self,
        old: SessionId,
        new: &Session,
        now: Timestamp,
    ) -> Result<SessionRotation, StoreError> {
        self.change(|state| Ok(state.rotate_session(old, new, now)))
    }

    async fn revoke_session(
        &self,
        tenant: TenantId,
        user: UserId,
        id: SessionId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.change(|state| {
            let theirs = |session: &&Session| {
                session.tenant == tenant && session.user == user && session.is_live(now)
            };
            let live = state.sessions.get(&id).filter(theirs).is_some();
            Ok(live && state.end_session(id, now))
        })
    }

    async fn revoke_sessions(
        &self,
        tenant: TenantId,
        user: UserId,
        keep: Option<SessionId>,
        now: Timestamp,
    ) -> Result<u32, StoreError> {
        self.change(|state| {
            let live = state.live_sessions((tenant, user), now);
            let others = live.iter().map(|session| session.id);
            let others: Vec<SessionId> = others.filter(|id| Some(*id) != keep).collect();
            let mut ended = 0;
            for id in others {
                ended += u32::from(state.end_session(id, now));
            }
            Ok(ended)
        })
    }

    async fn list_sessions(
        &self,
        tenant: TenantId,
        user: UserId,
        now: Timestamp,
    ) -> Result<Vec<Session>, StoreError> {
        self.read(|state| {
            let live = state.live_sessions((tenant, user), now);
            let mut live: Vec<Session> = live.into_iter().cloned().collect();
            live.sort_by_key(|session| Reverse((session.created_at, session.id)));
            live
        })
    }

    async fn erase_sessions(&self, tenant: TenantId, user: UserId) -> Result<u64, StoreError> {
        let owner = (tenant, user);
        let theirs = |session: &Session| (session.tenant, session.user) == owner;
        self.change(|state| Ok(state.sessions.remove_where(theirs)))
    }

    async fn prune_sessions(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.change(|state| {
            Ok(state
                .sessions
                .remove_where(|session| session.absolute_deadline <= now))
        })
    }
}

#[async_trait]
impl ResolveSession for MemoryStore {
    async fn resolve_session(&self, id: SessionId) -> Result<Option<ResolvedSession>, StoreError> {
        self.read(|state| {
            let session = state.sessions.get(&id)?.clone();
            let subject = state.subject((session.tenant, session.user))?;
            Some(ResolvedSession { session, subject })
        })
    }
}
