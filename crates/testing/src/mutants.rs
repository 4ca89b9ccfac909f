//! Stores that break one law each, and the case of the [conformance suite](mod@crate::conformance) that notices.
//!
//! Each is a wrapper around a store that keeps the law: `ForgetsExpiry::around(store)`. They show that the suite has
//! teeth. Write your own with [`Around`] when a store of yours had a fault that no case found:
//!
//! ```
//! use async_trait::async_trait;
//! use portcullis_core::error::StoreError;
//! use portcullis_core::id::{SessionId, TenantId, UserId};
//! use portcullis_core::store::SessionStore;
//! use portcullis_core::time::Timestamp;
//! use portcullis_testing::Around;
//!
//! /// Says that a session is ended, and does not end it.
//! struct EndsNothing<S>(S);
//!
//! #[async_trait]
//! impl<S: SessionStore> Around for EndsNothing<S> {
//!     type Store = S;
//!
//!     fn store(&self) -> &S {
//!         &self.0
//!     }
//!
//!     async fn revoke_session(
//!         &self,
//!         _tenant: TenantId,
//!         _user: UserId,
//!         _id: SessionId,
//!         _now: Timestamp,
//!     ) -> Result<bool, StoreError> {
//!         Ok(true)
//!     }
//! }
//! ```

mod companions;
mod concurrency;
mod erasure;
mod history;
mod listings;
mod opening;
mod people;
mod roles;
mod sessions;
mod tickets;
mod tokens;

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

pub use companions::{
    EffectWithoutEvent, EpochNotMoved, MailLost, NotForgiven, RefusedButCommitted,
};
pub use concurrency::{ClaimedTwice, CountThenInsert, LostUpdate};
pub use erasure::{EndsNoLinks, ErasesTheSurface, LookThenDiscard};
pub use history::{NotRemembered, RememberedApart};
pub use listings::NewestFirstForgotten;
pub use opening::OpensTwice;
pub use people::{CaseFoldingIdentifiers, ChangeWithoutToken, WrongTenant};
pub use roles::RolesOverwritten;
pub use sessions::{IdReuse, ResurrectingRename, ResurrectingTouch, RotatesOldName};
pub use tickets::LookThenTake;
pub use tokens::{ForgetsExpiry, KindsMixedUp, NonAtomicConsume, SupersedeForgotten};

#[cfg(doc)]
use crate::wrap::Around;

/// Defines a mutant: the store inside, and what it remembers.
macro_rules! mutant {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $ty:ty),* }) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name<S> {
            store: S,
            $($field: $ty,)*
        }

        impl<S> $name<S>
        where
            Self: $crate::wrap::Around,
        {
            /// The mutant, around a store that keeps the law.
            pub fn around(store: S) -> $crate::wrap::Wrapped<Self> {
                $crate::wrap::Wrapped::new(Self { store, $($field: Default::default(),)* })
            }
        }
    };
}

use mutant;

/// Runs a case of the conformance suite; whether it failed, as it must on a mutant.
///
/// The case's panic is caught here. On a runtime of one thread the test harness keeps its message to itself.
pub async fn is_caught(case: impl Future<Output = ()>) -> bool {
    let mut case = pin!(case);
    poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| case.as_mut().poll(context)));
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(())) => Poll::Ready(false),
            Err(_panic) => Poll::Ready(true),
        }
    })
    .await
}

/// Leaves the others room between a look and the write that follows it.
async fn let_others_look() {
    let mut looked = false;
    poll_fn(|context| {
        if looked {
            return Poll::Ready(());
        }
        looked = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
