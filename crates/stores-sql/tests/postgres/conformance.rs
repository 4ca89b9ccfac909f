//! `PostgresStore` passes the conformance suite.

use std::sync::Arc;

use portcullis_stores_sql::PostgresStore;

use crate::server::Database;

async fn postgres() -> Option<(Arc<PostgresStore>, Database)> {
    let database = Database::migrated().await?;
    Some((Arc::new(database.store().await), database))
}

portcullis_testing::conformance!(all: postgres);
