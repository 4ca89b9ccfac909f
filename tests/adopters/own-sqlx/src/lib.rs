//! Both stand side by side.

use portcullis_stores_sql::{SqliteOptions, SqliteStore};
use sqlx::SqlitePool;

/// An application with a pool of its own and a store of ours.
pub struct Application {
    pub pool: SqlitePool,
    pub accounts: SqliteStore,
}

impl Application {
    pub async fn start() -> Result<Self, Box<dyn std::error::Error>> {
        let accounts = SqliteStore::open(SqliteOptions::new("accounts.db").create_if_missing())?;
        let pool = SqlitePool::connect("sqlite://application.db").await?;
        Ok(Self { pool, accounts })
    }
}
