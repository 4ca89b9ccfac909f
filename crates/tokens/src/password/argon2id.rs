//! One argon2id computation, in memory that is kept between computations.

mod large_pages;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroizing;

use super::Argon2Params;
#[cfg(feature = "foreign-hashes")]
use super::load::Beside;
use super::load::Load;

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
    /// What is kept; more is given back after the hash that needed it, and only one worker at a time has it.
    keep: usize,
    load: Arc<Load>,
}

impl Memory {
    /// No memory yet; it comes with the first hash. Room for `params` is kept from then on.
    pub(super) fn new(params: Argon2Params, load: Arc<Load>) -> Self {
        Self {
            blocks: Vec::new(),
            keep: argon2_params(params).map_or(0, |params| params.block_count()),
            load,
        }
    }

    /// Lends `count` blocks of any content, and afterwards keeps no more than a usual hash needs.
    pub(super) fn lend<T>(
        &mut self,
        count: usize,
        work: impl FnOnce(&mut [Block]) -> T,
    ) -> Result<T, Failed> {
        if count <= self.keep {
            return Ok(work(self.blocks(count)?));
        }
        let load = Arc::clone(&self.load);
        let _only_one = load.beside();
        let done = self.blocks(count).map(work);
        self.release();
        done
    }

    /// For work that takes memory of its own: one at a time in the whole pool, for as long as this is held.
    #[cfg(feature = "foreign-hashes")]
    pub(super) fn beside(&self) -> Beside<'_> {
        self.load.beside()
    }

    /// At least `count` blocks of any content.
    fn blocks(&mut self, count: usize) -> Result<&mut [Block], Failed> {
        if self.blocks.len() < count {
            self.release();
            let count = count.max(self.keep);
            self.blocks
                .try_reserve_exact(count)
                .map_err(|_| Failed::Memory)?;
            self.load.allocations.fetch_add(1, Ordering::Relaxed);
            large_pages::ask_for(self.blocks.spare_capacity_mut());
            self.blocks.resize(count, Block::new());
        }
        Ok(&mut self.blocks)
    }

    /// Gives everything back to the system.
    fn release(&mut self) {
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
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    match memory.lend(count, |blocks| {
        argon2.hash_password_into_with_memory(input, salt, tag.as_mut_slice(), blocks)
    })? {
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
