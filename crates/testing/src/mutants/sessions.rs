//! Sessions that come back.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use portcullis_core::error::StoreError;
use portcullis_core::id::SessionId;
use portcullis_core::session::{Session, SessionTouch};
use portcullis_core::store::{SessionInsert, SessionStore};

use super::mutant;
use crate::wrap::Around;

mutant! {
    /// Writes a touched session back whole: one that was ended meanwhile lives again.
    ///
    /// Caught by [`session_use::a_touch_never_resurrects`][case].
    ///
    /// [case]: crate::conformance::session_use::a_touch_never_resurrects
    ResurrectingTouch { risen: Mutex<HashMap<SessionId, SessionTouch>> }
}

impl<S> ResurrectingTouch<S> {
    fn risen(&self) -> MutexGuard<'_, HashMap<SessionId, SessionTouch>> {
        self.risen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl<S: SessionStore> Around for ResurrectingTouch<S> {
    type Store = S;

    fn store(&self) -> &S {
        &self.store
    }

    async fn touch_sessions(&self, touches: &[SessionTouch]) -> Result<(), StoreError> {
        for touch in touches {
            let session = self.store.session(touch.id).await?;
            if session.is_some_and(|session| session.revoked_at.is_some()) {
                self.risen().insert(touch.id, *touch);
            }
        }
        self.store.touch_sessions(touches).await
    }

    async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        let mut session = self.store.session(id).await?;
        if let (Some(session), Some(touch)) = (&mut session, self.risen().get(&id)) {
            (session.seen_at, session.idle_deadline) = (touch.seen_at, touch.idle_deadline);
            session.revoked_at = None;
        }
        Ok(session)
    }
}

mutant! {
    /// Forgets an ended session's id and gives it to another.
    ///
    /// Caught by [`sessions::a_used_id_is_never_used_again`][case].
    ///
    /// [case]: crate::conformance::sessions::a_used_id_is_never_used_again
    IdReuse { reused: Mutex<HashMap<SessionId, Session>> }
}

impl<S> IdReuse<S> {
    fn reused(&self) -> MutexGuard<'_, HashMap<SessionId, Session>> {
        self.reused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl<S: SessionStore> Around for IdReuse<S> {
    type Store = S;

    fn store(&self) -> &S {
        &self.store
    }

    async fn insert_session(
        &self,
        session: &Session,
        cap: u32,
    ) -> Result<SessionInsert, StoreError> {
        let before = self.store.session(session.id).await?;
        if before.is_some_and(|before| before.revoked_at.is_some()) {
            self.reused().insert(session.id, session.clone());
            return Ok(SessionInsert::Inserted { evicted: 0 });
        }
        self.store.insert_session(session, cap).await
    }

    async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        let reused = self.reused().get(&id).cloned();
        match reused {
            Some(session) => Ok(Some(session)),
            None => self.store.session(id).await,
        }
    }
}
