//! What a store is connected with.

use std::fmt;
use std::time::Duration;

/// Where the database is and how it is used.
#[derive(Clone)]
#[non_exhaustive]
pub struct PostgresOptions {
    /// `postgres://user:password@host:port/database?sslmode=verify-full`, as libpq reads it. Without `sslmode` TLS is
    /// used where the server offers it, and its certificate is not checked.
    pub url: String,
    /// The schema that holds the tables, made by `migrate` where it is missing; otherwise the first of the search path.
    pub schema: Option<String>,
    /// The most connections.
    pub max_connections: u32,
    /// How long a call waits for a connection before it fails as unavailable.
    pub acquire_timeout: Duration,
    /// How long a statement may run.
    pub statement_timeout: Duration,
    /// How long a statement waits for a lock. The script is then tried again, a few times.
    pub lock_timeout: Duration,
    /// After how long the server ends a transaction whose client has gone silent.
    pub idle_in_transaction_timeout: Duration,
}

impl PostgresOptions {
    /// A database, with the defaults: 10 connections, 3 s for one to become free, 10 s a statement, 2 s a lock, 10 s of
    /// silence in a transaction.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            schema: None,
            max_connections: 10,
            acquire_timeout: Duration::from_secs(3),
            statement_timeout: Duration::from_secs(10),
            lock_timeout: Duration::from_secs(2),
            idle_in_transaction_timeout: Duration::from_secs(10),
        }
    }
}

/// Without the URL, which may hold a password.
impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("schema", &self.schema)
            .field("max_connections", &self.max_connections)
            .field("acquire_timeout", &self.acquire_timeout)
            .field("statement_timeout", &self.statement_timeout)
            .field("lock_timeout", &self.lock_timeout)
            .field(
                "idle_in_transaction_timeout",
                &self.idle_in_transaction_timeout,
            )
            .finish_non_exhaustive()
    }
}
