//! What every clone of a store shares: the pool, and how its connections are used.

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::error::StoreError;
use sqlx::PgPool;
use tracing::Instrument as _;

use super::counters::Counters;
use super::fault::{Trouble, store_error, unavailable};
use super::held::Held;
use super::suspicion::Suspicion;

/// The engine behind [`PostgresStore`](super::PostgresStore).
#[derive(Clone)]
pub(super) struct Engine(Arc<Inner>);

pub(super) struct Inner {
    pub(super) pool: PgPool,
    /// Opens a transaction.
    pub(super) begin: String,
    /// Whether a script of one statement needs no transaction of its own.
    pub(super) autocommit: bool,
    /// How long an answer may take: longer than the server lets any statement run.
    pub(super) patience: Duration,
    pub(super) suspicion: Arc<Suspicion>,
    pub(super) counters: Counters,
    /// Where the tables are made where that is not the first schema of the search path.
    pub(super) schema: Option<String>,
}

impl std::ops::Deref for Engine {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Engine {
    pub(super) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// A connection, as soon as one is free. A caller that goes away while it waits has started nothing.
    pub(super) async fn take(&self) -> Result<Held, StoreError> {
        match self.pool.acquire().await {
            Ok(connection) => Ok(Held::new(connection, self.clone())),
            Err(error) => Err(store_error(error)),
        }
    }

    /// Runs work with a connection to its end, whether its caller waits for it or not.
    pub(super) async fn to_the_end<T, W>(
        &self,
        work: impl FnOnce(Held) -> W,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: Future<Output = T> + Send + 'static,
    {
        let held = self.take().await?;
        match tokio::spawn(work(held).in_current_span()).await {
            Ok(end) => Ok(end),
            Err(_) => {
                Err(Trouble::Lost(unavailable("the task of the statement is gone")).of_commit())
            }
        }
    }
}
