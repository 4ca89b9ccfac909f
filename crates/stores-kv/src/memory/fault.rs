//! Failures on demand, and how often the store was asked.

use std::collections::VecDeque;

use portcullis_core::error::StoreErrorKind;

/// One failure to come.
#[derive(Clone, Copy)]
pub(super) enum Fault {
    /// Instead of the work.
    Before(StoreErrorKind),
    /// After the work.
    After(StoreErrorKind),
}

impl Fault {
    pub(super) const fn kind(self) -> StoreErrorKind {
        match self {
            Self::Before(kind) | Self::After(kind) => kind,
        }
    }
}

/// The failures to come, and the calls so far.
#[derive(Default)]
pub(super) struct Faults {
    queue: VecDeque<Fault>,
    pub(super) calls: u64,
    pub(super) writes: u64,
}

impl Faults {
    pub(super) fn push(&mut self, fault: Fault) {
        self.queue.push_back(fault);
    }

    pub(super) fn pop(&mut self) -> Option<Fault> {
        self.queue.pop_front()
    }
}
