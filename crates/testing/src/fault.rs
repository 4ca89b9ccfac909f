//! A store that fails at a call of your choice, and the runs that fail a flow at every call there is.
//!
//! Between two store calls of a flow anything can happen: the store goes away, its answer gets lost after the commit, the
//! client hangs up. [`FaultStore`] makes it happen at the n-th call, and [`for_every_fault`] runs a flow once for every
//! n and every way to fail, so that no place is forgotten.

mod every;
mod plan;

use std::sync::Arc;

use crate::methods::every_method;
use crate::methods::named::*;

pub use every::{Run, for_every_fault};
pub use plan::{End, Fault, Faults, Fired, How};

/// A store that passes every call on, except where a [`Fault`] is armed.
///
/// It implements each store trait that the store inside does. Clones share the store and the fault.
#[derive(Debug)]
pub struct FaultStore<S> {
    store: Arc<S>,
    faults: Faults,
}

impl<S> Clone for FaultStore<S> {
    fn clone(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            faults: self.faults.clone(),
        }
    }
}

impl<S> FaultStore<S> {
    /// A healthy store.
    #[must_use]
    pub fn new(store: S) -> Self {
        Self {
            store: Arc::new(store),
            faults: Faults::default(),
        }
    }

    /// A healthy store beside this one that shares its fault: the calls of both are counted together, as a flow makes
    /// them that needs both.
    #[must_use]
    pub fn beside<T>(&self, store: T) -> FaultStore<T> {
        FaultStore {
            store: Arc::new(store),
            faults: self.faults.clone(),
        }
    }

    /// Makes one later call fail; see [`Faults::arm`].
    pub fn arm(&self, fault: Fault) {
        self.faults.arm(fault);
    }

    /// How many calls there were so far, of all traits together.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.faults.calls()
    }

    /// The faults of this store, for whoever is not given the store itself.
    #[must_use]
    pub const fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The store inside: its calls never fail and are not counted.
    #[must_use]
    pub fn healthy(&self) -> &S {
        &self.store
    }
}

impl<S> AsRef<Faults> for FaultStore<S> {
    fn as_ref(&self) -> &Faults {
        &self.faults
    }
}

macro_rules! delegate {
    ($($trait:ident { $(
        fn $method:ident($($arg:ident: $ty:ty),* $(; $along:ident)?) -> $answer:ty;
    )+ })+) => {$(
        #[async_trait]
        impl<S: $trait> $trait for FaultStore<S> {
            $(async fn $method(&self, $($arg: $ty,)* $($along: Along)?) -> $answer {
                let call = || self.store.$method($($arg,)* $($along)?);
                self.faults.meet(stringify!($method), call).await
            })+
        }
    )+};
}

every_method!(delegate);

#[cfg(test)]
mod tests;
