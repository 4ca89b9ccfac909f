//! Argon2id on a fixed number of threads.

#[cfg(feature = "foreign-hashes")]
mod imported;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use portcullis_core::entropy::{Entropy, EntropyError, random_bytes};
use portcullis_core::secret::{Password, PasswordHash};
use subtle::ConstantTimeEq;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::argon2id::Tag;
use super::phc::{Phc, SALT_BYTES};
use super::queue::{NotQueued, Queue};
use super::worker::{self, Hook, Job, Shared, Work};
use super::{Argon2Params, HashError, HashLoad, ParamsError, PasswordHasher, Verification};
use crate::keys::{Key, LiveKeys, Purpose};
use crate::mac;

/// The most threads and places that make sense; more is a mistake in a configuration.
const THREADS_MAX: usize = 1024;
const QUEUE_MAX: usize = 65_536;

/// How much a pool does at once and how much may wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashPoolConfig {
    /// The cost of new hashes.
    pub params: Argon2Params,
    /// Threads, 1 to 1,024; each keeps the memory of one hash. By default one fewer than there are cores, but one.
    pub threads: usize,
    /// Hashes that may wait, 1 to 65,536; by default 64 a thread. More are refused with [`HashError::Busy`].
    pub queue: usize,
    /// The longest a hash may wait to be begun, above zero; by default 3 s. Then it is refused too.
    pub max_wait: Duration,
}

impl Default for HashPoolConfig {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let threads = cores.saturating_sub(1).clamp(1, THREADS_MAX);
        Self {
            params: Argon2Params::default(),
            threads,
            queue: threads.saturating_mul(64).min(QUEUE_MAX),
            max_wait: Duration::from_secs(3),
        }
    }
}

/// A pool could not be started.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// The cost is too low or too high.
    #[error(transparent)]
    Params(#[from] ParamsError),
    /// No threads, or too many.
    #[error("a hash pool has 1 to {THREADS_MAX} threads")]
    Threads,
    /// No room to wait, or too much.
    #[error("the queue of a hash pool has 1 to {QUEUE_MAX} places")]
    Queue,
    /// No time to wait.
    #[error("the longest wait for a password hash must be above zero")]
    MaxWait,
    /// No dummy hash could be made up.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The system gave no thread.
    #[error("a hash thread could not be started")]
    Spawn(#[source] io::Error),
}

/// A password under a pepper: what argon2 is given.
type Peppered = Zeroizing<[u8; 32]>;

/// Argon2id on threads of its own: bounded in threads, memory and queue, so that a flood of sign-ins cannot take the
/// server's time or memory (CC-05). Dropping the pool refuses what waits, and returns when the hashes that were begun
/// are done.
pub struct Argon2Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    keys: LiveKeys,
    entropy: Arc<dyn Entropy>,
    /// What a password is compared with where nothing is stored.
    dummy: Phc,
}

impl Argon2Pool {
    /// Starts the threads, `portcullis-hash-0` and so on, at slightly lowered priority on Linux. Memory is taken by each
    /// thread's first hash.
    ///
    /// # Errors
    /// [`PoolError`] for parameters outside floor and ceiling, for numbers out of range, where the source of randomness
    /// fails, and where the system gives no thread.
    pub fn start(
        config: HashPoolConfig,
        keys: impl Into<LiveKeys>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, PoolError> {
        Self::start_hooked(config, keys.into(), entropy, None)
    }

    fn start_hooked(
        config: HashPoolConfig,
        keys: LiveKeys,
        entropy: Arc<dyn Entropy>,
        hook: Option<Hook>,
    ) -> Result<Self, PoolError> {
        config.params.validate()?;
        if !(1..=THREADS_MAX).contains(&config.threads) {
            return Err(PoolError::Threads);
        }
        if !(1..=QUEUE_MAX).contains(&config.queue) {
            return Err(PoolError::Queue);
        }
        if config.max_wait.is_zero() {
            return Err(PoolError::MaxWait);
        }
        let dummy = Phc {
            params: config.params,
            salt: random_bytes(&*entropy)?,
            tag: Zeroizing::new(random_bytes(&*entropy)?),
        };
        let shared = Arc::new(Shared {
            queue: Queue::new(config.queue),
            load: Arc::default(),
            params: config.params,
            threads: config.threads,
            max_wait: config.max_wait,
            hook,
        });
        // Built before its threads, so that where one cannot be started the drop stops the others.
        let mut pool = Self {
            shared,
            workers: Vec::with_capacity(config.threads),
            keys,
            entropy,
            dummy,
        };
        for number in 0..config.threads {
            let shared = Arc::clone(&pool.shared);
            let worker = thread::Builder::new()
                .name(format!("portcullis-hash-{number}"))
                .spawn(move || worker::run(&shared))
                .map_err(PoolError::Spawn)?;
            pool.workers.push(worker);
        }
        Ok(pool)
    }

    /// How many computations there were, dummy ones and those of other systems' hashes included. Tests assert work by it, since time is no measure
    /// there.
    #[must_use]
    pub fn hashes_computed(&self) -> u64 {
        self.shared.load.hashes.load(Ordering::Relaxed)
    }

    /// How many times the memory of a hash was taken from the system: once a thread, unless stored hashes needed more
    /// than the current parameters.
    #[must_use]
    pub fn memory_allocations(&self) -> u64 {
        self.shared.load.allocations.load(Ordering::Relaxed)
    }

    /// The most computations at once that used more memory than their threads keep: never more than one.
    #[must_use]
    pub fn large_hashes_at_once(&self) -> u64 {
        self.shared.load.held_at_once.load(Ordering::Relaxed)
    }

    /// The newest pepper's version, and the password under it.
    fn peppered_newest(&self, password: &Password) -> (u32, Peppered) {
        let keys = self.keys.current();
        let (version, pepper) = keys.ring(Purpose::PasswordPepper).newest();
        (version, peppered(pepper, password))
    }

    /// The newest version, and the password under another one; `None` where that is retired.
    fn peppered_with(
        &self,
        version: u32,
        password: &Password,
    ) -> Result<Option<(u32, Peppered)>, HashError> {
        let keys = self.keys.with_version(Purpose::PasswordPepper, version);
        let peppers = keys.ring(Purpose::PasswordPepper);
        match peppers.get(version) {
            Some(pepper) => Ok(Some((peppers.newest().0, peppered(pepper, password)))),
            None if peppers.knows(version) => Ok(None),
            None => Err(HashError::UnknownPepper { version }),
        }
    }

    /// The work of a hash for a password that is worth nothing any more.
    async fn miss_retired(
        &self,
        password: &Password,
        version: u32,
    ) -> Result<Verification, HashError> {
        tracing::warn!(version, "a password cannot be right: its key is retired");
        self.miss(password).await
    }

    /// The work of a hash where nothing can match.
    async fn miss(&self, password: &Password) -> Result<Verification, HashError> {
        let (_, input) = self.peppered_newest(password);
        let dummy = &self.dummy;
        let tag = self.compute(own(dummy.params, input, dummy.salt)).await?;
        std::hint::black_box(tag.ct_eq(dummy.tag.as_slice()));
        Ok(Verification {
            matches: false,
            outdated: false,
        })
    }

    /// One computation on a worker.
    async fn compute(&self, work: Work) -> Result<Tag, HashError> {
        let (answer, answered) = oneshot::channel();
        let job = Job {
            work,
            queued_at: Instant::now(),
            answer,
        };
        match self.shared.queue.push(job, Job::is_wanted) {
            Ok(()) => answered.await.unwrap_or(Err(HashError::Stopped)),
            Err(NotQueued::Full) => Err(self.shared.busy()),
            Err(NotQueued::Closed) => Err(HashError::Stopped),
        }
    }
}

#[async_trait]
impl PasswordHasher for Argon2Pool {
    async fn hash(&self, password: &Password) -> Result<PasswordHash, HashError> {
        let (pepper_version, input) = self.peppered_newest(password);
        let salt = random_bytes(&*self.entropy)?;
        let params = self.shared.params;
        let tag = self.compute(own(params, input, salt)).await?;
        let phc = Phc { params, salt, tag };
        Ok(PasswordHash {
            phc: std::mem::take(&mut *phc.write()),
            pepper_version,
        })
    }

    async fn verify(
        &self,
        password: &Password,
        stored: Option<&PasswordHash>,
    ) -> Result<Verification, HashError> {
        let Some(stored) = stored else {
            return self.miss(password).await;
        };
        #[cfg(feature = "foreign-hashes")]
        if super::foreign::stored::is_imported(&stored.phc) {
            return self.verify_imported(password, stored).await;
        }
        let phc = Phc::parse(&stored.phc)?;
        let version = stored.pepper_version;
        let Some((newest, input)) = self.peppered_with(version, password)? else {
            return self.miss_retired(password, version).await;
        };
        let tag = self.compute(own(phc.params, input, phc.salt)).await?;
        let matches = bool::from(tag.ct_eq(phc.tag.as_slice()));
        Ok(Verification {
            matches,
            outdated: matches && (phc.params != self.shared.params || version != newest),
        })
    }

    fn load(&self) -> Option<HashLoad> {
        Some(self.shared.load.read(self.shared.queue.len()))
    }
}

impl Drop for Argon2Pool {
    fn drop(&mut self) {
        self.shared.queue.close();
        for worker in self.workers.drain(..) {
            // A worker catches the panics of its work; one that ended otherwise has nothing left to do.
            let _ended = worker.join();
        }
    }
}

impl fmt::Debug for Argon2Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Argon2Pool")
            .field("params", &self.shared.params)
            .field("threads", &self.shared.threads)
            .field("max_wait", &self.shared.max_wait)
            .finish_non_exhaustive()
    }
}

const fn own(params: Argon2Params, input: Zeroizing<[u8; 32]>, salt: [u8; SALT_BYTES]) -> Work {
    Work::Own {
        params,
        input,
        salt,
    }
}

/// What argon2 is given instead of the password; the password itself stays on the caller's side.
fn peppered(pepper: &Key, password: &Password) -> Peppered {
    Zeroizing::new(mac::hmac(pepper.bytes(), password.expose().as_bytes()))
}

#[cfg(test)]
mod tests;
