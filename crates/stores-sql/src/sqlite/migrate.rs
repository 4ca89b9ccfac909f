//! Applying migrations, by however many processes at once.

use portcullis_core::error::StoreError;
use rusqlite::{Connection, OptionalExtension, params};

use super::fault::store_error;
use super::writer::patiently;
use crate::schema::{self, MigrateError, Migration, Remembered};

const MEMORY: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    number INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL
) STRICT";

/// What would be applied.
pub(super) fn pending(
    connection: &Connection,
    known: &[Migration],
) -> Result<Vec<Migration>, MigrateError> {
    schema::pending(known, &remembered(connection).map_err(store_error)?)
}

/// Applies what is pending, all of it or nothing. Whoever comes second waits, and finds nothing left to do.
pub(super) fn migrate(
    connection: &Connection,
    known: &[Migration],
) -> Result<Vec<Migration>, MigrateError> {
    patiently(connection, "BEGIN IMMEDIATE").map_err(store_error)?;
    let applied = apply(connection, known);
    let end = match &applied {
        Ok(_) => connection.execute_batch("COMMIT"),
        Err(_) => connection.execute_batch("ROLLBACK"),
    };
    let applied = applied?;
    end.map_err(store_error)?;
    Ok(applied)
}

fn apply(connection: &Connection, known: &[Migration]) -> Result<Vec<Migration>, MigrateError> {
    connection.execute_batch(MEMORY).map_err(store_error)?;
    let pending = pending(connection, known)?;
    for migration in &pending {
        run(connection, migration).map_err(|error| MigrateError::Failed {
            number: migration.number,
            name: migration.name,
            source: error,
        })?;
    }
    Ok(pending)
}

fn run(connection: &Connection, migration: &Migration) -> Result<(), StoreError> {
    connection
        .execute_batch(migration.sql)
        .map_err(store_error)?;
    let remember = "INSERT INTO schema_migrations (number, name, checksum) VALUES (?, ?, ?)";
    let values = params![migration.number, migration.name, migration.checksum()];
    connection
        .execute(remember, values)
        .map(drop)
        .map_err(store_error)
}

fn remembered(connection: &Connection) -> rusqlite::Result<Vec<Remembered>> {
    let there = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_migrations'";
    if connection
        .query_row(there, [], |_| Ok(()))
        .optional()?
        .is_none()
    {
        return Ok(Vec::new());
    }
    let mut statement = connection
        .prepare("SELECT number, name, checksum FROM schema_migrations ORDER BY number")?;
    let rows = statement.query_map([], |row| {
        Ok(Remembered {
            number: row.get(0)?,
            name: row.get(1)?,
            checksum: row.get(2)?,
        })
    })?;
    rows.collect()
}
