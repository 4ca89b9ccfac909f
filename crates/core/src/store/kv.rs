//! The key-value tier: what a store offers so that sessions, tickets and limits can live in it.
//!
//! Laws for every implementation, beside those of [`store`](crate::store); the conformance group `kv` holds them:
//!
//! - **KV-1 A deadline is data.** A row is there for a caller whose `now` lies before its deadline, and absent for one
//!   whose `now` does not. Nothing but the caller's `now` decides; one row may be there for one caller and gone for
//!   another. A server's own expiry is garbage collection: relative to the `now` of the write, with slack, never
//!   before the deadline.
//! - **KV-2 A commit is one step.** Checks and writes of a commit happen at one moment, all of them or none, against N
//!   callers at once and against the death of any process.
//! - **KV-3 Checks see what readers see**: the rows that are there at the `now` of the commit. They are held in their
//!   order, and the first that fails is named.
//! - **KV-4 Writes are made in order.** A put replaces value and deadline; deleting what is not there is no error.
//! - **KV-5 Parts are apart.** The same key in two parts is two rows. A commit, and a read of several rows, stays
//!   within one part, so that a part can be one hash slot of a cluster.
//! - **KV-6 Several rows are read at one moment** by [`get_all`](KeyValueStore::get_all);
//!   [`list`](KeyValueStore::list) promises less: each row as it was at some moment of the call.
//! - **KV-7 Purging removes only what is over**: rows whose deadline is at or before `now`. A row that is put anew
//!   while a purge runs stays.
//! - **KV-8 Bytes are bytes.** Keys of 1 to 255 bytes and values of 0 bytes to 1 MiB hold any byte.
//! - **KV-9 A failure says what it leaves behind.** After `Unavailable` nothing was written, after `Indeterminate` it
//!   may have been, whole; a caller that goes away leaves the commit done or not done.

mod part;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::error::StoreError;
use crate::time::Timestamp;

pub use part::Part;

/// Before every deadline but this moment itself: read at it, rows are there in whatever condition.
pub const ANY_TIME: Timestamp = Timestamp::from_micros(i64::MIN);

/// A row as it was read.
#[derive(Clone, PartialEq, Eq)]
pub struct KvEntry {
    /// What it holds.
    pub value: Vec<u8>,
    /// It is there before this moment and not at it.
    pub deadline: Timestamp,
}

/// What must be so for a commit to happen. Compared byte by byte: whoever decides by a row puts all that matters to
/// the decision into its value, and needs no version beside it.
#[derive(Clone, PartialEq, Eq)]
pub enum KvCheck {
    /// No such row is there.
    Absent {
        /// The row's key.
        key: Vec<u8>,
    },
    /// The row is there and holds exactly this, whatever its deadline.
    Holds {
        /// The row's key.
        key: Vec<u8>,
        /// What it must hold.
        value: Vec<u8>,
    },
}

/// What a commit changes.
#[derive(Clone, PartialEq, Eq)]
pub enum KvWrite {
    /// Inserts or replaces a row.
    Put {
        /// The row's key.
        key: Vec<u8>,
        /// What it shall hold.
        value: Vec<u8>,
        /// Until when; a deadline that has passed makes a row that is not there.
        deadline: Timestamp,
    },
    /// Removes a row.
    Delete {
        /// The row's key.
        key: Vec<u8>,
    },
}

/// How a commit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum KvCommit {
    /// Every check held and every write is made.
    Done,
    /// A check did not hold; nothing was written.
    Refused {
        /// The first that did not, counted from 0.
        check: usize,
    },
}

/// A store of rows: small values under keys, in parts. The laws stand above.
#[async_trait]
pub trait KeyValueStore: Send + Sync + 'static {
    /// One row.
    async fn get(
        &self,
        part: Part,
        key: &[u8],
        now: Timestamp,
    ) -> Result<Option<KvEntry>, StoreError>;

    /// Several rows as they are at one moment, in the order of their keys in `keys`.
    async fn get_all(
        &self,
        part: Part,
        keys: &[Vec<u8>],
        now: Timestamp,
    ) -> Result<Vec<Option<KvEntry>>, StoreError>;

    /// The rows of a part whose keys begin with `prefix`, by key. It may look through the whole store, so nothing asks
    /// it on the way of a request.
    async fn list(
        &self,
        part: Part,
        prefix: &[u8],
        now: Timestamp,
    ) -> Result<Vec<(Vec<u8>, KvEntry)>, StoreError>;

    /// Makes every write where every check holds, and none where one does not. `now` is the caller's present moment,
    /// by which a server measures how long it must keep what is put.
    async fn commit(
        &self,
        part: Part,
        checks: &[KvCheck],
        writes: &[KvWrite],
        now: Timestamp,
    ) -> Result<KvCommit, StoreError>;

    /// Removes the rows of every part whose keys begin with `prefix` and whose deadline has passed; returns how many.
    /// Rows that the server's own expiry took before are not counted.
    async fn purge(&self, prefix: &[u8], now: Timestamp) -> Result<u64, StoreError>;
}

/// A shared store is a store.
#[async_trait]
impl<K: KeyValueStore + ?Sized> KeyValueStore for Arc<K> {
    async fn get(
        &self,
        part: Part,
        key: &[u8],
        now: Timestamp,
    ) -> Result<Option<KvEntry>, StoreError> {
        (**self).get(part, key, now).await
    }

    async fn get_all(
        &self,
        part: Part,
        keys: &[Vec<u8>],
        now: Timestamp,
    ) -> Result<Vec<Option<KvEntry>>, StoreError> {
        (**self).get_all(part, keys, now).await
    }

    async fn list(
        &self,
        part: Part,
        prefix: &[u8],
        now: Timestamp,
    ) -> Result<Vec<(Vec<u8>, KvEntry)>, StoreError> {
        (**self).list(part, prefix, now).await
    }

    async fn commit(
        &self,
        part: Part,
        checks: &[KvCheck],
        writes: &[KvWrite],
        now: Timestamp,
    ) -> Result<KvCommit, StoreError> {
        (**self).commit(part, checks, writes, now).await
    }

    async fn purge(&self, prefix: &[u8], now: Timestamp) -> Result<u64, StoreError> {
        (**self).purge(prefix, now).await
    }
}

// Values hold digests and sealed bytes: their size is all that is printed.

impl fmt::Debug for KvEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KvEntry({} bytes, {})", self.value.len(), self.deadline)
    }
}

impl fmt::Debug for KvCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent { key } => write!(f, "Absent({})", key.escape_ascii()),
            Self::Holds { key, value } => {
                write!(f, "Holds({}, {} bytes)", key.escape_ascii(), value.len())
            }
        }
    }
}

impl fmt::Debug for KvWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put { key, value, .. } => {
                write!(f, "Put({}, {} bytes)", key.escape_ascii(), value.len())
            }
            Self::Delete { key } => write!(f, "Delete({})", key.escape_ascii()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // CR-05
    #[test]
    fn values_are_not_printed() {
        let (key, value) = (b"k".to_vec(), b"canary".to_vec());
        let entry = KvEntry {
            value: value.clone(),
            deadline: ANY_TIME,
        };
        let holds = KvCheck::Holds {
            key: key.clone(),
            value: value.clone(),
        };
        let put = KvWrite::Put {
            key,
            value,
            deadline: ANY_TIME,
        };
        let printed = format!("{entry:?} {holds:?} {put:?}");
        assert!(!printed.contains("canary"), "{printed}");
    }
}
