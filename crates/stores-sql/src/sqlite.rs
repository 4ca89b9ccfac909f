//! The embedded engine: one writer thread, readers on the calling threads, and the file they share.

mod apply;
mod connection;
mod counters;
mod fault;
mod home;
mod migrate;
mod options;
mod readers;
#[cfg(test)]
mod tests;
mod writer;

use std::fmt;
use std::future::ready;
use std::sync::Arc;

use portcullis_core::error::StoreError;

pub use fault::OpenError;
pub use options::SqliteOptions;

use crate::driver::{Decode, Driver, Fold};
use crate::schema::{MIGRATIONS, MigrateError, Migration};
use crate::script::{Done, Failure, Script};
use crate::store::SqlStore;
use crate::value::Value;
use connection::Purpose;
use counters::Counters;
use home::Home;
use readers::{LongReaders, PointReaders};
use writer::Writer;

/// Every store trait over one SQLite database.
///
/// A handle: clones share one writer and one set of readers. Dropping the last one finishes the writes that are queued,
/// closes every connection, and folds the write-ahead log into the file.
///
/// A file that is removed or replaced while it is open is an outage: nothing is read or written until the same file is back
/// at its path. To go on with another file, such as a copy from before, stop every process that has the old one open, remove
/// its `-wal` and `-shm` files, and open the store anew.
pub type SqliteStore = SqlStore<Sqlite>;

/// The engine behind [`SqliteStore`].
#[derive(Clone)]
pub struct Sqlite {
    inner: Arc<Inner>,
}

struct Inner {
    writer: Writer,
    points: PointReaders,
    long: LongReaders,
    counters: Arc<Counters>,
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens a database. Blocks for the time it takes to open a file and start a few threads.
    ///
    /// It does not migrate: where the tables are missing, every call fails as unavailable with "run migrate" as its
    /// source until [`SqliteStore::migrate`] is called.
    ///
    /// # Errors
    /// [`OpenError`] for a file that is missing or read-only, a SQLite with the bug of SECURITY F2, a setting that does
    /// not take, and a schema that is newer than this program or not the one it knows.
    pub fn open(options: SqliteOptions) -> Result<Self, OpenError> {
        connection::check_version(rusqlite::version_number(), rusqlite::version())?;
        if options.create {
            connection::create(&options.path)?;
        }
        let first = connection::open(&options, Purpose::Write)?;
        migrate::pending(&first, MIGRATIONS)?;
        let counters = Arc::new(Counters::default());
        let home = Arc::new(Home::of(options)?);
        let inner = Inner {
            long: LongReaders::start(&home)?,
            points: PointReaders::new(Arc::clone(&home)),
            writer: Writer::start(first, home, Arc::clone(&counters))?,
            counters,
        };
        Ok(Self::new(Sqlite {
            inner: Arc::new(inner),
        }))
    }

    /// Brings the schema up to this program's and returns what was applied, which is nothing the second time. Any
    /// number of processes may do it at once: each migration is applied once.
    ///
    /// # Errors
    /// [`MigrateError`]; nothing is applied then.
    pub async fn migrate(&self) -> Result<Vec<Migration>, MigrateError> {
        let writer = &self.driver().inner.writer;
        let applied = writer.alone(|connection| migrate::migrate(connection, MIGRATIONS));
        applied.await?
    }

    /// What [`SqliteStore::migrate`] would apply now.
    ///
    /// # Errors
    /// [`MigrateError`] where it could not apply anything.
    pub async fn pending_migrations(&self) -> Result<Vec<Migration>, MigrateError> {
        let readers = &self.driver().inner.long;
        let pending = readers.read(|connection| Ok(migrate::pending(connection, MIGRATIONS)));
        pending.await?
    }

    /// Statements so far: reads, and steps of scripts whether they were committed or not.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.driver().inner.counters.statements()
    }

    /// Transactions that the writer committed so far, each with one script or more.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.driver().inner.counters.commits()
    }
}

impl Driver for Sqlite {
    fn one<T: Send>(
        &self,
        sql: &'static str,
        values: Vec<Value>,
        decode: Decode<T>,
    ) -> impl Future<Output = Result<Option<T>, StoreError>> + Send {
        self.inner.counters.count_statements(1);
        let read = |connection: &_| connection::one(connection, sql, &values, decode);
        ready(self.inner.points.read(read))
    }

    fn few<T: Send>(
        &self,
        sql: &'static str,
        values: Vec<Value>,
        fold: Fold<T>,
    ) -> impl Future<Output = Result<Vec<T>, StoreError>> + Send {
        self.inner.counters.count_statements(1);
        let read = |connection: &_| connection::all(connection, sql, &values, fold);
        ready(self.inner.points.read(read))
    }

    async fn many<T: Send + 'static>(
        &self,
        sql: &'static str,
        values: Vec<Value>,
        fold: Fold<T>,
    ) -> Result<Vec<T>, StoreError> {
        self.inner.counters.count_statements(1);
        let read = move |connection: &_| connection::all(connection, sql, &values, fold);
        self.inner.long.read(read).await
    }

    fn run(&self, script: Script) -> impl Future<Output = Result<Done, Failure>> + Send {
        self.inner.writer.run(script)
    }
}
