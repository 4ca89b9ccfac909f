//! The operating system's randomness, asked for in this one place.

use portcullis_core::entropy::{Entropy, EntropyError};

/// The operating system's CSPRNG (`getrandom(2)` and its equals).
///
/// It blocks only before the system's pool is first filled, at early boot. A failure is an error; there is no second
/// source to fall back to (ASVS 11.5.1).
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks the system for randomness"
    )]
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        getrandom::fill(buffer).map_err(|error| {
            tracing::error!(%error, "the operating system gave no randomness");
            EntropyError
        })
    }
}
