//! Roles of people.
//!
//! Laws for every implementation, beside those of [`store`](crate::store); the conformance group `roles` holds them:
//!
//! - **RO-1 Roles are read with the subject**: in [`SubjectState`](crate::entity::SubjectState), whatever it is read
//!   with, so that a change counts at the next request.
//! - **RO-2 Whoever changes roles names those they saw.** Of N callers who saw the same, one wins.
//! - **RO-3 Nothing else changes them**: no state, no factor, no moved epoch.

use async_trait::async_trait;

use super::WriteResult;
use crate::along::Along;
use crate::id::{TenantId, UserId};
use crate::role::Roles;

/// Roles of people.
#[async_trait]
pub trait RoleStore: Send + Sync + 'static {
    /// Puts `to` in the place of the roles `from`. Refused with `Stale` where the person has others, `NotFound` for
    /// nobody.
    async fn set_roles(
        &self,
        tenant: TenantId,
        user: UserId,
        from: &Roles,
        to: &Roles,
        along: Along,
    ) -> WriteResult<()>;
}
