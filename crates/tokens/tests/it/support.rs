//! Keys and sources of randomness for the tests.

use portcullis_core::entropy::{Entropy, EntropyError, SeededEntropy};
use portcullis_core::time::Timestamp;
use portcullis_tokens::keys::KeyRings;

pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);

/// The keys of one seed.
pub(crate) fn keys(seed: u64) -> KeyRings {
    KeyRings::generate(&SeededEntropy::new(seed), NOW).unwrap()
}

/// A source that always fails.
#[derive(Debug)]
pub(crate) struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        // What it leaves behind must not be used.
        buffer.fill(0x55);
        Err(EntropyError)
    }
}

/// A source that reports success and answers one byte.
#[derive(Debug)]
pub(crate) struct StuckEntropy;

impl Entropy for StuckEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        buffer.fill(0);
        Ok(())
    }
}
