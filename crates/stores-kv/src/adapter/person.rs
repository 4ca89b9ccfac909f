//! A person's sessions: the row that names them, and all of them as they are at one moment.

use std::time::Duration;

use portcullis_core::error::StoreError;
use portcullis_core::id::{SessionId, TenantId, UserId};
use portcullis_core::session::Session;
use portcullis_core::store::{ANY_TIME, KeyValueStore, KvEntry, Part};
use portcullis_core::time::Timestamp;

use super::sessions::Stored;
use super::{Batch, TRIES, contended, key, space};

/// How long the index outlives the sessions it names, so that no clock that is wrong by less loses one from it.
const MARGIN: Duration = Duration::from_secs(24 * 60 * 60);

/// Where the ids of a person's sessions are kept. Only sessions that are ended or long over leave it: one that is idle
/// may yet be touched by a caller whose clock is behind.
pub(super) struct Index {
    key: Vec<u8>,
    read: Option<KvEntry>,
}

impl Index {
    pub(super) fn key((tenant, user): (TenantId, UserId)) -> Vec<u8> {
        key(space::PERSON, &[tenant.as_bytes(), user.as_bytes()])
    }

    pub(super) const fn new(key: Vec<u8>, read: Option<KvEntry>) -> Self {
        Self { key, read }
    }

    pub(super) fn ids(&self) -> Result<Vec<SessionId>, StoreError> {
        let bytes = self.read.as_ref().map_or(&[][..], |row| &row.value);
        let (ids, rest) = bytes.as_chunks::<16>();
        if !rest.is_empty() {
            return Err(StoreError::corrupt("session_index", "ids"));
        }
        Ok(ids.iter().copied().map(SessionId::from_bytes).collect())
    }

    /// Asks that no session came or went since the index was read; for a commit at `now`.
    pub(super) fn unchanged(&self, now: Timestamp, batch: &mut Batch) {
        let there = self.read.as_ref().filter(|row| now < row.deadline);
        batch.unchanged(&self.key, there.map(|row| row.value.as_slice()));
    }

    /// Replaces the ids, `new` among them; for a commit at `now`.
    pub(super) fn replace(
        &self,
        ids: &[SessionId],
        new: &Session,
        now: Timestamp,
        batch: &mut Batch,
    ) {
        self.unchanged(now, batch);
        let value = ids.iter().flat_map(SessionId::as_bytes).copied().collect();
        let deadline = new.absolute_deadline.plus(MARGIN);
        let before = self.read.as_ref().map_or(deadline, |row| row.deadline);
        batch.put(self.key.clone(), value, deadline.max(before));
    }
}

/// The index and every session it names, at one moment.
pub(super) struct Person {
    pub(super) index: Index,
    sessions: Vec<Stored>,
}

impl Person {
    pub(super) async fn read(
        kv: &impl KeyValueStore,
        owner: (TenantId, UserId),
    ) -> Result<Self, StoreError> {
        let part = Part::of_user(owner.1);
        let key = Index::key(owner);
        let mut read = kv.get(part, &key, ANY_TIME).await?;
        for _ in 0..TRIES {
            let index = Index::new(key.clone(), read);
            let ids = index.ids()?;
            if ids.is_empty() {
                let sessions = Vec::new();
                return Ok(Self { index, sessions });
            }
            let sessions = ids.iter().map(|id| Stored::key(*id));
            let keys: Vec<Vec<u8>> = std::iter::once(key.clone()).chain(sessions).collect();
            let mut rows = kv.get_all(part, &keys, ANY_TIME).await?.into_iter();
            read = rows.next().flatten();
            if read == index.read {
                let named = ids.iter().zip(rows);
                let there = named.filter_map(|(id, row)| Some(Stored::read(*id, row?)));
                let sessions = there.collect::<Result<_, _>>()?;
                return Ok(Self { index, sessions });
            }
        }
        Err(contended())
    }

    /// Those that are live at `now`.
    pub(super) fn live(&self, now: Timestamp) -> Vec<&Stored> {
        let live = |stored: &&Stored| stored.session.is_live(now);
        self.sessions.iter().filter(live).collect()
    }

    /// Removes the index and every session it names; returns how many those are.
    pub(super) fn remove(&self, batch: &mut Batch) -> u64 {
        if let Some(row) = &self.index.read {
            batch.unchanged(&self.index.key, Some(&row.value));
            batch.delete(self.index.key.clone());
        }
        for stored in &self.sessions {
            stored.remove(batch);
        }
        u64::try_from(self.sessions.len()).unwrap_or(u64::MAX)
    }

    /// The ids the index must go on naming at `now`.
    pub(super) fn lasting(&self, now: Timestamp) -> impl Iterator<Item = SessionId> {
        let sessions = self.sessions.iter().map(|stored| &stored.session);
        sessions
            .filter(move |session| {
                let over = session.absolute_deadline.plus(MARGIN) <= now;
                session.revoked_at.is_none() && !over
            })
            .map(|session| session.id)
    }
}
