//! The threads that hash.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::argon2id::{self, Failed, Memory, Tag};
#[cfg(feature = "foreign-hashes")]
use super::foreign;
use super::load::Load;
use super::phc::SALT_BYTES;
use super::queue::Queue;
use super::{Argon2Params, HashError};

/// One computation: the same for hashing, verifying and for a person who does not exist.
pub(super) struct Job {
    pub(super) work: Work,
    pub(super) queued_at: Instant,
    pub(super) answer: oneshot::Sender<Result<Tag, HashError>>,
}

/// What is computed.
pub(super) enum Work {
    /// A hash of our own.
    Own {
        params: Argon2Params,
        /// The peppered password.
        input: Zeroizing<[u8; 32]>,
        salt: [u8; SALT_BYTES],
    },
    /// One that another system made.
    #[cfg(feature = "foreign-hashes")]
    Foreign(foreign::compute::Ingredients),
}

impl Job {
    /// Whether the caller still waits for the answer.
    pub(super) fn is_wanted(&self) -> bool {
        !self.answer.is_closed()
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Job([redacted])")
    }
}

/// Called by a worker before each computation; only tests set one, to hold a worker up or to make it panic.
pub(super) type Hook = Arc<dyn Fn() + Send + Sync>;

/// What a pool and its workers share.
pub(super) struct Shared {
    pub(super) queue: Queue<Job>,
    pub(super) load: Arc<Load>,
    pub(super) params: Argon2Params,
    pub(super) threads: usize,
    pub(super) max_wait: Duration,
    pub(super) hook: Option<Hook>,
}

impl Shared {
    /// For a caller that is sent away.
    pub(super) fn busy(&self) -> HashError {
        self.load.refused();
        HashError::Busy {
            retry_after: self.load.delay(self.queue.len(), self.threads),
        }
    }

    fn compute(&self, job: &Job, memory: &mut Memory) -> Result<Tag, HashError> {
        if let Some(hook) = &self.hook {
            hook();
        }
        let started = Instant::now();
        let tag = match &job.work {
            Work::Own {
                params,
                input,
                salt,
            } => argon2id::tag(*params, input.as_slice(), salt, memory),
            #[cfg(feature = "foreign-hashes")]
            Work::Foreign(ingredients) => foreign::compute::tag(ingredients, memory),
        };
        self.load.finished(started.elapsed());
        tag.map_err(|failed| match failed {
            Failed::Params => HashError::Malformed,
            Failed::Memory => self.busy(),
        })
    }
}

/// Works until the queue is closed.
pub(super) fn run(shared: &Shared) {
    lower_priority();
    let memory = || Memory::new(shared.params, Arc::clone(&shared.load));
    let mut own = memory();
    while let Some(job) = shared.queue.take() {
        if !job.is_wanted() {
            continue;
        }
        let answer = if job.queued_at.elapsed() >= shared.max_wait {
            Err(shared.busy())
        } else {
            catch_unwind(AssertUnwindSafe(|| shared.compute(&job, &mut own))).unwrap_or_else(|_| {
                // Whatever it left behind in the memory goes with it.
                own = memory();
                tracing::error!("a password hash panicked");
                Err(HashError::Stopped)
            })
        };
        // The caller may have gone away meanwhile; nobody else wants the answer.
        let _unwanted = job.answer.send(answer);
    }
}

/// Hashing yields to the threads that answer requests when both want the core. On Linux a thread has a priority of its
/// own, and no id means the calling thread.
#[cfg(target_os = "linux")]
fn lower_priority() {
    use rustix::process::{getpriority_process, setpriority_process};

    /// A third of the share of a thread at the normal priority.
    const NICER: i32 = 5;
    const NICEST: i32 = 19;
    // Relative, so that in a process that is nice already it does not become less so.
    let lowered = getpriority_process(None)
        .and_then(|nice| setpriority_process(None, nice.saturating_add(NICER).min(NICEST)));
    if let Err(error) = lowered {
        tracing::debug!(%error, "hash workers keep the normal priority");
    }
}

#[cfg(not(target_os = "linux"))]
fn lower_priority() {}
