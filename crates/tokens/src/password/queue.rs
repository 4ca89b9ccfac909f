//! The bounded queue between the async side and the workers.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// First in, first out, of a fixed capacity; pushing never waits, taking does.
#[derive(Debug)]
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    /// Signalled once for each push and for all on closing.
    changed: Condvar,
    capacity: usize,
}

#[derive(Debug)]
struct State<T> {
    waiting: VecDeque<T>,
    closed: bool,
}

/// Why an item was not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotQueued {
    Full,
    Closed,
}

impl<T> Queue<T> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            state: Mutex::new(State {
                waiting: VecDeque::with_capacity(capacity),
                closed: false,
            }),
            changed: Condvar::new(),
            capacity,
        }
    }

    /// Adds an item. A full queue first drops what nobody waits for any more: callers that hang up hold no places.
    pub(super) fn push(&self, item: T, wanted: impl FnMut(&T) -> bool) -> Result<(), NotQueued> {
        let mut state = self.lock();
        if state.closed {
            return Err(NotQueued::Closed);
        }
        if state.waiting.len() >= self.capacity {
            state.waiting.retain(wanted);
        }
        if state.waiting.len() >= self.capacity {
            return Err(NotQueued::Full);
        }
        state.waiting.push_back(item);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for the next item; `None` once the queue is closed.
    pub(super) fn take(&self) -> Option<T> {
        let mut state = self
            .changed
            .wait_while(self.lock(), |state| {
                state.waiting.is_empty() && !state.closed
            })
            .unwrap_or_else(PoisonError::into_inner);
        state.waiting.pop_front()
    }

    /// Drops what is waiting and refuses everything from now on.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let dropped = std::mem::take(&mut state.waiting);
        drop(state);
        self.changed.notify_all();
        // Outside the lock: dropping an item wakes whoever waits for its answer.
        drop(dropped);
    }

    pub(super) fn len(&self) -> usize {
        self.lock().waiting.len()
    }

    /// A panic while the lock is held leaves the list as it was: its operations happen or do not.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // CC-05
    #[test]
    fn a_full_queue_takes_nothing_but_gives_up_abandoned_items() {
        let queue = Queue::new(2);
        assert_eq!(queue.push(1, |_| true), Ok(()));
        assert_eq!(queue.push(2, |_| true), Ok(()));
        assert_eq!(queue.push(3, |_| true), Err(NotQueued::Full));
        assert_eq!(queue.push(4, |&item| item != 1), Ok(()));
        assert_eq!((queue.take(), queue.take()), (Some(2), Some(4)));
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn a_closed_queue_is_empty_and_stays_so() {
        let queue = Queue::new(2);
        assert_eq!(queue.push(1, |_| true), Ok(()));
        queue.close();
        assert_eq!(queue.take(), None);
        assert_eq!(queue.push(2, |_| true), Err(NotQueued::Closed));
    }
}
