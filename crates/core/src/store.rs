//! Store traits, in families. A family is a consistency boundary: rows that must change together belong to one family,
//! one handle, one database. Every method is atomic by itself, against process death and against N callers at once.
//!
//! Laws for every implementation:
//!
//! - **No clock, no randomness.** `now`, ids, digests and deadlines come from the caller. Two stores given the same
//!   calls give the same answers.
//! - **The tenant is in every key.** A wrong tenant looks exactly like "does not exist".
//! - **"Not found" is `None` or [`Refusal::NotFound`](crate::along::Refusal::NotFound)**, never an error;
//!   [`StoreError`] is a failure.
//! - **[`Along`](crate::along::Along) commits with its effect or not at all.** Within it the order is: the token is
//!   spent, the password of before is kept, the effect happens, the epoch moves, failures are forgotten, the new token
//!   supersedes the older ones, events and mail are appended.
//! - **Cancellation is safe.** A caller that goes away leaves the write done or not done, never half.

mod access;
mod directory;
mod ephemeral;
mod erasure;
mod history;
mod kv;
mod methods;
mod opening;
mod refresh;
mod role;
mod security;
mod session;
mod split;
mod ticket;

pub use access::{ApiTokenStore, AuditQuery, OutboxStore, VerificationStore};
pub use directory::{Crossing, IdentityAdmin, IdentityLookup};
pub use ephemeral::{LimitKey, RateLimit, RateLimitStore, Taken};
pub use erasure::{AccountErasure, AnyTenant, Due, NEVER_PROVED};
pub use history::PasswordHistory;
pub use kv::{ANY_TIME, KeyValueStore, KvCheck, KvCommit, KvEntry, KvWrite, Part};
pub use opening::AccountOpening;
pub use refresh::RefreshStore;
pub use role::RoleStore;
pub use security::{
    AccountStore, Activation, AttemptKey, AttemptPurpose, FactorStore, IdentityAuthnLog,
    Reservation, Settlement,
};
pub use session::{ResolveSession, SessionInsert, SessionRotation, SessionStore};
pub use split::{Split, SplitResolve};
pub use ticket::{Ticket, TicketIssue, TicketKind, TicketStore};

use crate::along::Write;
use crate::error::StoreError;

/// What most writes of the security family return.
pub type WriteResult<T> = Result<Write<T>, StoreError>;

/// Everything that portcullis keeps about people, in one store.
pub trait SecurityStore:
    AccountOpening
    + AccountStore
    + IdentityAuthnLog
    + FactorStore
    + VerificationStore
    + ApiTokenStore
    + RefreshStore
    + RoleStore
    + OutboxStore
    + AccountErasure
    + AnyTenant
{
}

impl<S> SecurityStore for S where
    S: AccountOpening
        + AccountStore
        + IdentityAuthnLog
        + FactorStore
        + VerificationStore
        + ApiTokenStore
        + RefreshStore
        + RoleStore
        + OutboxStore
        + AccountErasure
        + AnyTenant
        + ?Sized
{
}

/// Both families in one store, and the writes that cross them.
#[doc(alias = "UserStore")]
pub trait IdentityStore: IdentityAdmin + SecurityStore + Crossing {}

impl<S> IdentityStore for S where S: IdentityAdmin + SecurityStore + Crossing + ?Sized {}
