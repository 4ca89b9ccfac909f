//! A key-value store that is watched, and hindered.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use portcullis_core::error::StoreError;
use portcullis_core::store::{KeyValueStore, KvCheck, KvCommit, KvEntry, KvWrite, Part};
use portcullis_core::time::Timestamp;
use portcullis_stores_kv::MemoryKv;

/// A handle to a [`MemoryKv`]: each call that a server would be asked for is counted.
#[derive(Clone, Default)]
pub(crate) struct Watched {
    pub(crate) kv: MemoryKv,
    calls: Arc<AtomicU64>,
    courteous: bool,
    contended: Arc<AtomicBool>,
    meanwhile: Arc<Mutex<Option<(Call, Deed)>>>,
}

/// A call that somebody else can come before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    GetAll,
    Commit,
}

/// What somebody else does.
type Deed = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Watched {
    /// Lets others go first around every call, so that races happen on few threads too.
    pub(crate) fn courteous() -> Self {
        Self {
            courteous: true,
            ..Self::default()
        }
    }

    /// From here on somebody else is faster at every commit.
    pub(crate) fn contend(&self) {
        self.contended.store(true, Ordering::Relaxed);
    }

    /// Somebody else does this right before the next such call.
    pub(crate) fn meanwhile(&self, before: Call, deed: impl Future<Output = ()> + Send + 'static) {
        *self.meanwhile.lock().unwrap() = Some((before, Box::pin(deed)));
    }

    async fn others(&self, before: Call) {
        let due = |(call, _): &mut (Call, Deed)| *call == before;
        let deed = self.meanwhile.lock().unwrap().take_if(due);
        if let Some((_, deed)) = deed {
            deed.await;
        }
    }

    /// Round trips since the last time this was asked.
    pub(crate) fn round_trips(&self) -> u64 {
        self.calls.swap(0, Ordering::Relaxed)
    }

    async fn call(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if self.courteous {
            tokio::task::yield_now().await;
        }
    }
}

#[async_trait]
impl KeyValueStore for Watched {
    async fn get(
        &self,
        part: Part,
        key: &[u8],
        now: Timestamp,
    ) -> Result<Option<KvEntry>, StoreError> {
        let row = self.kv.get(part, key, now).await;
        self.call().await;
        row
    }

    async fn get_all(
        &self,
        part: Part,
        keys: &[Vec<u8>],
        now: Timestamp,
    ) -> Result<Vec<Option<KvEntry>>, StoreError> {
        self.others(Call::GetAll).await;
        let rows = self.kv.get_all(part, keys, now).await;
        self.call().await;
        rows
    }

    async fn list(
        &self,
        part: Part,
        prefix: &[u8],
        now: Timestamp,
    ) -> Result<Vec<(Vec<u8>, KvEntry)>, StoreError> {
        self.kv.list(part, prefix, now).await
    }

    async fn commit(
        &self,
        part: Part,
        checks: &[KvCheck],
        writes: &[KvWrite],
        now: Timestamp,
    ) -> Result<KvCommit, StoreError> {
        self.call().await;
        self.others(Call::Commit).await;
        if self.contended.load(Ordering::Relaxed) {
            let check = checks.len().saturating_sub(1);
            return Ok(KvCommit::Refused { check });
        }
        self.kv.commit(part, checks, writes, now).await
    }

    async fn purge(&self, prefix: &[u8], now: Timestamp) -> Result<u64, StoreError> {
        self.kv.purge(prefix, now).await
    }
}
