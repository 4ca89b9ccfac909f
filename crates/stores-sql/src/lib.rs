#![doc = include_str!("../README.md")]

// Without an engine there is nothing to store in.
#[cfg(feature = "sqlite")]
mod columns;
#[cfg(feature = "sqlite")]
mod driver;
#[cfg(feature = "sqlite")]
mod schema;
#[cfg(feature = "sqlite")]
mod script;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "sqlite")]
mod store;
#[cfg(feature = "sqlite")]
mod value;

#[cfg(feature = "sqlite")]
pub use schema::{MIGRATIONS, MigrateError, Migration};
#[cfg(feature = "sqlite")]
pub use sqlite::{OpenError, Sqlite, SqliteOptions, SqliteStore};
#[cfg(feature = "sqlite")]
pub use store::SqlStore;
