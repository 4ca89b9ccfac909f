//! `MemoryStore` passes the conformance suite.

use std::sync::Arc;

use portcullis_stores_kv::MemoryStore;

async fn memory() -> Arc<MemoryStore> {
    Arc::new(MemoryStore::new())
}

portcullis_testing::conformance!(all: memory);
