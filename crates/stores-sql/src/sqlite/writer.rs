//! The one thread that writes. It takes the scripts that wait and commits them as a group: one transaction, a savepoint
//! each, answers after COMMIT.
//!
//! A script is in the thread's hands from the moment it is queued: a caller that goes away changes nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use portcullis_core::error::{StoreError, StoreErrorKind};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::apply::apply;
use super::connection::{Purpose, pause};
use super::counters::Counters;
use super::fault::{OpenError, is_busy, store_error, unavailable};
use super::home::Home;
use crate::script::{Done, Durability, Failure, Script};

/// The most scripts of one transaction.
const GROUP: usize = 128;
/// Waits before another try where the busy timeout has passed already.
const BACKOFF: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_millis(20),
    Duration::from_millis(100),
];

const ASTRAY: &str = "the database file was removed or replaced";

type Answer = Result<Done, Failure>;
type Alone = Box<dyn FnOnce(Result<&mut Connection, StoreError>) + Send>;

/// A script and who waits for it.
struct Waiting {
    script: Script,
    answer: oneshot::Sender<Answer>,
}

enum Job {
    Script(Waiting),
    /// Work with a transaction of its own.
    Alone(Alone),
}

/// The queue of the writer; dropping it lets the writer finish what is queued.
pub(super) struct Writer {
    queue: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(
        connection: Connection,
        home: Arc<Home>,
        counters: Arc<Counters>,
    ) -> Result<Self, OpenError> {
        let (queue, jobs) = sync_channel(home.options().write_queue.max(1));
        let mut worker = Worker {
            connection: Some(connection),
            durability: Durability::Full,
            home,
            counters,
        };
        let thread = std::thread::Builder::new()
            .name("portcullis-sqlite-writer".to_owned())
            .spawn(move || worker.work(&jobs))
            .map_err(OpenError::Thread)?;
        Ok(Self {
            queue: Some(queue),
            thread: Some(thread),
        })
    }

    /// Queues a script at once, before the first await; then waits for its end.
    pub(super) fn run(&self, script: Script) -> impl Future<Output = Answer> + Send + use<> {
        let (answer, end) = oneshot::channel();
        let queued = if script.steps().is_empty() {
            Ok(false)
        } else {
            let queued = self.queue(Job::Script(Waiting { script, answer }));
            queued.map(|()| true)
        };
        async move {
            if !queued? {
                return Ok(Done::default());
            }
            match end.await {
                Ok(answer) => answer,
                Err(_) => {
                    let unknown = StoreError::new(StoreErrorKind::Indeterminate);
                    Err(Failure::Store(unknown.with_source("the writer is gone")))
                }
            }
        }
    }

    /// Runs work that opens its own transaction, when its turn comes.
    pub(super) async fn alone<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, end) = oneshot::channel();
        self.queue(Job::Alone(Box::new(move |connection| {
            // Nobody waits any more: the work is done all the same.
            let _ = answer.send(connection.map(work));
        })))?;
        match end.await {
            Ok(answer) => answer,
            Err(_) => Err(unavailable("the writer panicked")),
        }
    }

    fn queue(&self, job: Job) -> Result<(), StoreError> {
        let queue = self.queue.as_ref();
        let queue = queue.ok_or_else(|| unavailable("the writer is gone"))?;
        queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => unavailable("the queue of writes is full"),
            TrySendError::Disconnected(_) => unavailable("the writer is gone"),
        })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // Its panics are caught inside; there is nobody to tell here.
            let _ = thread.join();
        }
    }
}

/// The thread's side.
struct Worker {
    /// `None` after a failure that leaves its state in doubt; the next job opens another.
    connection: Option<Connection>,
    /// What the connection is set to; one that was just opened waits for the disk.
    durability: Durability,
    home: Arc<Home>,
    counters: Arc<Counters>,
}

/// A transaction ended without its scripts; the fate is the same for each.
struct Lost {
    kind: StoreErrorKind,
    cause: String,
}

impl Lost {
    fn new(kind: StoreErrorKind, cause: &impl ToString) -> Self {
        Self {
            kind,
            cause: cause.to_string(),
        }
    }

    fn before_commit(error: rusqlite::Error) -> Self {
        let error = store_error(error);
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        Self {
            kind: error.kind(),
            cause: cause.unwrap_or_default(),
        }
    }

    fn failure(&self) -> Failure {
        Failure::Store(StoreError::new(self.kind).with_source(self.cause.clone()))
    }
}

impl Worker {
    fn work(&mut self, jobs: &Receiver<Job>) {
        while let Ok(job) = jobs.recv() {
            let mut group = Vec::new();
            let mut next = Some(job);
            while let Some(job) = next.take() {
                match job {
                    Job::Script(waiting) => group.push(waiting),
                    Job::Alone(work) => {
                        self.commit(std::mem::take(&mut group));
                        self.run_alone(work);
                    }
                }
                if group.len() < GROUP {
                    next = jobs.try_recv().ok();
                }
            }
            self.commit(group);
        }
    }

    /// Commits a group and answers everybody in it.
    fn commit(&mut self, group: Vec<Waiting>) {
        if group.is_empty() {
            return;
        }
        let answers = match catch_unwind(AssertUnwindSafe(|| self.transact(&group))) {
            Ok(answers) => answers,
            Err(_) => {
                self.connection = None;
                Err(Lost::new(
                    StoreErrorKind::Unavailable,
                    &"the writer panicked",
                ))
            }
        };
        match answers {
            Ok(answers) => {
                for (waiting, answer) in group.into_iter().zip(answers) {
                    // Nobody waits any more: the script is committed all the same.
                    let _ = waiting.answer.send(answer);
                }
            }
            Err(lost) => {
                tracing::error!(kind = ?lost.kind, cause = lost.cause, scripts = group.len(), "writes lost");
                let sound = |connection: &Connection| {
                    lost.kind == StoreErrorKind::Unavailable && connection.is_autocommit()
                };
                // Closing it rolls back whatever is open.
                self.connection = self.connection.take().filter(sound);
                for waiting in group {
                    let _ = waiting.answer.send(Err(lost.failure()));
                }
            }
        }
    }

    fn transact(&mut self, group: &[Waiting]) -> Result<Vec<Answer>, Lost> {
        let counters = Arc::clone(&self.counters);
        let relaxed = |waiting: &Waiting| waiting.script.durability == Durability::Relaxed;
        let durability = if group.iter().all(relaxed) {
            Durability::Relaxed
        } else {
            Durability::Full
        };
        let connection = self.connection_set_to(durability)?;
        patiently(connection, "BEGIN IMMEDIATE").map_err(Lost::before_commit)?;
        let mut answers = Vec::with_capacity(group.len());
        for Waiting { script, .. } in group {
            counters.count_statements(script.steps().len());
            answers.push(in_savepoint(connection, script)?);
        }
        patiently(connection, "COMMIT").map_err(|error| {
            // SQLite says so before it writes anything; any other error may come after the commit reached the disk.
            if is_busy(&error) {
                Lost::before_commit(error)
            } else {
                Lost::new(StoreErrorKind::Indeterminate, &error)
            }
        })?;
        counters.count_commit(durability);
        // Committed into a file that no path leads to: whether it is ever seen again is open.
        match self.home.look() {
            true => Ok(answers),
            false => Err(Lost::new(StoreErrorKind::Indeterminate, &ASTRAY)),
        }
    }

    fn run_alone(&mut self, work: Alone) {
        let connection = match self.connection_set_to(Durability::Full) {
            Ok(connection) => Ok(connection),
            Err(lost) => Err(StoreError::new(lost.kind).with_source(lost.cause)),
        };
        if catch_unwind(AssertUnwindSafe(|| work(connection))).is_err() {
            self.connection = None;
        }
    }

    fn connection_set_to(&mut self, durability: Durability) -> Result<&mut Connection, Lost> {
        if !self.home.look() {
            return Err(Lost::new(StoreErrorKind::Unavailable, &ASTRAY));
        }
        if self.connection.is_none() {
            let opened = self.home.connect(Purpose::Write);
            let opened = opened.map_err(|error| Lost::new(StoreErrorKind::Unavailable, &error))?;
            self.connection = Some(opened);
            self.durability = Durability::Full;
        }
        let gone = || Lost::new(StoreErrorKind::Unavailable, &"no connection");
        let connection = self.connection.as_mut().ok_or_else(gone)?;
        if self.durability != durability {
            // In WAL mode NORMAL leaves the log to the next commit at FULL, or to the next checkpoint.
            let sql = match durability {
                Durability::Full => "PRAGMA synchronous = FULL",
                Durability::Relaxed => "PRAGMA synchronous = NORMAL",
            };
            execute(connection, sql).map_err(Lost::before_commit)?;
            self.durability = durability;
        }
        Ok(connection)
    }
}

/// Runs a script so that its failure undoes it alone.
fn in_savepoint(connection: &Connection, script: &Script) -> Result<Answer, Lost> {
    execute(connection, "SAVEPOINT script").map_err(Lost::before_commit)?;
    let answer = match catch_unwind(AssertUnwindSafe(|| apply(connection, script))) {
        Ok(answer) => answer,
        Err(_) => Err(Failure::Store(unavailable("a step panicked"))),
    };
    if answer.is_err() {
        if connection.is_autocommit() {
            // A full disk or an I/O error has rolled back the whole transaction.
            let cause = match &answer {
                Err(Failure::Store(error)) => {
                    std::error::Error::source(error).map(ToString::to_string)
                }
                _ => None,
            };
            let cause = cause.unwrap_or_else(|| "the transaction was rolled back".to_owned());
            return Err(Lost::new(StoreErrorKind::Unavailable, &cause));
        }
        execute(connection, "ROLLBACK TO script").map_err(Lost::before_commit)?;
    }
    execute(connection, "RELEASE script").map_err(Lost::before_commit)?;
    Ok(answer)
}

fn execute(connection: &Connection, sql: &'static str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.raw_execute().map(drop)
}

/// Tries a few times more where another process holds the file.
pub(super) fn patiently(connection: &Connection, sql: &'static str) -> rusqlite::Result<()> {
    let mut last = Ok(());
    for wait in BACKOFF {
        if !wait.is_zero() {
            pause(wait);
        }
        last = execute(connection, sql);
        match &last {
            Err(error) if is_busy(error) => {
                tracing::warn!(sql, "another process holds the database")
            }
            _ => return last,
        }
    }
    last
}
