//! [`MemoryKv`]: the smallest store that keeps the laws of [`KeyValueStore`].

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;

use portcullis_core::error::StoreError;
use portcullis_core::store::{KeyValueStore, KvCheck, KvCommit, KvEntry, KvWrite, Part};
use portcullis_core::time::Timestamp;

/// Rows in memory: the reference of [`KeyValueStore`], to hold an adapter or a store of your own against.
///
/// A handle: clones share one store. Everything is lost when the last one is dropped.
#[derive(Clone, Default)]
pub struct MemoryKv {
    // Held for the length of one method and never across an await: every method is atomic by that alone.
    rows: Arc<Mutex<Rows>>,
}

type Rows = BTreeMap<(Part, Vec<u8>), KvEntry>;

impl fmt::Debug for MemoryKv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryKv").finish_non_exhaustive()
    }
}

impl MemoryKv {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Rows in the store, those past their deadline too.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Nothing in here panics half way through a change.
    fn lock(&self) -> MutexGuard<'_, Rows> {
        self.rows
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn there<'a>(rows: &'a Rows, part: Part, key: &[u8], now: Timestamp) -> Option<&'a KvEntry> {
    rows.get(&(part, key.to_vec()))
        .filter(|entry| now < entry.deadline)
}

fn holds(rows: &Rows, part: Part, check: &KvCheck, now: Timestamp) -> bool {
    match check {
        KvCheck::Absent { key } => there(rows, part, key, now).is_none(),
        KvCheck::Holds { key, value } => {
            there(rows, part, key, now).is_some_and(|entry| entry.value == *value)
        }
    }
}

fn make(rows: &mut Rows, part: Part, write: &KvWrite) {
    match write {
        KvWrite::Put {
            key,
            value,
            deadline,
        } => {
            let entry = KvEntry {
                value: value.clone(),
                deadline: *deadline,
            };
            rows.insert((part, key.clone()), entry);
        }
        KvWrite::Delete { key } => {
            rows.remove(&(part, key.clone()));
        }
    }
}

#[async_trait]
impl KeyValueStore for MemoryKv {
    async fn get(
        &self,
        part: Part,
        key: &[u8],
        now: Timestamp,
    ) -> Result<Option<KvEntry>, StoreError> {
        Ok(there(&self.lock(), part, key, now).cloned())
    }

    async fn get_all(
        &self,
        part: Part,
        keys: &[Vec<u8>],
        now: Timestamp,
    ) -> Result<Vec<Option<KvEntry>>, StoreError> {
        let rows = self.lock();
        let entry = |key: &Vec<u8>| there(&rows, part, key, now).cloned();
        Ok(keys.iter().map(entry).collect())
    }

    async fn list(
        &self,
        part: Part,
        prefix: &[u8],
        now: Timestamp,
    ) -> Result<Vec<(Vec<u8>, KvEntry)>, StoreError> {
        let rows = self.lock();
        let rows = rows
            .range((part, prefix.to_vec())..)
            .take_while(|((of, key), _)| *of == part && key.starts_with(prefix))
            .filter(|(_, entry)| now < entry.deadline);
        Ok(rows
            .map(|((_, key), entry)| (key.clone(), entry.clone()))
            .collect())
    }

    async fn commit(
        &self,
        part: Part,
        checks: &[KvCheck],
        writes: &[KvWrite],
        now: Timestamp,
    ) -> Result<KvCommit, StoreError> {
        let mut rows = self.lock();
        let failed = |check: &KvCheck| !holds(&rows, part, check, now);
        if let Some(check) = checks.iter().position(failed) {
            return Ok(KvCommit::Refused { check });
        }
        for write in writes {
            make(&mut rows, part, write);
        }
        Ok(KvCommit::Done)
    }

    async fn purge(&self, prefix: &[u8], now: Timestamp) -> Result<u64, StoreError> {
        let mut rows = self.lock();
        let over = |key: &[u8], entry: &KvEntry| key.starts_with(prefix) && entry.deadline <= now;
        let mut purged = 0;
        rows.retain(|(_, key), entry| {
            let over = over(key, entry);
            purged += u64::from(over);
            !over
        });
        Ok(purged)
    }
}
