//! The adapters pass the conformance suite on `MemoryKv`, and `MemoryKv` passes that of key-value stores.

use std::sync::Arc;

use async_trait::async_trait;

use portcullis_core::error::StoreError;
use portcullis_core::store::{KeyValueStore, KvCheck, KvCommit, KvEntry, KvWrite, Part};
use portcullis_core::time::Timestamp;
use portcullis_stores_kv::{KvLimits, KvSessions, KvTickets, MemoryKv};

/// Lets others go first between any two calls, so that races happen on one thread too.
#[derive(Default)]
struct Courteous(MemoryKv);

#[async_trait]
impl KeyValueStore for Courteous {
    async fn get(
        &self,
        part: Part,
        key: &[u8],
        now: Timestamp,
    ) -> Result<Option<KvEntry>, StoreError> {
        let row = self.0.get(part, key, now).await;
        tokio::task::yield_now().await;
        row
    }

    async fn get_all(
        &self,
        part: Part,
        keys: &[Vec<u8>],
        now: Timestamp,
    ) -> Result<Vec<Option<KvEntry>>, StoreError> {
        let rows = self.0.get_all(part, keys, now).await;
        tokio::task::yield_now().await;
        rows
    }

    async fn list(
        &self,
        part: Part,
        prefix: &[u8],
        now: Timestamp,
    ) -> Result<Vec<(Vec<u8>, KvEntry)>, StoreError> {
        self.0.list(part, prefix, now).await
    }

    async fn commit(
        &self,
        part: Part,
        checks: &[KvCheck],
        writes: &[KvWrite],
        now: Timestamp,
    ) -> Result<KvCommit, StoreError> {
        tokio::task::yield_now().await;
        self.0.commit(part, checks, writes, now).await
    }

    async fn purge(&self, prefix: &[u8], now: Timestamp) -> Result<u64, StoreError> {
        self.0.purge(prefix, now).await
    }
}

async fn memory() -> Arc<MemoryKv> {
    Arc::new(MemoryKv::new())
}

async fn sessions() -> Arc<KvSessions<Courteous>> {
    Arc::new(KvSessions::new(Courteous::default()))
}

async fn tickets() -> Arc<KvTickets<Courteous>> {
    Arc::new(KvTickets::new(Courteous::default()))
}

async fn limits() -> Arc<KvLimits<Courteous>> {
    Arc::new(KvLimits::new(Courteous::default()))
}

portcullis_testing::conformance!(kv: memory);
portcullis_testing::conformance!(sessions: sessions);
portcullis_testing::conformance!(tickets: tickets);
portcullis_testing::conformance!(limits: limits);
