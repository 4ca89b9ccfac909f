//! PostgreSQL over the network.
//!
//! A statement, or a script of them, runs in a task of its own to its end. Scripts run at READ COMMITTED: what decides
//! stands in the predicate of a statement, and scripts of one person take turns.

mod connect;
mod counters;
mod ddl;
mod engine;
mod fault;
mod held;
mod migrate;
mod options;
mod row;
mod run;
mod suspicion;
mod text;
mod turns;

use std::fmt;

use portcullis_core::error::StoreError;
use sqlx::PgPool;
use sqlx::postgres::PgRow;

pub use fault::ConnectError;
pub use options::PostgresOptions;

use crate::columns::Columns;
use crate::driver::{Decode, Driver, Fold};
use crate::schema::{MigrateError, Migration};
use crate::script::{Done, Failure, Script};
use crate::store::SqlStore;
use crate::value::Value;
use engine::Engine;
use fault::Trouble;
use held::Held;

/// Every store trait over one PostgreSQL database.
///
/// A handle: clones share one pool of connections.
pub type PostgresStore = SqlStore<Postgres>;

/// The engine behind [`PostgresStore`].
#[derive(Clone)]
pub struct Postgres {
    engine: Engine,
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Connects to a database, with a pool of connections of its own.
    ///
    /// It does not migrate: where the tables are missing, every call fails as unavailable with "run migrate" as its
    /// source until [`PostgresStore::migrate`] is called.
    ///
    /// # Errors
    /// [`ConnectError`] for a server that cannot be reached, a setting that this store cannot work with, and a schema
    /// that is newer than this program or not the one it knows.
    pub async fn connect(options: PostgresOptions) -> Result<Self, ConnectError> {
        Self::checked(connect::connect(options).await?).await
    }

    /// Uses a pool that is there already. Size, timeouts and search path are the pool's; transactions set their own
    /// isolation and their own limits, the defaults of [`PostgresOptions`].
    ///
    /// A caller of yours that is dropped inside sqlx 0.9.0's `begin()` leaves its connection inside a transaction, and
    /// the pool hands it on. Writes of this store survive that, at the price of a transaction around each; what the
    /// caller left behind is committed with them. A pool for portcullis alone has no such caller.
    ///
    /// # Errors
    /// As for [`PostgresStore::connect`].
    pub async fn from_pool(pool: PgPool) -> Result<Self, ConnectError> {
        Self::checked(connect::adopt(pool).await?).await
    }

    async fn checked(engine: Engine) -> Result<Self, ConnectError> {
        let store = Self::new(Postgres { engine });
        store.pending_migrations().await?;
        Ok(store)
    }

    /// Brings the schema up to this program's and returns what was applied, which is nothing the second time. Any
    /// number of processes may do it at once: each migration is applied once.
    ///
    /// # Errors
    /// [`MigrateError`]; nothing is applied then.
    pub async fn migrate(&self) -> Result<Vec<Migration>, MigrateError> {
        let engine = &self.driver().engine;
        engine.to_the_end(migrate::migrate).await?
    }

    /// What [`PostgresStore::migrate`] would apply now, in PostgreSQL's words.
    ///
    /// # Errors
    /// [`MigrateError`] where it could not apply anything.
    pub async fn pending_migrations(&self) -> Result<Vec<Migration>, MigrateError> {
        let engine = &self.driver().engine;
        let look = |mut held: Held| async move { migrate::pending(&mut held).await };
        engine.to_the_end(look).await?
    }

    /// Closes every connection once it is free. Calls that come later fail as unavailable.
    pub async fn close(&self) {
        self.driver().engine.pool.close().await;
    }

    /// Statements so far: reads, and steps of scripts whether they were committed or not.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.driver().engine.counters.statements()
    }

    /// Answers waited for so far, after statements have been prepared: those of statements, and of what opens and ends
    /// transactions and takes locks.
    #[must_use]
    pub fn round_trips(&self) -> u64 {
        self.driver().engine.counters.round_trips()
    }

    /// Scripts so far that were tried again because another transaction was in the way.
    #[must_use]
    pub fn retries(&self) -> u64 {
        self.driver().engine.counters.retries()
    }
}

impl Postgres {
    /// Reads; a connection that turns out to be broken is replaced once.
    async fn read(&self, sql: &'static str, values: Vec<Value>) -> Result<Vec<PgRow>, StoreError> {
        let read = |values| self.engine.to_the_end(move |held| read(held, sql, values));
        let (rows, values) = read(values).await?;
        let rows = match rows {
            Err(Trouble::Lost(_)) => read(values).await?.0,
            rows => rows,
        };
        rows.map_err(Trouble::into_store_error)
    }
}

/// The rows, and the values for another try.
async fn read(
    mut held: Held,
    sql: &'static str,
    values: Vec<Value>,
) -> (Result<Vec<PgRow>, Trouble>, Vec<Value>) {
    let rows = held.rows(sql, &values).await;
    held.sound = !matches!(rows, Err(Trouble::Lost(_)));
    (rows, values)
}

impl Driver for Postgres {
    async fn one<T: Send>(
        &self,
        sql: &'static str,
        values: Vec<Value>,
        decode: Decode<T>,
    ) -> Result<Option<T>, StoreError> {
        let rows = self.read(sql, values).await?;
        rows.first()
            .map(|row| decode(&mut Columns::new(row)))
            .transpose()
    }

    async fn few<T: Send>(
        &self,
        sql: &'static str,
        values: Vec<Value>,
        fold: Fold<T>,
    ) -> Result<Vec<T>, StoreError> {
        let mut made = Vec::new();
        for row in &self.read(sql, values).await? {
            fold(&mut made, &mut Columns::new(row))?;
        }
        Ok(made)
    }

    async fn many<T: Send + 'static>(
        &self,
        sql: &'static str,
        values: Vec<Value>,
        fold: Fold<T>,
    ) -> Result<Vec<T>, StoreError> {
        self.few(sql, values, fold).await
    }

    async fn run(&self, script: Script) -> Result<Done, Failure> {
        if script.steps().is_empty() {
            return Ok(Done::default());
        }
        let run = move |held| run::to_the_end(held, script);
        self.engine.to_the_end(run).await?
    }
}
