//! Applying migrations, by however many processes at once.

use std::time::Duration;

use portcullis_core::error::StoreError;
use sqlx::postgres::PgArguments;

use super::ddl::migrations;
use super::fault::Trouble;
use super::held::Held;
use super::row::own;
use crate::columns::Columns;
use crate::schema::{self, MigrateError, Migration, Remembered};
use crate::value::{Value, values};

/// How long the statements of a migration may take together, and the wait for somebody else's.
const PATIENCE: Duration = Duration::from_secs(3600);

/// One lock for the whole database. It ends with the transaction, and so with the process that has it.
const OPEN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; \
     SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '10min'; \
     SET LOCAL idle_in_transaction_session_timeout = '1min'; \
     DO $$ BEGIN PERFORM pg_advisory_xact_lock(8102099357864587376); END $$; \
     SET LOCAL lock_timeout = '30s'";

const MEMORY: &str = "CREATE TABLE schema_migrations (
    number BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL
)";
const IS_THERE: &str = "SELECT to_regclass('schema_migrations') IS NOT NULL";
const REMEMBERED: &str = "SELECT number, name, checksum FROM schema_migrations ORDER BY number";
const REMEMBER: &str = "INSERT INTO schema_migrations (number, name, checksum) VALUES (?, ?, ?)";

/// What would be applied.
pub(super) async fn pending(held: &mut Held) -> Result<Vec<Migration>, MigrateError> {
    held.sound = false;
    let remembered = remembered(held).await;
    held.sound = !matches!(remembered, Err(Trouble::Lost(_)));
    let remembered = remembered.map_err(Trouble::into_store_error)?;
    schema::pending(migrations(), &read(&remembered)?)
}

/// Applies what is pending, all of it or nothing. Whoever comes second waits, and finds nothing left to do.
pub(super) async fn migrate(mut held: Held) -> Result<Vec<Migration>, MigrateError> {
    held.sound = false;
    let applied = apply(&mut held).await;
    match applied {
        Ok(applied) => {
            let committed = held.run_for(PATIENCE, "COMMIT").await;
            committed.map_err(Trouble::of_commit)?;
            held.sound = true;
            Ok(applied)
        }
        Err(error) => {
            held.sound = held.run("ROLLBACK").await.is_ok();
            Err(error)
        }
    }
}

async fn apply(held: &mut Held) -> Result<Vec<Migration>, MigrateError> {
    let opened = held.run_for(PATIENCE, OPEN).await;
    opened.map_err(Trouble::into_store_error)?;
    if let Some(schema) = held.engine.schema.clone() {
        make_schema(held, schema)
            .await
            .map_err(Trouble::into_store_error)?;
    }
    if !is_there(held).await.map_err(Trouble::into_store_error)? {
        let made = held.run(MEMORY).await;
        made.map_err(Trouble::into_store_error)?;
    }
    let remembered = remembered(held).await.map_err(Trouble::into_store_error)?;
    let pending = schema::pending(migrations(), &read(&remembered)?)?;
    for migration in &pending {
        run(held, migration)
            .await
            .map_err(|trouble| MigrateError::Failed {
                number: migration.number,
                name: migration.name,
                source: trouble.into_store_error(),
            })?;
    }
    Ok(pending)
}

async fn run(held: &mut Held, migration: &Migration) -> Result<(), Trouble> {
    held.run_for(PATIENCE, migration.sql).await?;
    let values = values![migration.number, migration.name, migration.checksum()];
    held.execute(REMEMBER, &values).await.map(drop)
}

/// Asking first: who may use the schema need not have the right to make one.
async fn make_schema(held: &mut Held, schema: String) -> Result<(), Trouble> {
    let there = "SELECT 1 FROM pg_namespace WHERE nspname = CAST(? AS TEXT)";
    let make = format!("CREATE SCHEMA \"{schema}\"");
    if held.rows(there, &[Value::Text(schema)]).await?.is_empty() {
        held.run(&make).await?;
    }
    Ok(())
}

async fn is_there(held: &mut Held) -> Result<bool, Trouble> {
    let rows = held.rows_of(IS_THERE, PgArguments::default()).await?;
    let row = rows.first().map(own);
    Ok(row.is_some_and(|row| row.0.first() == Some(&Value::Int(1))))
}

async fn remembered(held: &mut Held) -> Result<Vec<crate::columns::Row>, Trouble> {
    if !is_there(held).await? {
        return Ok(Vec::new());
    }
    let rows = held.rows(REMEMBERED, &[]).await?;
    Ok(rows.iter().map(own).collect())
}

fn read(rows: &[crate::columns::Row]) -> Result<Vec<Remembered>, StoreError> {
    let read = |row| {
        let mut columns = Columns::new(row);
        columns.of("schema_migrations");
        Ok(Remembered {
            number: columns.number("number")?,
            name: columns.text("name")?,
            checksum: columns.text("checksum")?,
        })
    };
    rows.iter().map(|row| read(row)).collect()
}
