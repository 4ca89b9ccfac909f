//! Sessions, tickets and limits in anything that is a [`KeyValueStore`](portcullis_core::store::KeyValueStore).
//!
//! Each method reads, decides by what it read, and commits under the condition that nothing of it has changed; where
//! somebody was faster, it reads again. Keys begin with a letter of their own (see [`space`]), so that one store can
//! hold all of it.

mod ephemeral;
mod limits;
mod person;
mod row;
mod sessions;
mod tickets;
mod together;

pub use ephemeral::KvEphemeral;
pub use limits::KvLimits;
pub use sessions::KvSessions;
pub use tickets::KvTickets;

use portcullis_core::error::{StoreError, StoreErrorKind};
use portcullis_core::store::{KvCheck, KvCommit, KvWrite};
use portcullis_core::time::Timestamp;

/// What the keys of a kind of row begin with.
mod space {
    /// A session, by its id.
    pub(super) const SESSION: u8 = b's';
    /// The ids of a person's sessions, by tenant and user.
    pub(super) const PERSON: u8 = b'p';
    /// A ticket, by its id.
    pub(super) const TICKET: u8 = b't';
    /// A rate limit, by its key.
    pub(super) const LIMIT: u8 = b'l';
}

/// How often a method tries before it gives up. Of N callers at once one gets through in every round, so this is the
/// crowd on one row that is served.
const TRIES: usize = 256;

/// Others were faster every time: the row is overloaded, and nothing was written.
fn contended() -> StoreError {
    let source = format!("others changed the row first, {TRIES} times in a row");
    StoreError::new(StoreErrorKind::Unavailable).with_source(source)
}

/// A key in a space.
fn key(space: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length = parts.iter().map(|part| part.len()).sum::<usize>();
    let mut key = Vec::with_capacity(1 + length);
    key.push(space);
    for part in parts {
        key.extend_from_slice(part);
    }
    key
}

/// A commit in the making.
#[derive(Default)]
struct Batch {
    checks: Vec<KvCheck>,
    writes: Vec<KvWrite>,
}

impl Batch {
    /// Asks that a row is as it was read: `None` for one that was not there.
    fn unchanged(&mut self, key: &[u8], read: Option<&[u8]>) {
        let key = key.to_vec();
        self.checks.push(match read {
            None => KvCheck::Absent { key },
            Some(value) => KvCheck::Holds {
                key,
                value: value.to_vec(),
            },
        });
    }

    fn delete(&mut self, key: Vec<u8>) {
        self.writes.push(KvWrite::Delete { key });
    }

    fn put(&mut self, key: Vec<u8>, value: Vec<u8>, deadline: Timestamp) {
        self.writes.push(KvWrite::Put {
            key,
            value,
            deadline,
        });
    }
}

/// Whether a commit happened; which check failed does not matter.
fn done(commit: KvCommit) -> bool {
    commit == KvCommit::Done
}
