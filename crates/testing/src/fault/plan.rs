//! When which call fails, and how.

use std::fmt;
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use portcullis_core::error::{StoreError, StoreErrorKind};

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum How {
    /// It does nothing and fails.
    FailBefore(StoreErrorKind),
    /// It does its work, and its answer gets lost: it fails as `Indeterminate`.
    FailAfter,
    /// It never begins and never returns: the client hung up before.
    CancelBefore,
    /// It begins and never returns: the client hung up while the store was at work. Done or not done, but whole.
    CancelDuring,
    /// It does its work and never returns: the client hung up just then.
    CancelAfter,
}

impl How {
    /// Every way there is.
    pub const ALL: [Self; 9] = [
        Self::FailBefore(StoreErrorKind::Unavailable),
        Self::FailBefore(StoreErrorKind::Conflict),
        Self::FailBefore(StoreErrorKind::Stale),
        Self::FailBefore(StoreErrorKind::Indeterminate),
        Self::FailBefore(StoreErrorKind::Corrupt),
        Self::FailAfter,
        Self::CancelBefore,
        Self::CancelDuring,
        Self::CancelAfter,
    ];

    /// One of each sort, for stores that take their time: nothing is done, it is done and nobody knows, the client is
    /// gone.
    pub const SORTS: [Self; 3] = [
        Self::FailBefore(StoreErrorKind::Unavailable),
        Self::FailAfter,
        Self::CancelDuring,
    ];

    /// Whether the call does its work; `None` where that is the store's to say.
    #[must_use]
    pub const fn effect(self) -> Option<bool> {
        match self {
            Self::FailBefore(_) | Self::CancelBefore => Some(false),
            Self::CancelDuring => None,
            Self::FailAfter | Self::CancelAfter => Some(true),
        }
    }

    /// Whether the caller gets no answer at all.
    #[must_use]
    pub const fn hangs_up(self) -> bool {
        matches!(
            self,
            Self::CancelBefore | Self::CancelDuring | Self::CancelAfter
        )
    }
}

/// A fault to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fault {
    /// At which call from now, the next one being 1.
    pub at: u64,
    /// What happens to it.
    pub how: How,
}

/// A fault that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fired {
    /// The fault as it was armed.
    pub fault: Fault,
    /// The method it hit.
    pub method: &'static str,
}

impl fmt::Display for Fired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fault, method } = self;
        write!(f, "call {} ({method}): {:?}", fault.at, fault.how)
    }
}

/// How a flow ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End<T> {
    /// With this answer.
    Answered(T),
    /// It was dropped at a call that never returned.
    HungUp,
}

/// The fault of one store, and the calls it has seen. Clones share both.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// The fault, and the number of the call it hits.
    armed: Option<(Fault, u64)>,
    fired: Option<Fired>,
    calls: u64,
    methods: Vec<&'static str>,
    hanging: bool,
    waker: Option<Waker>,
}

impl Faults {
    /// Makes one later call fail. It happens once; arming again forgets a fault that has not happened, and what happened
    /// before.
    pub fn arm(&self, fault: Fault) {
        let mut state = self.lock();
        let hit = state.calls.saturating_add(fault.at);
        state.armed = Some((fault, hit));
        (state.fired, state.hanging) = (None, false);
    }

    /// Forgets a fault that has not happened.
    pub fn disarm(&self) {
        self.lock().armed = None;
    }

    /// The fault that happened since the last [`Faults::arm`].
    #[must_use]
    pub fn fired(&self) -> Option<Fired> {
        self.lock().fired
    }

    /// How many calls there were so far, of all traits together.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }

    /// The methods that were called, in order.
    #[must_use]
    pub fn methods(&self) -> Vec<&'static str> {
        self.lock().methods.clone()
    }

    /// Runs a flow to its answer, or to the call that never returns; there it is dropped, as the server drops a request
    /// whose client hangs up.
    pub async fn run<T>(&self, flow: impl Future<Output = T>) -> End<T> {
        let mut flow = pin!(flow);
        poll_fn(|context| {
            if let Poll::Ready(answer) = flow.as_mut().poll(context) {
                return Poll::Ready(End::Answered(answer));
            }
            let mut state = self.lock();
            if state.hanging {
                state.hanging = false;
                return Poll::Ready(End::HungUp);
            }
            state.waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// One call, with what is to happen to it.
    pub(super) async fn meet<T, F>(
        &self,
        method: &'static str,
        call: impl FnOnce() -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        match self.next(method) {
            None => call().await,
            Some(How::FailBefore(kind)) => Err(StoreError::new(kind)),
            Some(How::FailAfter) => {
                drop(call().await);
                Err(StoreError::new(StoreErrorKind::Indeterminate))
            }
            Some(How::CancelBefore) => self.hang().await,
            Some(How::CancelDuring) => {
                let mut call = pin!(call());
                let _begun = poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await;
                // The call is dropped with the flow, wherever it is by then.
                self.hang().await
            }
            Some(How::CancelAfter) => {
                drop(call().await);
                self.hang().await
            }
        }
    }

    fn next(&self, method: &'static str) -> Option<How> {
        let mut state = self.lock();
        state.calls = state.calls.saturating_add(1);
        state.methods.push(method);
        let (fault, _) = state.armed.filter(|(_, hit)| *hit == state.calls)?;
        state.armed = None;
        state.fired = Some(Fired { fault, method });
        Some(fault.how)
    }

    async fn hang<T>(&self) -> T {
        {
            let mut state = self.lock();
            state.hanging = true;
            // The flow may have given the call to a task of its own.
            if let Some(waker) = state.waker.take() {
                waker.wake();
            }
        }
        pending().await
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
