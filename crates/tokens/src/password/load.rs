//! What the pool has done, and how long what waits will take.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A guess for before the first hash: the default parameters on a slow core.
const FIRST_GUESS: Duration = Duration::from_millis(100);

/// What a hash may take is sorted by these; the most that a login should take is among the first.
pub const HASH_TIMES: [Duration; 10] = [
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_millis(2500),
    Duration::from_secs(5),
];

/// What a hasher has done since it was started, and what waits for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HashLoad {
    /// Computations, dummy ones included.
    pub computed: u64,
    /// How long they took together, without waiting.
    pub total: Duration,
    /// For each of [`HASH_TIMES`], how many took at most so long.
    pub took: Vec<(Duration, u64)>,
    /// How many were refused with [`HashError::Busy`](super::HashError::Busy).
    pub refused: u64,
    /// How many wait to be begun.
    pub waiting: u64,
}

/// Counters of a pool.
#[derive(Debug, Default)]
pub(super) struct Load {
    /// Argon2 computations.
    pub(super) hashes: AtomicU64,
    /// Times that a worker's memory was allocated.
    pub(super) allocations: AtomicU64,
    /// Held by the worker that uses more memory than it keeps, so that however large stored hashes are, the pool has
    /// once what the largest needs beside what its workers keep.
    beside: Mutex<()>,
    /// How many hold it, and the most that ever did, for tests.
    held: AtomicU64,
    pub(super) held_at_once: AtomicU64,
    /// The moving average of a hash's duration in microseconds; 0 before the first.
    average: AtomicU64,
    /// How many took at most each of [`HASH_TIMES`] and longer than the one before; the last is for the rest.
    took: [AtomicU64; HASH_TIMES.len() + 1],
    /// Microseconds in all.
    total: AtomicU64,
    refused: AtomicU64,
}

/// Memory beside what the workers keep.
pub(super) struct Beside<'a> {
    held: &'a AtomicU64,
    _lock: MutexGuard<'a, ()>,
}

impl Drop for Beside<'_> {
    fn drop(&mut self) {
        self.held.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Load {
    /// Waits until no other worker uses more memory than it keeps.
    pub(super) fn beside(&self) -> Beside<'_> {
        let lock = self.beside.lock().unwrap_or_else(PoisonError::into_inner);
        let held = self.held.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        self.held_at_once.fetch_max(held, Ordering::Relaxed);
        Beside {
            held: &self.held,
            _lock: lock,
        }
    }

    pub(super) fn finished(&self, took: Duration) {
        self.hashes.fetch_add(1, Ordering::Relaxed);
        let place = HASH_TIMES.partition_point(|most| *most < took);
        if let Some(number) = self.took.get(place) {
            number.fetch_add(1, Ordering::Relaxed);
        }
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
        self.total.fetch_add(took, Ordering::Relaxed);
        let average = self.average.load(Ordering::Relaxed);
        // Two workers may overwrite each other here; an average does not mind.
        let next = if average == 0 {
            took
        } else {
            average - average / 8 + took / 8
        };
        self.average.store(next.max(1), Ordering::Relaxed);
    }

    pub(super) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Everything that was counted, with `waiting` in the queue.
    pub(super) fn read(&self, waiting: usize) -> HashLoad {
        let mut all = 0_u64;
        let mut upto = self.took.iter().map(|number| {
            all = all.saturating_add(number.load(Ordering::Relaxed));
            all
        });
        let took: Vec<_> = HASH_TIMES.into_iter().zip(upto.by_ref()).collect();
        let _rest = upto.next();
        HashLoad {
            computed: all,
            total: Duration::from_micros(self.total.load(Ordering::Relaxed)),
            took,
            refused: self.refused.load(Ordering::Relaxed),
            waiting: u64::try_from(waiting).unwrap_or(u64::MAX),
        }
    }

    /// How long until a caller who comes now would be served, with `waiting` before it.
    pub(super) fn delay(&self, waiting: usize, threads: usize) -> Duration {
        let one = match self.average.load(Ordering::Relaxed) {
            0 => FIRST_GUESS,
            average => Duration::from_micros(average),
        };
        // What is waiting, and what the workers are at.
        let rounds = (waiting / threads.max(1)).saturating_add(1);
        one.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // CC-05
    #[test]
    fn the_delay_grows_with_what_waits_and_with_what_a_hash_takes() {
        let load = Load::default();
        assert_eq!(load.delay(0, 1), FIRST_GUESS);
        load.finished(Duration::from_millis(20));
        assert_eq!(load.delay(0, 1), Duration::from_millis(20));
        assert_eq!(load.delay(9, 1), Duration::from_millis(200));
        assert_eq!(load.delay(9, 5), Duration::from_millis(40));
        load.finished(Duration::from_millis(100));
        assert_eq!(load.delay(0, 1), Duration::from_millis(30));
        assert_eq!(load.delay(usize::MAX, 0).as_secs(), 128_849_018);
    }

    #[test]
    fn every_hash_is_in_each_bucket_that_is_long_enough() {
        let load = Load::default();
        for millis in [5, 6, 100, 5001] {
            load.finished(Duration::from_millis(millis));
        }
        load.refused();
        let read = load.read(3);
        let upto: Vec<_> = read.took.iter().map(|(_, number)| *number).collect();
        assert_eq!(upto, [1, 2, 2, 2, 3, 3, 3, 3, 3, 3]);
        assert_eq!((read.computed, read.refused, read.waiting), (4, 1, 3));
        assert_eq!(read.total, Duration::from_millis(5112));
        assert!(HASH_TIMES.is_sorted());
    }
}
