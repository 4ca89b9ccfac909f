//! Opening connections, all with the same settings, and running statements on them.

use std::io;
use std::path::Path;
use std::time::Duration;

use portcullis_core::error::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, OpenFlags, ToSql};

use super::fault::{OpenError, is_busy, store_error};
use super::options::SqliteOptions;
use crate::columns::{Columns, Field, Fields};
use crate::driver::{Decode, Fold};
use crate::script::ScriptFault;
use crate::value::Value;

/// The first version without the bug of SECURITY F2.
const OLDEST_VERSION: i32 = 3_051_003;
/// More than there are statements, so that none is prepared twice.
const CACHED_STATEMENTS: usize = 256;
/// A point read runs on its caller's thread, so it waits for a lock no longer than this. In WAL mode a reader only
/// ever waits for a recovery or for the last writer of another process to leave.
const READ_WAIT: Duration = Duration::from_secs(1);

/// Pages that a connection keeps: so many KiB, which SQLite wants negative. Enough that the inner pages of every index
/// stay; the rest is in the system's cache anyway.
const CACHE_KIB: i64 = -8192;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Write,
    Read,
}

/// Refuses a SQLite that is older than the bundled one may be.
pub(super) fn check_version(number: i32, name: &'static str) -> Result<(), OpenError> {
    if number < OLDEST_VERSION {
        return Err(OpenError::Version { found: name });
    }
    Ok(())
}

/// Makes the file, for its owner only; SQLite gives the files beside it the same permissions.
pub(super) fn create(path: &Path) -> Result<(), OpenError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(unreadable(path, error)),
    }
}

fn unreadable(
    path: &Path,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> OpenError {
    OpenError::Unreadable {
        path: path.to_owned(),
        source: source.into(),
    }
}

/// A connection to a database that is there; never makes one.
pub(super) fn open(options: &SqliteOptions, purpose: Purpose) -> Result<Connection, OpenError> {
    let path = &options.path;
    if !path.exists() {
        return Err(OpenError::Missing { path: path.clone() });
    }
    // Each connection is used by one thread at a time, so SQLite need not lock it.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(path, flags).map_err(|error| unreadable(path, error))?;
    let read_only = connection.is_readonly("main");
    if read_only.map_err(|error| unreadable(path, error))? {
        return Err(OpenError::ReadOnly { path: path.clone() });
    }
    settle(&connection, options, purpose)?;
    Ok(connection)
}

fn settle(
    connection: &Connection,
    options: &SqliteOptions,
    purpose: Purpose,
) -> Result<(), OpenError> {
    let failed = |error| unreadable(&options.path, error);
    let wait = match purpose {
        Purpose::Write => options.busy_timeout,
        Purpose::Read => options.busy_timeout.min(READ_WAIT),
    };
    connection.busy_timeout(wait).map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    for (config, on, setting) in [
        // A plan that does not depend on bound values: otherwise joins are prepared again on every call.
        (DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true, "QPSG"),
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true, "DEFENSIVE"),
        (
            DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA,
            false,
            "TRUSTED_SCHEMA",
        ),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false, "DQS_DML"),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false, "DQS_DDL"),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true, "foreign_keys"),
    ] {
        if connection.set_db_config(config, on).map_err(failed)? != on {
            return Err(OpenError::Setting { setting });
        }
    }
    if purpose == Purpose::Write {
        write_ahead(connection).map_err(failed)?;
    }
    let mode: String = connection
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .map_err(failed)?;
    if mode != "wal" {
        return Err(OpenError::Setting {
            setting: "journal_mode = WAL",
        });
    }
    set(connection, options, "synchronous", 2, "synchronous = FULL")?;
    set(connection, options, "temp_store", 2, "temp_store = MEMORY")?;
    set(connection, options, "cache_size", CACHE_KIB, "cache_size")?;
    let read_only = i64::from(purpose == Purpose::Read);
    set(connection, options, "query_only", read_only, "query_only")
}

/// The first connection of all switches the file over, for which it needs it to itself: SQLite does not wait for that.
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let mut tries = 0;
    loop {
        let switched = connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()));
        match switched {
            Err(error) if is_busy(&error) && tries < 50 => {
                tries += 1;
                pause(Duration::from_millis(tries));
            }
            done => return done,
        }
    }
}

/// Sets a pragma and reads it back.
fn set(
    connection: &Connection,
    options: &SqliteOptions,
    pragma: &str,
    value: i64,
    setting: &'static str,
) -> Result<(), OpenError> {
    let failed = |error| unreadable(&options.path, error);
    connection
        .pragma_update(None, pragma, value)
        .map_err(failed)?;
    let found: i64 = connection
        .pragma_query_value(None, pragma, |row| row.get(0))
        .map_err(failed)?;
    if found == value {
        Ok(())
    } else {
        Err(OpenError::Setting { setting })
    }
}

/// Waits before another try; on the writer's own thread, or while opening.
#[expect(
    clippy::disallowed_methods,
    reason = "waits for another process to let go of the file; no runtime here"
)]
pub(super) fn pause(time: Duration) {
    std::thread::sleep(time);
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(*value),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// A row that SQLite still holds.
pub(super) struct Held<'a>(pub(super) &'a rusqlite::Row<'a>);

impl Fields for Held<'_> {
    fn field(&self, index: usize) -> Field<'_> {
        match self.0.get_ref(index) {
            Ok(ValueRef::Null) => Field::Null,
            Ok(ValueRef::Integer(value)) => Field::Int(value),
            Ok(ValueRef::Text(text)) => {
                std::str::from_utf8(text).map_or(Field::Foreign, Field::Text)
            }
            Ok(ValueRef::Blob(bytes)) => Field::Blob(bytes),
            Ok(ValueRef::Real(_)) | Err(_) => Field::Foreign,
        }
    }
}

/// The statement, prepared once a connection, with its values bound.
pub(super) fn prepare<'c>(
    connection: &'c Connection,
    name: &'static str,
    sql: &'static str,
    values: &[Value],
) -> rusqlite::Result<CachedStatement<'c>> {
    let mut statement = connection.prepare_cached(sql)?;
    if statement.parameter_count() != values.len() {
        let fault = ScriptFault::Values(name);
        return Err(rusqlite::Error::ToSqlConversionFailure(fault.into()));
    }
    for (index, value) in (1_usize..).zip(values) {
        statement.raw_bind_parameter(index, value)?;
    }
    Ok(statement)
}

/// The first row of a read.
pub(super) fn one<T>(
    connection: &Connection,
    sql: &'static str,
    values: &[Value],
    decode: Decode<T>,
) -> Result<Option<T>, StoreError> {
    let mut statement = prepare(connection, sql, sql, values).map_err(store_error)?;
    let mut rows = statement.raw_query();
    match rows.next().map_err(store_error)? {
        Some(row) => decode(&mut Columns::new(&Held(row))).map(Some),
        None => Ok(None),
    }
}

/// All rows of a read.
pub(super) fn all<T>(
    connection: &Connection,
    sql: &'static str,
    values: &[Value],
    fold: Fold<T>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = prepare(connection, sql, sql, values).map_err(store_error)?;
    let mut rows = statement.raw_query();
    let mut made = Vec::new();
    while let Some(row) = rows.next().map_err(store_error)? {
        fold(&mut made, &mut Columns::new(&Held(row)))?;
    }
    Ok(made)
}
