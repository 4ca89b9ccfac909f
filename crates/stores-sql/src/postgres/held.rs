//! A connection that is taken from the pool.
//!
//! Whoever has one runs in a task of its own: a caller that goes away in the middle of `BEGIN` would otherwise hand the
//! next one a connection inside a transaction, and swallow its writes (SECURITY F3).

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgRow, Postgres};
use sqlx::{AssertSqlSafe, SqlSafeStr};
use tokio::time::timeout;

use super::engine::Engine;
use super::fault::Trouble;
use super::row::arguments;
use super::text;
use crate::value::Value;

/// Goes back to the pool where it is sound, and is closed otherwise: after an error that leaves its state in doubt, after
/// a panic, when the runtime ends.
pub(super) struct Held {
    connection: PoolConnection<Postgres>,
    pub(super) engine: Engine,
    /// No transaction is open, and no answer is waited for.
    pub(super) sound: bool,
}

impl Held {
    pub(super) const fn new(connection: PoolConnection<Postgres>, engine: Engine) -> Self {
        Self {
            connection,
            engine,
            sound: false,
        }
    }

    /// The rows of one of our statements.
    pub(super) async fn rows(
        &mut self,
        sql: &'static str,
        values: &[Value],
    ) -> Result<Vec<PgRow>, Trouble> {
        self.engine.counters.count_statement();
        self.rows_of(text::of(sql), arguments(values)?).await
    }

    /// How many rows one of our statements changed.
    pub(super) async fn execute(
        &mut self,
        sql: &'static str,
        values: &[Value],
    ) -> Result<u64, Trouble> {
        self.engine.counters.count_statement();
        let query = sqlx::query_with(text::of(sql), arguments(values)?);
        let changed = query.execute(&mut *self.connection);
        let changed = answered(&self.engine, self.engine.patience, changed).await?;
        Ok(changed.rows_affected())
    }

    /// The rows of a statement in PostgreSQL's own words.
    pub(super) async fn rows_of(
        &mut self,
        sql: &'static str,
        arguments: PgArguments,
    ) -> Result<Vec<PgRow>, Trouble> {
        let rows = sqlx::query_with(sql, arguments).fetch_all(&mut *self.connection);
        answered(&self.engine, self.engine.patience, rows).await
    }

    /// Runs statements without values, one after the other.
    pub(super) async fn run(&mut self, sql: &str) -> Result<(), Trouble> {
        self.run_for(self.engine.patience, sql).await
    }

    /// The same, for as long as it may take.
    pub(super) async fn run_for(&mut self, patience: Duration, sql: &str) -> Result<(), Trouble> {
        // Constants, settings, and migrations: nothing that came from outside.
        let sql = AssertSqlSafe(sql).into_sql_str();
        let ran = sqlx::raw_sql(sql).execute(&mut *self.connection);
        answered(&self.engine, patience, ran).await.map(drop)
    }
}

/// The server's answer, unless it is silent for longer than it may take: then the connection leads nowhere.
async fn answered<T>(
    engine: &Engine,
    patience: Duration,
    answer: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, Trouble> {
    engine.counters.count_round_trip();
    let answer = match timeout(patience, answer).await {
        Ok(answer) => answer.map_err(Trouble::from),
        Err(_) => Err(Trouble::silence()),
    };
    if matches!(answer, Err(Trouble::Lost(_))) {
        engine.suspicion.raise();
    }
    answer
}

impl Drop for Held {
    fn drop(&mut self) {
        if !self.sound {
            self.connection.close_on_drop();
        }
    }
}
