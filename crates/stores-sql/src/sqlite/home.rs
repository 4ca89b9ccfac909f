//! The file that was opened, and whether it is still the one at its path.
//!
//! SQLite goes on with a file that was removed: it reads and writes what no path leads to any more, and what it commits
//! then is gone with the process. And a connection opened later would be to whatever stands at the path by then. So the
//! writer looks before each transaction, and every connection before it is used first; a look costs a microsecond.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use portcullis_core::error::{StoreError, StoreErrorKind};
use rusqlite::Connection;

use super::connection::{self, Purpose};
use super::fault::OpenError;
use super::options::SqliteOptions;

/// What tells one file from another at the same path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    #[cfg(unix)]
    device: u64,
    #[cfg(unix)]
    inode: u64,
}

impl Mark {
    fn of(path: &Path) -> io::Result<Self> {
        let found = std::fs::metadata(path)?;
        #[cfg(unix)]
        let mark = {
            use std::os::unix::fs::MetadataExt as _;
            Self {
                device: found.dev(),
                inode: found.ino(),
            }
        };
        // Elsewhere the system removes no file that is open.
        #[cfg(not(unix))]
        let mark = {
            let _there = found;
            Self {}
        };
        Ok(mark)
    }
}

/// Where the database is.
pub(super) struct Home {
    options: SqliteOptions,
    opened: Mark,
    /// What the last look found: the file is gone, or another stands in its place.
    astray: AtomicBool,
}

impl Home {
    /// The file that a first connection has just been opened to.
    pub(super) fn of(options: SqliteOptions) -> Result<Self, OpenError> {
        let opened = Mark::of(&options.path).map_err(|error| OpenError::Unreadable {
            path: options.path.clone(),
            source: error.into(),
        })?;
        Ok(Self {
            options,
            opened,
            astray: AtomicBool::new(false),
        })
    }

    pub(super) const fn options(&self) -> &SqliteOptions {
        &self.options
    }

    /// One more connection to the same file, never to another.
    pub(super) fn connect(&self, purpose: Purpose) -> Result<Connection, OpenError> {
        self.there()?;
        let connection = connection::open(&self.options, purpose)?;
        // Replaced in between, it is a connection to the other one.
        self.there()?;
        Ok(connection)
    }

    fn there(&self) -> Result<(), OpenError> {
        match self.look() {
            true => Ok(()),
            false => Err(OpenError::Astray {
                path: self.options.path.clone(),
            }),
        }
    }

    /// Looks, and says when what is seen has changed.
    pub(super) fn look(&self) -> bool {
        let there = Mark::of(&self.options.path).is_ok_and(|found| found == self.opened);
        let before = self.astray.swap(!there, Ordering::Relaxed);
        let database = self.options.path.display();
        match (before, there) {
            (false, false) => tracing::error!(
                %database,
                "the database file was removed or replaced: nothing is read or written until it is back in its place; \
                 to go on with another file, stop every process that uses this one first"
            ),
            (true, true) => tracing::warn!(%database, "the database file is back"),
            _ => {}
        }
        there
    }

    /// What a read asks: no look while all is well.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        if !self.astray.load(Ordering::Relaxed) || self.look() {
            return Ok(());
        }
        let path = self.options.path.clone();
        Err(StoreError::new(StoreErrorKind::Unavailable).with_source(OpenError::Astray { path }))
    }
}
