//! The schema, as numbered migrations that are embedded and never change once they are released.
//!
//! A change of the schema is a new migration that an older program can live with: expand first, contract a release
//! later.

use std::fmt::Write as _;

use portcullis_core::error::StoreError;
use sha2::{Digest, Sha256};

/// One step of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Migration {
    /// Its place in the order, from 1 without gaps.
    pub number: u32,
    /// What it is for, in snake_case.
    pub name: &'static str,
    /// What it runs.
    pub sql: &'static str,
}

/// Every migration that this program knows, in order.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        name: "first",
        sql: include_str!("schema/0001_first.sql"),
    },
    Migration {
        number: 2,
        name: "refresh_families",
        sql: include_str!("schema/0002_refresh_families.sql"),
    },
    Migration {
        number: 3,
        name: "tickets",
        sql: include_str!("schema/0003_tickets.sql"),
    },
    Migration {
        number: 4,
        name: "roles",
        sql: include_str!("schema/0004_roles.sql"),
    },
    Migration {
        number: 5,
        name: "password_history",
        sql: include_str!("schema/0005_password_history.sql"),
    },
    Migration {
        number: 6,
        name: "session_names",
        sql: include_str!("schema/0006_session_names.sql"),
    },
    Migration {
        number: 7,
        name: "erasure",
        sql: include_str!("schema/0007_erasure.sql"),
    },
    Migration {
        number: 8,
        name: "tenant_networks",
        sql: include_str!("schema/0008_tenant_networks.sql"),
    },
    Migration {
        number: 9,
        name: "mail_of",
        sql: include_str!("schema/0009_mail_of.sql"),
    },
];

impl Migration {
    /// The SHA-256 of its SQL in hexadecimal, kept with it in the database.
    #[must_use]
    pub fn checksum(&self) -> String {
        let mut text = String::with_capacity(64);
        for byte in Sha256::digest(self.sql.as_bytes()) {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

/// A migration as the database remembers it.
pub(crate) struct Remembered {
    pub(crate) number: u32,
    pub(crate) name: String,
    pub(crate) checksum: String,
}

/// A schema cannot be brought up to this program's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// The database is ahead of this program.
    #[error(
        "the database has migration {found}, this program knows {newest} at most: start the newer program"
    )]
    Newer {
        /// The newest migration that was applied.
        found: u32,
        /// The newest that this program has.
        newest: u32,
    },
    /// A migration that was applied is not the one this program has under its number.
    #[error("migration {number} ({name}) was applied with another text: its checksum differs")]
    Changed {
        /// Its number.
        number: u32,
        /// The name it was applied under.
        name: String,
    },
    /// A migration failed; none of this run was applied.
    #[error("migration {number} ({name}) failed")]
    Failed {
        /// Its number.
        number: u32,
        /// Its name.
        name: &'static str,
        /// Why.
        source: StoreError,
    },
    /// The database cannot be read or written.
    #[error("the schema cannot be read or changed")]
    Store(#[from] StoreError),
}

/// The tables are not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the database lacks the schema of this version: run migrate")]
pub(crate) struct SchemaMissing;

/// The migrations that were not applied yet.
///
/// # Errors
/// [`MigrateError::Newer`] and [`MigrateError::Changed`] where what was applied is not a part of `known`.
pub(crate) fn pending(
    known: &[Migration],
    applied: &[Remembered],
) -> Result<Vec<Migration>, MigrateError> {
    let newest = known.iter().map(|migration| migration.number).max();
    let newest = newest.unwrap_or(0);
    for remembered in applied {
        let number = remembered.number;
        if number > newest {
            return Err(MigrateError::Newer {
                found: applied.iter().map(|it| it.number).max().unwrap_or(number),
                newest,
            });
        }
        let same = known.iter().any(|migration| {
            migration.number == number && migration.checksum() == remembered.checksum
        });
        if !same {
            return Err(MigrateError::Changed {
                number,
                name: remembered.name.clone(),
            });
        }
    }
    let is_pending = |migration: &&Migration| {
        !applied
            .iter()
            .any(|remembered| remembered.number == migration.number)
    };
    Ok(known.iter().filter(is_pending).copied().collect())
}
