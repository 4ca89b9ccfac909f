//! The security half of what crosses the families: accounts and tenants begin here, whoever keeps the directory.

use async_trait::async_trait;

use super::WriteResult;
use crate::along::Along;
use crate::entity::{NewAccount, TenantSecurity};
use crate::id::{TenantId, UserId};

/// Opens accounts for people, and security rows for tenants, that a directory knows.
///
/// A store that keeps no directory cannot tell whether anybody has the id; the caller makes sure, before it opens the
/// account. What is opened once stays: an id that had an account never gets another, so that nobody comes into
/// somebody else's.
#[async_trait]
pub trait AccountOpening: Send + Sync + 'static {
    /// Adds state and policy of a tenant.
    ///
    /// Refused with `Exists` where the tenant has them (N callers at once: one wins), `Reserved` for the system's id.
    async fn open_tenant(&self, security: &TenantSecurity, along: Along) -> WriteResult<()>;

    /// Opens an account, with the first factor and the proved identifiers it comes with.
    ///
    /// Refused with `Exists` where the id has an account in this or another tenant (N callers at once: one wins),
    /// `Reserved` for the system's id, `NotFound` for a tenant without security row.
    async fn open_account(&self, account: &NewAccount, along: Along) -> WriteResult<()>;

    /// A newer sign-up takes the place of the one that a pending account came from: the handle, the address as it was
    /// typed, says from now on where the account's mail goes.
    ///
    /// Refused with `NotFound` for nobody, `Transition` where the account is not pending.
    async fn sign_up_again(
        &self,
        tenant: TenantId,
        user: UserId,
        handle: &str,
        along: Along,
    ) -> WriteResult<()>;
}
