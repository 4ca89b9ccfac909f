//! What the store did, for tests and the bench.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::script::Durability;

#[derive(Debug, Default)]
pub(super) struct Counters {
    statements: AtomicU64,
    commits: AtomicU64,
    waited: AtomicU64,
}

impl Counters {
    pub(super) fn count_statements(&self, statements: usize) {
        let statements = u64::try_from(statements).unwrap_or(u64::MAX);
        self.statements.fetch_add(statements, Ordering::Relaxed);
    }

    pub(super) fn count_commit(&self, durability: Durability) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        if durability == Durability::Full {
            self.waited.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Commits that waited for the disk.
    #[cfg(test)]
    pub(super) fn waited(&self) -> u64 {
        self.waited.load(Ordering::Relaxed)
    }

    pub(super) fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}
