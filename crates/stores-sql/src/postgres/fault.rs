//! PostgreSQL's errors in the words of [`StoreError`].

use std::borrow::Cow;

use portcullis_core::error::{StoreError, StoreErrorKind};
use sqlx::postgres::{PgDatabaseError, PgSeverity};

use crate::schema::{MigrateError, SchemaMissing};

/// A database could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL is none of a PostgreSQL database. The source does not repeat it: it may hold a password.
    #[error("the database URL cannot be read")]
    Url(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A schema is named by a lower-case letter, then lower-case letters, digits and underscores, at most 63 in all.
    #[error("`{0}` cannot be the name of a schema")]
    SchemaName(String),
    /// The server cannot be reached, or does not let us in.
    #[error("the database cannot be reached")]
    Unreachable(#[source] StoreError),
    /// The database has a setting that this store cannot work with.
    #[error("the database has `{setting}` set to `{found}`: {needed} is needed")]
    Setting {
        /// Which one.
        setting: &'static str,
        /// What it is.
        found: String,
        /// What it must be.
        needed: &'static str,
    },
    /// The schema is not one that this program can use.
    #[error(transparent)]
    Schema(#[from] MigrateError),
}

/// What the server said. Its details are left out: they quote rows.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {message}")]
struct Said {
    code: String,
    message: String,
}

/// A statement failed.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The server refused it, and the connection goes on; a transaction has to be rolled back.
    Refused(Refused),
    /// The connection is of no more use, and whether the statement was run is not known.
    Lost(StoreError),
}

/// The server's refusal.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct Refused(Said);

impl Refused {
    /// A unique value is taken.
    pub(super) fn is_duplicate(&self) -> bool {
        self.0.code == "23505"
    }

    /// Another transaction was in the way: the same again may work.
    pub(super) fn is_worth_another_try(&self) -> bool {
        // Serialization failure, deadlock, lock timeout.
        matches!(self.0.code.as_str(), "40001" | "40P01" | "55P03")
    }

    /// What it means to the caller. Nothing is committed.
    pub(super) fn into_store_error(self) -> StoreError {
        let kind = match self.0.code.as_str() {
            // Of tables, columns, schemas.
            "42P01" | "42703" | "3F000" => {
                return StoreError::new(StoreErrorKind::Unavailable).with_source(SchemaMissing);
            }
            // Null where none may be, a check, a trigger.
            "23502" | "23514" | "P0001" => StoreErrorKind::Corrupt,
            // A damaged page or index.
            "XX001" | "XX002" => StoreErrorKind::Corrupt,
            code => match code.get(..2) {
                Some("23") => StoreErrorKind::Conflict,
                // A value out of range.
                Some("22") => StoreErrorKind::Corrupt,
                _ => StoreErrorKind::Unavailable,
            },
        };
        StoreError::new(kind).with_source(self.0)
    }
}

impl Trouble {
    /// A connection that does not answer.
    pub(super) fn silence() -> Self {
        Self::Lost(unavailable("the server did not answer in time"))
    }

    /// What it means to the caller of a read, or of a write that was not committed.
    pub(super) fn into_store_error(self) -> StoreError {
        match self {
            Self::Refused(refused) => refused.into_store_error(),
            Self::Lost(error) => error,
        }
    }

    /// What it means to the caller where the statement would have committed the write.
    pub(super) fn of_commit(self) -> StoreError {
        match self {
            Self::Refused(refused) => refused.into_store_error(),
            Self::Lost(error) => StoreError::new(StoreErrorKind::Indeterminate).with_source(error),
        }
    }
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        let said = match error {
            sqlx::Error::Database(error) => {
                let code = error.code().map(Cow::into_owned).unwrap_or_default();
                let ends = error
                    .try_downcast_ref::<PgDatabaseError>()
                    .is_none_or(|error| !matches!(error.severity(), PgSeverity::Error));
                let message = error.message().to_owned();
                let said = Said { code, message };
                // Somebody else's transaction was left open on this connection, and failed.
                if !ends && said.code != "25P02" {
                    return Self::Refused(Refused(said));
                }
                StoreError::new(StoreErrorKind::Unavailable).with_source(said)
            }
            error => store_error(error),
        };
        Self::Lost(said)
    }
}

/// An error that is not the server's answer to a statement.
pub(super) fn store_error(error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::PoolTimedOut => unavailable("no connection became free in time"),
        sqlx::Error::Database(error) => {
            let code = error.code().map(Cow::into_owned).unwrap_or_default();
            let message = error.message().to_owned();
            StoreError::new(StoreErrorKind::Unavailable).with_source(Said { code, message })
        }
        error => StoreError::new(StoreErrorKind::Unavailable).with_source(error),
    }
}

/// The store cannot do it now, for a reason in words.
pub(super) fn unavailable(why: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable).with_source(why)
}
