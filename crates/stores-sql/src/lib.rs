#![doc = include_str!("../README.md")]

// Without an engine there is nothing to store in.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod columns;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod driver;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod schema;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod script;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod store;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod value;

#[cfg(feature = "postgres")]
pub use postgres::{ConnectError, Postgres, PostgresOptions, PostgresStore};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use schema::{MIGRATIONS, MigrateError, Migration};
#[cfg(feature = "sqlite")]
pub use sqlite::{OpenError, Sqlite, SqliteOptions, SqliteStore};
/// The pool that [`PostgresStore::from_pool`] takes.
#[cfg(feature = "postgres")]
pub use sqlx::PgPool;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use store::SqlStore;
