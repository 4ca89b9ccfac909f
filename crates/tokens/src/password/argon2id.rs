//! One argon2id computation, in memory that is kept between computations.

mod large_pages;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroizing;

use super::Argon2Params;

/// What argon2 gives: compared in constant time, wiped when dropped.
pub(super) type Tag = Zeroizing<[u8; 32]>;

/// The computation did not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failed {
    /// Argon2 has no such parameters.
    Params,
    /// The system gave no memory.
    Memory,
}

/// A worker's memory blocks.
///
/// Kept from hash to hash: asked for anew by many threads, 19 MiB each leave ever more memory resident under glibc, and
/// have to be zeroed each time. The content is not wiped in between: the next hash writes over it, and it tells no more
/// than the hash itself does, for it takes the whole computation to compare a guess with it.
#[derive(Debug)]
pub(super) struct Memory {
    blocks: Vec<Block>,
    /// What is kept; more is given back after the hash that needed it.
    keep: usize,
    allocations: Arc<AtomicU64>,
}

impl Memory {
    /// No memory yet; it comes with the first hash. Room for `params` is kept from then on.
    pub(super) fn new(params: Argon2Params, allocations: Arc<AtomicU64>) -> Self {
        Self {
            blocks: Vec::new(),
            keep: argon2_params(params).map_or(0, |params| params.block_count()),
            allocations,
        }
    }

    /// At least `count` blocks of any content.
    fn blocks(&mut self, count: usize) -> Result<&mut [Block], Failed> {
        if self.blocks.len() < count {
            self.release();
            let count = count.max(self.keep);
            self.blocks
                .try_reserve_exact(count)
                .map_err(|_| Failed::Memory)?;
            self.allocations.fetch_add(1, Ordering::Relaxed);
            large_pages::ask_for(self.blocks.spare_capacity_mut());
            self.blocks.resize(count, Block::new());
        }
        Ok(&mut self.blocks)
    }

    /// Gives everything back to the system.
    pub(super) fn release(&mut self) {
        self.blocks = Vec::new();
    }
}

/// The 32-byte argon2id tag (RFC 9106 version 0x13, no secret, no associated data) of `input`.
pub(super) fn tag(
    params: Argon2Params,
    input: &[u8],
    salt: &[u8],
    memory: &mut Memory,
) -> Result<Tag, Failed> {
    let params = argon2_params(params).ok_or(Failed::Params)?;
    let count = params.block_count();
    let mut tag = Zeroizing::new([0; 32]);
    let computed = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(input, salt, tag.as_mut_slice(), memory.blocks(count)?);
    if count > memory.keep {
        memory.release();
    }
    match computed {
        Ok(()) => Ok(tag),
        Err(_) => Err(Failed::Params),
    }
}

fn argon2_params(params: Argon2Params) -> Option<Params> {
    // Checked here, before the crate multiplies the lanes.
    if params.exceeds_ceiling() {
        return None;
    }
    Params::new(
        params.memory_kib,
        params.iterations,
        params.parallelism,
        Some(32),
    )
    .ok()
}

#[cfg(test)]
mod tests;
