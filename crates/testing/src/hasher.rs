//! A password hasher for tests: fast, countable, and able to fail on demand.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use hmac::{Hmac, KeyInit, Mac};
use portcullis_core::secret::{Password, PasswordHash};
use portcullis_tokens::password::{HashError, PasswordHasher, Verification};
use sha2::Sha256;

/// Unlike any real algorithm's name, so that no other hasher reads these hashes and this one reads no other's.
const PREFIX: &str = "$portcullis-test$v=1$g=";

/// HMAC-SHA256 under a fixed, public key in place of argon2. **Protects nothing**; for tests only.
///
/// Clones are one hasher: keep one to ask, give one away. Salts are numbers, so every hash differs from the one before
/// and the same calls give the same answers in every run.
#[derive(Clone, Debug, Default)]
pub struct CountingHasher(Arc<State>);

#[derive(Debug, Default)]
struct State {
    hashes: AtomicU64,
    salts: AtomicU64,
    generation: AtomicU32,
    failures: Mutex<VecDeque<HashError>>,
}

impl CountingHasher {
    /// A hasher that has done nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many passwords were hashed: for storing, for comparing, and for nobody (`None`). A call that failed on demand
    /// or on an unreadable hash counts nothing.
    #[must_use]
    pub fn hashes(&self) -> u64 {
        self.0.hashes.load(Ordering::SeqCst)
    }

    /// Makes the next call fail with `error` and hash nothing. Errors given one after the other are used up in order.
    pub fn fail_next(&self, error: HashError) {
        self.failures().push_back(error);
    }

    /// Makes the next `calls` calls say that the hasher is busy, as a full queue does.
    pub fn busy_next(&self, calls: usize) {
        let retry_after = Duration::from_secs(1);
        let busy = std::iter::repeat_n(HashError::Busy { retry_after }, calls);
        self.failures().extend(busy);
    }

    /// Stands for new cost parameters: every hash made before matches as before, and says that it is outdated.
    pub fn raise_cost(&self) {
        self.0.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// Fails if told to, and counts otherwise.
    fn begin(&self) -> Result<(), HashError> {
        self.failures().pop_front().map_or(Ok(()), Err)
    }

    fn count(&self) {
        self.0.hashes.fetch_add(1, Ordering::SeqCst);
    }

    fn failures(&self) -> MutexGuard<'_, VecDeque<HashError>> {
        self.0
            .failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl PasswordHasher for CountingHasher {
    async fn hash(&self, password: &Password) -> Result<PasswordHash, HashError> {
        self.begin()?;
        self.count();
        let text = TestHash {
            generation: self.0.generation.load(Ordering::SeqCst),
            salt: self.0.salts.fetch_add(1, Ordering::SeqCst),
        };
        Ok(PasswordHash {
            phc: text.with(password),
            pepper_version: 1,
        })
    }

    async fn verify(
        &self,
        password: &Password,
        stored: Option<&PasswordHash>,
    ) -> Result<Verification, HashError> {
        self.begin()?;
        let Some(stored) = stored else {
            self.count();
            return Ok(Verification {
                matches: false,
                outdated: false,
            });
        };
        if stored.pepper_version != 1 {
            let version = stored.pepper_version;
            return Err(HashError::UnknownPepper { version });
        }
        let parsed = TestHash::parse(&stored.phc).ok_or(HashError::Malformed)?;
        self.count();
        let matches = parsed.with(password) == stored.phc;
        let current = self.0.generation.load(Ordering::SeqCst);
        Ok(Verification {
            matches,
            outdated: matches && parsed.generation != current,
        })
    }
}

/// `$portcullis-test$v=1$g=<generation>$<salt>$<digest>`, without the digest.
struct TestHash {
    generation: u32,
    salt: u64,
}

impl TestHash {
    fn parse(text: &str) -> Option<Self> {
        let mut fields = text.strip_prefix(PREFIX)?.split('$');
        let generation = fields.next()?.parse().ok()?;
        let salt = u64::from_str_radix(fields.next()?, 16).ok()?;
        fields.next()?;
        match fields.next() {
            None => Some(Self { generation, salt }),
            Some(_) => None,
        }
    }

    fn with(&self, password: &Password) -> String {
        let Self { generation, salt } = self;
        let mut mac = Hmac::<Sha256>::new(&Default::default());
        mac.update(&generation.to_be_bytes());
        mac.update(&salt.to_be_bytes());
        mac.update(password.expose().as_bytes());
        let digest = Hex(mac.finalize().into_bytes().into());
        format!("{PREFIX}{generation}${salt:016x}${digest}")
    }
}

struct Hex([u8; 32]);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests;
