//! SQLite's errors in the words of [`StoreError`].

use std::error::Error;
use std::path::PathBuf;

use portcullis_core::error::{StoreError, StoreErrorKind};
use rusqlite::{ErrorCode, ffi};

use crate::schema::{MigrateError, SchemaMissing};

/// A database could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no such file, and none was to be made.
    #[error("there is no database at {}", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The file could not be made or opened.
    #[error("the database at {} cannot be opened", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The file may be read and not written.
    #[error("the database at {} is read-only", path.display())]
    ReadOnly {
        /// Which file.
        path: PathBuf,
    },
    /// The file was removed after it was opened, or another one was put in its place.
    #[error("the database at {} was removed or replaced while it was in use", path.display())]
    Astray {
        /// Which file.
        path: PathBuf,
    },
    /// A SQLite that can corrupt a database under two writers (SECURITY F2).
    #[error("SQLite {found} is too old: 3.51.3 or newer is needed")]
    Version {
        /// The version found.
        found: &'static str,
    },
    /// A setting that safety rests on did not take.
    #[error("the database does not take the setting `{setting}`")]
    Setting {
        /// Which one.
        setting: &'static str,
    },
    /// The schema is not one that this program can use.
    #[error(transparent)]
    Schema(#[from] MigrateError),
    /// A thread could not be started.
    #[error("a thread for the database could not be started")]
    Thread(#[source] std::io::Error),
}

/// The code where SQLite gave one.
fn code(error: &rusqlite::Error) -> Option<&ffi::Error> {
    match error {
        rusqlite::Error::SqliteFailure(error, _) | rusqlite::Error::SqlInputError { error, .. } => {
            Some(error)
        }
        _ => None,
    }
}

/// Whether another connection is in the way.
pub(crate) fn is_busy(error: &rusqlite::Error) -> bool {
    let code = code(error).map(|error| error.code);
    matches!(
        code,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

/// Whether a unique value is taken.
pub(crate) fn is_duplicate(error: &rusqlite::Error) -> bool {
    let extended = code(error).map(|error| error.extended_code);
    matches!(
        extended,
        Some(
            ffi::SQLITE_CONSTRAINT_UNIQUE
                | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
                | ffi::SQLITE_CONSTRAINT_ROWID
        )
    )
}

/// Whether a statement names a table or column that is not there.
fn lacks_schema(error: &rusqlite::Error) -> bool {
    let message = match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message,
        rusqlite::Error::SqlInputError { msg, .. } => msg,
        _ => return false,
    };
    message.contains("no such table") || message.contains("no such column")
}

/// What a failed statement means to the caller. Nothing is committed then.
pub(crate) fn store_error(error: rusqlite::Error) -> StoreError {
    if lacks_schema(&error) {
        return StoreError::new(StoreErrorKind::Unavailable).with_source(SchemaMissing);
    }
    let kind = match code(&error) {
        Some(ffi::Error {
            code: ErrorCode::ConstraintViolation,
            extended_code,
        }) => match *extended_code {
            ffi::SQLITE_CONSTRAINT_CHECK
            | ffi::SQLITE_CONSTRAINT_DATATYPE
            | ffi::SQLITE_CONSTRAINT_NOTNULL
            | ffi::SQLITE_CONSTRAINT_TRIGGER => StoreErrorKind::Corrupt,
            _ => StoreErrorKind::Conflict,
        },
        Some(ffi::Error {
            code: ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase,
            ..
        }) => StoreErrorKind::Corrupt,
        _ => StoreErrorKind::Unavailable,
    };
    StoreError::new(kind).with_source(error)
}

/// The store cannot do it now, for a reason in words.
pub(crate) fn unavailable(why: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable).with_source(why)
}
