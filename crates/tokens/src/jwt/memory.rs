//! What was verified a moment ago.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::AccessClaims;

/// Entries that may stand in each other's way.
const WAYS: usize = 8;
const ENTRIES_DEFAULT: NonZeroUsize = NonZeroUsize::new(4096).unwrap();
const ENTRIES_MAX: usize = 1 << 20;
/// Longer tokens are verified each time: their claims would make an entry's size unbounded.
const TOKEN_MAX_BYTES: usize = 2048;

/// A bounded memory of tokens whose signature was checked, so that a token that comes back costs one hash instead.
///
/// It stands for the signature alone: the codec compares the times of a remembered token again at each use, and its
/// caller the epoch. Entries are found by the SHA-256 of the whole token, so one changed character is another token. The
/// memory is as large as it was made and never grows: a new entry takes the place of the one that expires first among
/// the eight it competes with. It holds no token and no key; what it holds is forgotten when the codec's keys change.
pub struct VerifiedMemory {
    sets: Box<[Mutex<[Option<Entry>; WAYS]>]>,
}

struct Entry {
    token: TokenHash,
    generation: u64,
    claims: Arc<AccessClaims>,
}

/// The SHA-256 of a token that is short enough to be remembered.
#[derive(Clone, Copy)]
pub(super) struct TokenHash([u8; 32]);

impl TokenHash {
    pub(super) fn of(token: &str) -> Option<Self> {
        (token.len() <= TOKEN_MAX_BYTES).then(|| Self(Sha256::digest(token).into()))
    }
}

impl Default for VerifiedMemory {
    /// Room for 4,096 tokens.
    fn default() -> Self {
        Self::new(ENTRIES_DEFAULT)
    }
}

impl VerifiedMemory {
    /// Room for `entries` tokens, rounded up to a multiple of eight; at most 1,048,576.
    #[must_use]
    pub fn new(entries: NonZeroUsize) -> Self {
        let sets = entries.get().min(ENTRIES_MAX).div_ceil(WAYS);
        Self {
            sets: (0..sets).map(|_| Mutex::default()).collect(),
        }
    }

    /// How many tokens it has room for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.sets.len() * WAYS
    }

    /// The claims of a token that was verified under the keys of this generation.
    pub(super) fn get(&self, token: TokenHash, generation: u64) -> Option<Arc<AccessClaims>> {
        self.with_set(token, |set| {
            set.iter()
                .flatten()
                .find(|entry| entry.is(token) && entry.generation == generation)
                .map(|entry| Arc::clone(&entry.claims))
        })?
    }

    /// Remembers a token that was verified under the keys of this generation.
    pub(super) fn put(&self, token: TokenHash, generation: u64, claims: Arc<AccessClaims>) {
        self.with_set(token, |set| {
            let first_to_go = set.iter_mut().min_by_key(|place| match place {
                Some(entry) if entry.is(token) => (0, None),
                Some(entry) if entry.generation == generation => (2, Some(entry.claims.expires_at)),
                Some(_) | None => (1, None),
            });
            if let Some(place) = first_to_go {
                *place = Some(Entry {
                    token,
                    generation,
                    claims,
                });
            }
        });
    }

    fn with_set<T>(
        &self,
        token: TokenHash,
        work: impl FnOnce(&mut [Option<Entry>; WAYS]) -> T,
    ) -> Option<T> {
        let [a, b, c, d, ..] = token.0;
        let number = usize::try_from(u32::from_be_bytes([a, b, c, d])).ok()?;
        let set = self.sets.get(number.checked_rem(self.sets.len())?)?;
        // A holder that panicked has left whole entries behind: each is replaced in one assignment.
        let mut set = set.lock().unwrap_or_else(PoisonError::into_inner);
        Some(work(&mut set))
    }
}

impl Entry {
    fn is(&self, token: TokenHash) -> bool {
        self.token.0.ct_eq(&token.0).into()
    }
}

impl fmt::Debug for VerifiedMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifiedMemory({} entries)", self.capacity())
    }
}
