//! Sessions.

mod stored;

use std::cmp::Reverse;

use async_trait::async_trait;

use portcullis_core::error::{StoreError, StoreErrorKind};
use portcullis_core::id::{SessionId, TenantId, UserId};
use portcullis_core::session::{Session, SessionTouch};
use portcullis_core::store::{
    ANY_TIME, KeyValueStore, KvCommit, Part, SessionInsert, SessionRotation, SessionStore,
};
use portcullis_core::time::Timestamp;

use super::person::{Index, Person};
use super::together::together;
use super::{Batch, TRIES, contended, done, space};
pub(super) use stored::Stored;

/// Touches that are written at the same time.
const AT_ONCE: usize = 16;

/// Sessions in a key-value store: a row a session, and a row a person that names their sessions.
///
/// A session is read in one round trip. Inserting and listing read the person's sessions in two and commit in one; the
/// other writes read once and commit once. A session that has ended keeps its id until its deadline, and forgets where it
/// was opened: the person's row no longer names it, so nothing would find it to erase. Where others change the same person's sessions at the same time, all of
/// that is done again, up to 256 times; then the answer is `Unavailable`.
///
/// Ids must carry the shard tag of their person, as [`SessionId::tagged`] makes them: anything else is `Conflict`, because
/// it could not be one step.
#[derive(Clone, Debug)]
pub struct KvSessions<K> {
    kv: K,
}

impl<K> KvSessions<K> {
    /// Over a key-value store, which may hold other things beside.
    #[must_use]
    pub const fn new(kv: K) -> Self {
        Self { kv }
    }
}

impl<K: KeyValueStore> KvSessions<K> {
    async fn load(&self, id: SessionId) -> Result<Option<Stored>, StoreError> {
        let part = Part::of_session(id);
        let row = self.kv.get(part, &Stored::key(id), ANY_TIME).await?;
        row.map(|row| Stored::read(id, row)).transpose()
    }

    async fn commit(
        &self,
        part: Part,
        batch: &Batch,
        now: Timestamp,
    ) -> Result<KvCommit, StoreError> {
        let commit = self.kv.commit(part, &batch.checks, &batch.writes, now);
        commit.await
    }

    /// An id without the tag of its person is in use, or it cannot be used.
    async fn taken_or_misplaced(&self, id: SessionId) -> Result<(), StoreError> {
        match self.load(id).await? {
            Some(_) => Ok(()),
            None => Err(conflict("a session's id lacks the shard tag of its person")),
        }
    }

    /// Applies touches of one session, in their order, in one write.
    async fn touch(&self, id: SessionId, touches: &[SessionTouch]) -> Result<(), StoreError> {
        for _ in 0..TRIES {
            let Some(stored) = self.load(id).await? else {
                return Ok(());
            };
            let Some((session, now)) = stored.touched(touches) else {
                return Ok(());
            };
            let mut batch = Batch::default();
            stored.replace(&session, &mut batch)?;
            if done(self.commit(Part::of_session(id), &batch, now).await?) {
                return Ok(());
            }
        }
        Err(contended())
    }

    /// Inserts where nothing has changed since it read; `None` where something has.
    async fn try_insert(
        &self,
        session: &Session,
        cap: u32,
    ) -> Result<Option<SessionInsert>, StoreError> {
        let person = Person::read(&self.kv, (session.tenant, session.user)).await?;
        let now = session.created_at;
        let mut live = person.live(now);
        live.sort_unstable_by_key(|stored| {
            (
                stored.session.seen_at,
                stored.session.created_at,
                stored.session.id,
            )
        });
        // The new one always stays, whatever the cap.
        let others = usize::try_from(cap.saturating_sub(1)).unwrap_or(usize::MAX);
        let surplus = live.len().saturating_sub(others);
        let (evicted, _) = live.split_at_checked(surplus).unwrap_or_default();

        let mut batch = Batch::default();
        Stored::insert(session, &mut batch)?;
        for stored in evicted {
            stored.end(now, &mut batch)?;
        }
        let gone = |id: &SessionId| evicted.iter().any(|stored| stored.session.id == *id);
        let mut ids: Vec<SessionId> = person.lasting(now).filter(|id| !gone(id)).collect();
        ids.push(session.id);
        person.index.replace(&ids, session, now, &mut batch);
        let part = Part::of_session(session.id);
        Ok(match self.commit(part, &batch, now).await? {
            KvCommit::Done => Some(SessionInsert::Inserted {
                evicted: u32::try_from(evicted.len()).unwrap_or(u32::MAX),
            }),
            KvCommit::Refused { check: 0 } => Some(SessionInsert::IdTaken),
            KvCommit::Refused { .. } => None,
        })
    }

    /// Rotates where nothing has changed since it read; `None` where something has.
    async fn try_rotate(
        &self,
        old: SessionId,
        new: &Session,
        now: Timestamp,
    ) -> Result<Option<SessionRotation>, StoreError> {
        let part = Part::of_session(old);
        let key = Index::key((new.tenant, new.user));
        let keys = [Stored::key(old), key.clone()];
        let mut rows = self.kv.get_all(part, &keys, ANY_TIME).await?.into_iter();
        let before = rows.next().flatten();
        let Some(before) = before.map(|row| Stored::read(old, row)).transpose()? else {
            return Ok(Some(SessionRotation::Gone));
        };
        let owner = (before.session.tenant, before.session.user);
        if !before.session.is_live(now) || owner != (new.tenant, new.user) {
            return Ok(Some(SessionRotation::Gone));
        }
        if Part::of_session(new.id) != part {
            self.taken_or_misplaced(new.id).await?;
            return Ok(Some(SessionRotation::IdTaken));
        }
        let mut batch = Batch::default();
        let named = Session {
            name: before.session.name.clone(),
            ..new.clone()
        };
        Stored::insert(&named, &mut batch)?;
        before.end(now, &mut batch)?;
        let index = Index::new(key, rows.next().flatten());
        let mut ids = index.ids()?;
        ids.retain(|id| *id != old);
        ids.push(new.id);
        index.replace(&ids, new, now, &mut batch);
        Ok(match self.commit(part, &batch, now).await? {
            KvCommit::Done => Some(SessionRotation::Rotated),
            KvCommit::Refused { check: 0 } => Some(SessionRotation::IdTaken),
            KvCommit::Refused { .. } => None,
        })
    }
}

fn conflict(why: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Conflict).with_source(why)
}

#[async_trait]
impl<K: KeyValueStore> SessionStore for KvSessions<K> {
    async fn insert_session(
        &self,
        session: &Session,
        cap: u32,
    ) -> Result<SessionInsert, StoreError> {
        if Part::of_session(session.id) != Part::of_user(session.user) {
            self.taken_or_misplaced(session.id).await?;
            return Ok(SessionInsert::IdTaken);
        }
        for _ in 0..TRIES {
            if let Some(answer) = self.try_insert(session, cap).await? {
                return Ok(answer);
            }
        }
        Err(contended())
    }

    async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        Ok(self.load(id).await?.map(|stored| stored.session))
    }

    async fn touch_sessions(&self, touches: &[SessionTouch]) -> Result<(), StoreError> {
        let mut touches = touches.to_vec();
        // Stable: touches of one session stay in their order.
        touches.sort_by_key(|touch| touch.id);
        let each: Vec<&[SessionTouch]> = touches.chunk_by(|a, b| a.id == b.id).collect();
        for some in each.chunks(AT_ONCE) {
            let calls = some.iter().filter_map(|touches| {
                let id = touches.first()?.id;
                Some(Box::pin(self.touch(id, touches)) as _)
            });
            together(calls.collect()).await?;
        }
        Ok(())
    }

    async fn rename_session(
        &self,
        tenant: TenantId,
        user: UserId,
        id: SessionId,
        name: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        for _ in 0..TRIES {
            let Some(stored) = self.load(id).await? else {
                return Ok(false);
            };
            let session = &stored.session;
            if (session.tenant, session.user) != (tenant, user) || !session.is_live(now) {
                return Ok(false);
            }
            let named = Session {
                name: name.map(str::to_owned),
                ..session.clone()
            };
            let mut batch = Batch::default();
            stored.replace(&named, &mut batch)?;
            if done(self.commit(Part::of_session(id), &batch, now).await?) {
                return Ok(true);
            }
        }
        Err(contended())
    }

    async fn rotate_session(
        &self,
        old: SessionId,
        new: &Session,
        now: Timestamp,
    ) -> Result<SessionRotation, StoreError> {
        for _ in 0..TRIES {
            if let Some(answer) = self.try_rotate(old, new, now).await? {
                return Ok(answer);
            }
        }
        Err(contended())
    }

    async fn revoke_session(
        &self,
        tenant: TenantId,
        user: UserId,
        id: SessionId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        for _ in 0..TRIES {
            let Some(stored) = self.load(id).await? else {
                return Ok(false);
            };
            let session = &stored.session;
            if (session.tenant, session.user) != (tenant, user) || !session.is_live(now) {
                return Ok(false);
            }
            let mut batch = Batch::default();
            stored.end(now, &mut batch)?;
            // The index drops the id when it is next written.
            if done(self.commit(Part::of_session(id), &batch, now).await?) {
                return Ok(true);
            }
        }
        Err(contended())
    }

    async fn revoke_sessions(
        &self,
        tenant: TenantId,
        user: UserId,
        keep: Option<SessionId>,
        now: Timestamp,
    ) -> Result<u32, StoreError> {
        for _ in 0..TRIES {
            let person = Person::read(&self.kv, (tenant, user)).await?;
            let mut live = person.live(now);
            live.retain(|stored| Some(stored.session.id) != keep);
            if live.is_empty() {
                return Ok(0);
            }
            let mut batch = Batch::default();
            // A session that opens meanwhile is either ended with the others or opens after them.
            person.index.unchanged(now, &mut batch);
            for stored in &live {
                stored.end(now, &mut batch)?;
            }
            if done(self.commit(Part::of_user(user), &batch, now).await?) {
                return Ok(u32::try_from(live.len()).unwrap_or(u32::MAX));
            }
        }
        Err(contended())
    }

    async fn list_sessions(
        &self,
        tenant: TenantId,
        user: UserId,
        now: Timestamp,
    ) -> Result<Vec<Session>, StoreError> {
        let person = Person::read(&self.kv, (tenant, user)).await?;
        let live = person.live(now).into_iter();
        let mut live: Vec<Session> = live.map(|stored| stored.session.clone()).collect();
        live.sort_by_key(|session| Reverse((session.created_at, session.id)));
        Ok(live)
    }

    async fn erase_sessions(&self, tenant: TenantId, user: UserId) -> Result<u64, StoreError> {
        for _ in 0..TRIES {
            let person = Person::read(&self.kv, (tenant, user)).await?;
            let mut batch = Batch::default();
            let removed = person.remove(&mut batch);
            if batch.writes.is_empty() {
                return Ok(0);
            }
            if done(self.commit(Part::of_user(user), &batch, ANY_TIME).await?) {
                return Ok(removed);
            }
        }
        Err(contended())
    }

    async fn prune_sessions(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.kv.purge(&[space::PERSON], now).await?;
        self.kv.purge(&[space::SESSION], now).await
    }
}
