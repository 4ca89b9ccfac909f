//! `SqliteStore` passes the conformance suite.

#![cfg(feature = "sqlite")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use portcullis_stores_sql::{SqliteOptions, SqliteStore};
use tempfile::TempDir;

async fn sqlite() -> (Arc<SqliteStore>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions::new(folder.path().join("portcullis.db"));
    let store = SqliteStore::open(options.create_if_missing()).unwrap();
    store.migrate().await.unwrap();
    (Arc::new(store), folder)
}

portcullis_testing::conformance!(all: sqlite);
