//! Repeatable choices from a seed.

use portcullis_core::entropy::{SeededEntropy, random_bytes};

/// Always the same choices for the same seed.
#[derive(Debug)]
pub struct Random(SeededEntropy);

impl Random {
    /// From a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(SeededEntropy::new(seed))
    }

    /// A number below `bound`.
    ///
    /// # Panics
    /// For a bound of zero.
    #[must_use]
    pub fn below(&self, bound: u64) -> u64 {
        let bytes = random_bytes(&self.0).expect("a seeded source never fails");
        u64::from_le_bytes(bytes) % bound
    }
}
