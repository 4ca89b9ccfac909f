//! [`MemoryStore`]: every store trait over one locked state, as plainly as they can be written.

mod account;
mod along;
mod api_token;
mod attempt;
mod audit;
mod crossing;
mod directory;
mod erasure;
mod factor;
mod fault;
mod history;
mod limit;
mod opening;
mod outbox;
mod refresh;
mod role;
mod session;
mod state;
mod table;
mod ticket;
mod verification;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use portcullis_core::along::{Along, Refusal, Write};
use portcullis_core::error::{StoreError, StoreErrorKind};
use portcullis_core::store::WriteResult;

use fault::Fault;
use state::State;

/// Every store trait in memory: the reference implementation.
///
/// A handle: clones share one store. Everything is lost when the last one is dropped.
#[derive(Clone, Default)]
pub struct MemoryStore {
    // Held for the length of one method and never across an await: every method is atomic by that alone.
    state: Arc<Mutex<State>>,
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

/// Why a write does not happen.
enum Stop {
    Refused(Refusal),
    Failed(StoreError),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a later call of any method fail with `kind` before it does anything. Called several times, it makes as
    /// many calls fail, in this order.
    pub fn fail_next(&self, kind: StoreErrorKind) {
        self.lock().faults.push(Fault::Before(kind));
    }

    /// Makes a later call of any method do its work and then fail with `kind`, as a commit whose answer got lost; takes
    /// its turn with [`MemoryStore::fail_next`].
    pub fn fail_after_next(&self, kind: StoreErrorKind) {
        self.lock().faults.push(Fault::After(kind));
    }

    /// Calls of trait methods so far, whatever came of them.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.lock().faults.calls
    }

    /// The calls among them of methods that write.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.lock().faults.writes
    }

    /// Mails in the outbox: waiting, claimed and dead.
    #[must_use]
    pub fn outbox_len(&self) -> usize {
        self.lock().outbox.len()
    }

    /// Events in the audit log.
    #[must_use]
    pub fn event_count(&self) -> usize {
        self.lock().events.len()
    }

    /// A call that changes nothing.
    fn read<T>(&self, look: impl FnOnce(&State) -> T) -> Result<T, StoreError> {
        let mut state = self.lock();
        state.faults.calls += 1;
        match state.faults.pop() {
            Some(fault) => Err(StoreError::new(fault.kind())),
            None => Ok(look(&state)),
        }
    }

    /// A call that changes something without companions.
    fn change<T>(
        &self,
        effect: impl FnOnce(&mut State) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let effect = |state: &mut State| effect(state).map_err(Stop::Failed);
        match self.transact(effect) {
            Ok(value) => Ok(value),
            Err(Stop::Failed(error)) => Err(error),
            Err(Stop::Refused(_)) => Err(StoreError::new(StoreErrorKind::Conflict)),
        }
    }

    /// A call that changes something together with its companions.
    fn write<T>(
        &self,
        along: Along,
        effect: impl FnOnce(&mut State) -> Result<T, Stop>,
    ) -> WriteResult<T> {
        let done = self.transact(|state| {
            if let Some(spend) = &along.spend {
                state.spend(spend)?;
            }
            if let Some(remember) = &along.remember {
                state.remember(remember);
            }
            let value = effect(state)?;
            state.accompany(along)?;
            Ok(value)
        });
        match done {
            Ok(value) => Ok(Write::Applied(value)),
            Err(Stop::Refused(refusal)) => Ok(Write::Refused(refusal)),
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    /// Runs a change to its end, or undoes what it did.
    fn transact<T>(&self, run: impl FnOnce(&mut State) -> Result<T, Stop>) -> Result<T, Stop> {
        let mut state = self.lock();
        state.faults.calls += 1;
        state.faults.writes += 1;
        let fault = state.faults.pop();
        if let Some(Fault::Before(kind)) = fault {
            return Err(StoreError::new(kind).into());
        }
        let done = run(&mut state);
        if done.is_ok() {
            state.commit();
        } else {
            state.roll_back();
        }
        match fault {
            Some(fault) => Err(StoreError::new(fault.kind()).into()),
            None => done,
        }
    }

    /// A caller that panicked in here left its change half done: it is undone.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| {
            self.state.clear_poison();
            let mut state = poisoned.into_inner();
            state.roll_back();
            state
        })
    }
}

#[cfg(test)]
mod tests;
