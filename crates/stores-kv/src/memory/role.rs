//! Roles, in the row of the account.

use async_trait::async_trait;

use portcullis_core::along::{Along, Refusal};
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::role::Roles;
use portcullis_core::store::{RoleStore, WriteResult};

use super::MemoryStore;

#[async_trait]
impl RoleStore for MemoryStore {
    async fn set_roles(
        &self,
        tenant: TenantId,
        user: UserId,
        from: &Roles,
        to: &Roles,
        along: Along,
    ) -> WriteResult<()> {
        self.write(along, |state| {
            if state.holder((tenant, user))?.roles != *from {
                return Err(Refusal::Stale.into());
            }
            state
                .accounts
                .update(&user, |account| account.roles = to.clone());
            Ok(())
        })
    }
}
