//! Reading: point reads on the calling thread, long reads on a few threads of their own.
//!
//! A thread hop costs ten times what a cached point read costs. The connections belong to the store and not to the
//! threads, so that dropping the store closes them and several stores share a process without knowing of each other;
//! each thread has a favourite among them and meets another thread there only where there are more threads than
//! connections.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::JoinHandle;

use portcullis_core::error::{StoreError, StoreErrorKind};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::connection::Purpose;
use super::fault::{OpenError, unavailable};
use super::home::Home;

/// The most long reads that wait.
const QUEUE: usize = 256;

/// A number of its own for each thread.
fn favourite() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static MINE: Cell<Option<usize>> = const { Cell::new(None) };
    }
    MINE.with(|mine| match mine.get() {
        Some(number) => number,
        None => {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            mine.set(Some(number));
            number
        }
    })
}

/// Opened by the first read that needs it; `None` again after a panic.
type Slot = Mutex<Option<Connection>>;

/// The connections of point reads.
pub(super) struct PointReaders {
    slots: Box<[Slot]>,
    home: Arc<Home>,
}

impl PointReaders {
    pub(super) fn new(home: Arc<Home>) -> Self {
        Self {
            slots: (0..home.options().readers.max(1))
                .map(|_| Slot::default())
                .collect(),
            home,
        }
    }

    /// Reads on the calling thread.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut slot = self.slot().ok_or_else(|| unavailable("no readers"))?;
        let connection = open_once(&mut slot, &self.home)?;
        read(connection)
    }

    /// A connection that no other thread reads with: the favourite, else the next free one, else the favourite when
    /// it is free.
    fn slot(&self) -> Option<MutexGuard<'_, Option<Connection>>> {
        let many = self.slots.len();
        let first = favourite().checked_rem(many)?;
        for slot in self.slots.iter().cycle().skip(first).take(many) {
            match slot.try_lock() {
                Ok(guard) => return Some(guard),
                Err(TryLockError::Poisoned(poisoned)) => return Some(renewed(slot, poisoned)),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        let slot = self.slots.get(first)?;
        Some(match slot.lock() {
            Ok(guard) => guard,
            Err(poisoned) => renewed(slot, poisoned),
        })
    }
}

/// A read panicked with this connection: the next one gets another.
fn renewed<'a>(
    slot: &Slot,
    poisoned: PoisonError<MutexGuard<'a, Option<Connection>>>,
) -> MutexGuard<'a, Option<Connection>> {
    slot.clear_poison();
    let mut guard = poisoned.into_inner();
    *guard = None;
    guard
}

fn open_once<'a>(
    slot: &'a mut Option<Connection>,
    home: &Home,
) -> Result<&'a Connection, StoreError> {
    home.check()?;
    if slot.is_none() {
        let opened = home.connect(Purpose::Read);
        let failed =
            |error: OpenError| StoreError::new(StoreErrorKind::Unavailable).with_source(error);
        *slot = Some(opened.map_err(failed)?);
    }
    slot.as_ref().ok_or_else(|| unavailable("no connection"))
}

type Job = Box<dyn FnOnce(Result<&Connection, StoreError>) + Send>;

/// The threads of long reads; dropping it lets them finish what is queued.
pub(super) struct LongReaders {
    queue: Option<SyncSender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl LongReaders {
    pub(super) fn start(home: &Arc<Home>) -> Result<Self, OpenError> {
        let (queue, jobs) = sync_channel(QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        let mut readers = Self {
            queue: Some(queue),
            threads: Vec::new(),
        };
        for _ in 0..home.options().reader_threads.max(1) {
            let (jobs, home) = (Arc::clone(&jobs), Arc::clone(home));
            let thread = std::thread::Builder::new()
                .name("portcullis-sqlite-reader".to_owned())
                .spawn(move || work(&jobs, &home))
                .map_err(OpenError::Thread)?;
            readers.threads.push(thread);
        }
        Ok(readers)
    }

    /// Reads on one of the threads.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, end) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // Nobody waits any more: nothing is lost.
            let _ = answer.send(connection.and_then(read));
        });
        let queue = self.queue.as_ref();
        let queue = queue.ok_or_else(|| unavailable("the readers are gone"))?;
        queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => unavailable("the queue of reads is full"),
            TrySendError::Disconnected(_) => unavailable("the readers are gone"),
        })?;
        match end.await {
            Ok(answer) => answer,
            Err(_) => Err(unavailable("a reader panicked")),
        }
    }
}

impl Drop for LongReaders {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            // Its panics are caught inside; there is nobody to tell here.
            let _ = thread.join();
        }
    }
}

fn work(jobs: &Mutex<Receiver<Job>>, home: &Home) {
    let mut connection = None;
    loop {
        // Held for the wait only: the job runs without it.
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        let run = AssertUnwindSafe(|| job(open_once(&mut connection, home)));
        if catch_unwind(run).is_err() {
            connection = None;
        }
    }
}
