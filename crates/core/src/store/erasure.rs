//! What becomes of accounts that are closed, or were never proved.

use async_trait::async_trait;

use super::WriteResult;
use crate::along::Along;
use crate::entity::{EndAll, EndedAll, Erasure, TenantSecurity, Unproved};
use crate::error::StoreError;
use crate::id::{TenantId, UserId};
use crate::time::Timestamp;

/// What operators read as the reason of an account that is closed because nobody proved it; it is removed next.
pub const NEVER_PROVED: &str = "never proved";

/// Whose turn it is, and a place in the list of those: longest first, and by id among those of one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// Since when their account is in its state.
    pub since: Timestamp,
    /// Who.
    pub user: UserId,
}

impl Due {
    /// Before everybody.
    pub const FIRST: Self = Self {
        since: Timestamp::from_micros(i64::MIN),
        user: UserId::SYSTEM,
    };
}

/// The security half of erasing and discarding people, and whose turn it is.
///
/// Laws, beside those of the traits around it:
///
/// - **ERA-1 Nothing of the person is left.** No factor, proof, API token, refresh family, link, waiting mail or count of
///   attempts; no name to show.
/// - **ERA-2 The id stays taken.** An archived account is a tombstone: it never changes again, takes nothing new, and
///   nobody is enrolled under its id.
/// - **ERA-3 The audit log loses nobody's deeds.** Every event stays, with its id, time, kind, end, reason, subject and
///   actor. Those about the person lose address, user agent, request id and detail; those they did to others lose address,
///   user agent and request id. Other events do not change, and nothing else ever changes an event.
/// - **ERA-4 What proved itself stays.** An account that proves an identifier while it is discarded is either proved or
///   gone, whole.
#[async_trait]
pub trait AccountErasure: Send + Sync + 'static {
    /// People of a tenant whose accounts are terminated since `closed_by` or longer, longest first, those after `after`,
    /// at most `limit`.
    async fn closed_accounts(
        &self,
        tenant: TenantId,
        closed_by: Timestamp,
        after: Option<Due>,
        limit: u32,
    ) -> Result<Vec<Due>, StoreError>;

    /// People of a tenant whose accounts [`close_unproved`](AccountErasure::close_unproved) would close, or has closed
    /// and [`remove_unproved`](AccountErasure::remove_unproved) has not removed; longest first, those after `after`, at
    /// most `limit`.
    async fn unproved_accounts(
        &self,
        tenant: TenantId,
        pending_since: Timestamp,
        now: Timestamp,
        after: Option<Due>,
        limit: u32,
    ) -> Result<Vec<Due>, StoreError>;

    /// Erases what is kept about somebody whose account is terminated, and archives the account. `erasure` says how they
    /// could be found; what their own links say of it is erased as well.
    ///
    /// Refused with `NotFound` for nobody, `Transition` where the account is not terminated, `Reserved` for the system's
    /// id.
    async fn erase_account(&self, erasure: &Erasure, along: Along) -> WriteResult<()>;

    /// Closes an account that is pending since `pending_since` or longer, with no identifier proved and no link that
    /// could still prove one. Its epoch moves, and its reason is [`NEVER_PROVED`].
    ///
    /// Refused with `NotFound` for nobody, `Transition` where it is not pending, `Stale` where it may not go.
    async fn close_unproved(&self, unproved: &Unproved, along: Along) -> WriteResult<()>;

    /// Removes the row of an account that [`close_unproved`](AccountErasure::close_unproved) closed, and everything of
    /// its. It is the one account that goes without a tombstone: nothing was ever behind it, and the directory gives its id
    /// to nobody else.
    ///
    /// Refused with `NotFound` for nobody, `Transition` for any other account.
    async fn remove_unproved(
        &self,
        tenant: TenantId,
        user: UserId,
        along: Along,
    ) -> WriteResult<()>;
}

/// Reads and writes across tenants, for background work and operators.
#[async_trait]
pub trait AnyTenant: Send + Sync + 'static {
    /// State and policy of every tenant by id, those after `after`, at most `limit`.
    async fn tenants_security(
        &self,
        after: Option<TenantId>,
        limit: u32,
    ) -> Result<Vec<TenantSecurity>, StoreError>;

    /// Ends what the people of a batch are signed in with, in whatever state their accounts are: each epoch moves on by
    /// [`Epoch::LEAP`](crate::entity::Epoch::LEAP), and with `batch.api_tokens` their live API tokens are revoked. The first
    /// batch also supersedes every live link, those that are nobody's too. Whoever is enrolled meanwhile is in the batch or
    /// in a later one, or has nothing to end.
    async fn end_all(&self, batch: &EndAll, along: Along) -> WriteResult<EndedAll>;
}
