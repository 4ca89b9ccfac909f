//! What a store is opened with.

use std::path::PathBuf;
use std::time::Duration;

/// Where the database is and how it is used.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SqliteOptions {
    /// The database file; `-wal` and `-shm` files stand beside it.
    pub path: PathBuf,
    /// Whether a missing file is made, readable by its owner only. Otherwise it is an error: a path that is wrong or a
    /// disk that is not mounted must not look like a service without users.
    pub create: bool,
    /// How long a write waits for another process, such as the command line beside a running server.
    pub busy_timeout: Duration,
    /// Connections for point reads, each used by one thread at a time.
    pub readers: usize,
    /// Threads for long reads: lists and the audit log.
    pub reader_threads: usize,
    /// The most writes that wait; one more fails as unavailable.
    pub write_queue: usize,
}

impl SqliteOptions {
    /// An existing database, with the defaults: 5 s busy timeout, as many point readers as the machine has cores and
    /// as many again (2..=64), two threads for long reads, 1024 waiting writes.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            path: path.into(),
            create: false,
            busy_timeout: Duration::from_secs(5),
            readers: cores.saturating_mul(2).clamp(2, 64),
            reader_threads: 2,
            write_queue: 1024,
        }
    }

    /// The same, made where it is missing.
    #[must_use]
    pub const fn create_if_missing(mut self) -> Self {
        self.create = true;
        self
    }
}
