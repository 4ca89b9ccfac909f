//! A session's row.

use serde::{Deserialize, Serialize};

use portcullis_core::entity::Epoch;
use portcullis_core::error::StoreError;
use portcullis_core::id::{SessionId, TenantId, UserId};
use portcullis_core::secret::TokenDigest;
use portcullis_core::session::{Assurance, Device, Session, SessionTouch};
use portcullis_core::store::KvEntry;
use portcullis_core::time::Timestamp;

use super::super::{Batch, key, row, space};

#[derive(Serialize, Deserialize)]
struct Row {
    user: UserId,
    tenant: TenantId,
    epoch: Epoch,
    digest: TokenDigest,
    assurance: Assurance,
    created_at: Timestamp,
    seen_at: Timestamp,
    idle_deadline: Timestamp,
    absolute_deadline: Timestamp,
    device: Device,
    #[serde(default)]
    name: Option<String>,
    actor: Option<UserId>,
    revoked_at: Option<Timestamp>,
}

/// A session and its row as it was read.
pub(in crate::adapter) struct Stored {
    pub(in crate::adapter) session: Session,
    bytes: Vec<u8>,
}

impl Stored {
    pub(in crate::adapter) fn key(id: SessionId) -> Vec<u8> {
        key(space::SESSION, &[id.as_bytes()])
    }

    pub(in crate::adapter) fn read(id: SessionId, entry: KvEntry) -> Result<Self, StoreError> {
        let row = row::read::<Row>("sessions", &entry.value)?;
        let session = Session {
            id,
            user: row.user,
            tenant: row.tenant,
            epoch: row.epoch,
            digest: row.digest,
            assurance: row.assurance,
            created_at: row.created_at,
            seen_at: row.seen_at,
            idle_deadline: row.idle_deadline,
            absolute_deadline: row.absolute_deadline,
            device: row.device,
            name: row.name,
            actor: row.actor,
            revoked_at: row.revoked_at,
        };
        Ok(Self {
            session,
            bytes: entry.value,
        })
    }

    /// The session after some touches, in their order, and the last of those that found it live; `None` where none did.
    pub(super) fn touched(&self, touches: &[SessionTouch]) -> Option<(Session, Timestamp)> {
        let mut session = self.session.clone();
        let mut last = None;
        for touch in touches {
            if session.is_live(touch.seen_at) {
                session.seen_at = session.seen_at.max(touch.seen_at);
                let deadline = touch.idle_deadline.min(session.absolute_deadline);
                session.idle_deadline = session.idle_deadline.max(deadline);
                last = last.max(Some(touch.seen_at));
            }
        }
        Some((session, last?))
    }

    /// Stores a session under the condition that its id was never used.
    pub(super) fn insert(session: &Session, batch: &mut Batch) -> Result<(), StoreError> {
        batch.unchanged(&Self::key(session.id), None);
        put(session, batch)
    }

    /// Stores another state of the session under the condition that it is as it was read.
    pub(super) fn replace(&self, session: &Session, batch: &mut Batch) -> Result<(), StoreError> {
        batch.unchanged(&Self::key(session.id), Some(&self.bytes));
        put(session, batch)
    }

    /// Ends the session under the condition that it is as it was read. What is left guards its id; where it was opened is
    /// forgotten, because the index will not name it to whoever erases the person.
    pub(super) fn end(&self, now: Timestamp, batch: &mut Batch) -> Result<(), StoreError> {
        let mut session = self.session.clone();
        session.revoked_at = Some(now);
        session.device = Device::default();
        session.name = None;
        self.replace(&session, batch)
    }
}

impl Stored {
    /// Removes the session under the condition that it is as it was read.
    pub(in crate::adapter) fn remove(&self, batch: &mut Batch) {
        let key = Self::key(self.session.id);
        batch.unchanged(&key, Some(&self.bytes));
        batch.delete(key);
    }
}

fn put(session: &Session, batch: &mut Batch) -> Result<(), StoreError> {
    let row = Row {
        user: session.user,
        tenant: session.tenant,
        epoch: session.epoch,
        digest: session.digest,
        assurance: session.assurance.clone(),
        created_at: session.created_at,
        seen_at: session.seen_at,
        idle_deadline: session.idle_deadline,
        absolute_deadline: session.absolute_deadline,
        device: session.device.clone(),
        name: session.name.clone(),
        actor: session.actor,
        revoked_at: session.revoked_at,
    };
    let key = Stored::key(session.id);
    batch.put(key, row::write(&row)?, session.absolute_deadline);
    Ok(())
}
