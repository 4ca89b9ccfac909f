//! Sessions that come back.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use portcullis_core::error::StoreError;
use portcullis_core::id::{SessionId, TenantId, UserId};
use portcullis_core::session::{Session, SessionTouch};
use portcullis_core::store::{SessionInsert, SessionRotation, SessionStore};
use portcullis_core::time::Timestamp;

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

mutant! {
    /// Writes a session back whole to give it a name, as it was read: one that was ended meanwhile lives again.
    ///
    /// Caught by [`session_names::only_a_live_session_of_ones_own_is_named`][case].
    ///
    /// [case]: crate::conformance::session_names::only_a_live_session_of_ones_own_is_named
    ResurrectingRename { risen: Mutex<HashMap<SessionId, String>> }
}

impl<S> ResurrectingRename<S> {
    fn risen(&self) -> MutexGuard<'_, HashMap<SessionId, String>> {
        self.risen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl<S: SessionStore> Around for ResurrectingRename<S> {
    type Store = S;

    fn store(&self) -> &S {
        &self.store
    }

    async fn rename_session(
        &self,
        tenant: TenantId,
        user: UserId,
        id: SessionId,
        name: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let session = self.store.session(id).await?;
        if session.is_some_and(|session| session.revoked_at.is_some()) {
            self.risen().insert(id, name.unwrap_or_default().to_owned());
            return Ok(true);
        }
        let renamed = self.store.rename_session(tenant, user, id, name, now);
        renamed.await
    }

    async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        let mut session = self.store.session(id).await?;
        if let (Some(session), Some(name)) = (&mut session, self.risen().get(&id)) {
            session.name = Some(name.clone());
            session.revoked_at = None;
        }
        Ok(session)
    }
}

mutant! {
    /// Renews a session with what its reader saw: a name that was given meanwhile is lost.
    ///
    /// Caught by [`session_names::a_name_goes_along_with_a_rotation`][case].
    ///
    /// [case]: crate::conformance::session_names::a_name_goes_along_with_a_rotation
    RotatesOldName {}
}

#[async_trait]
impl<S: SessionStore> Around for RotatesOldName<S> {
    type Store = S;

    fn store(&self) -> &S {
        &self.store
    }

    async fn rotate_session(
        &self,
        old: SessionId,
        new: &Session,
        now: Timestamp,
    ) -> Result<SessionRotation, StoreError> {
        let rotated = self.store.rotate_session(old, new, now).await?;
        if rotated == SessionRotation::Rotated {
            let (tenant, user, name) = (new.tenant, new.user, new.name.as_deref());
            let named = self.store.rename_session(tenant, user, new.id, name, now);
            let _named = named.await?;
        }
        Ok(rotated)
    }
}
