//! Somebody else's change of roles.

use async_trait::async_trait;
use portcullis_core::along::{Along, Refusal, Write};
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::role::Roles;
use portcullis_core::store::{AccountStore, RoleStore, WriteResult};

use super::mutant;
use crate::wrap::Around;

mutant! {
    /// Sets roles whatever the caller saw, so that a role that was just taken comes back.
    ///
    /// Caught by [`roles::roles_are_set_by_who_names_those_there`][case].
    ///
    /// [case]: crate::conformance::roles::roles_are_set_by_who_names_those_there
    RolesOverwritten {}
}

#[async_trait]
impl<S: RoleStore + AccountStore> Around for RolesOverwritten<S> {
    type Store = S;

    fn store(&self) -> &S {
        &self.store
    }

    async fn set_roles(
        &self,
        tenant: TenantId,
        user: UserId,
        _from: &Roles,
        to: &Roles,
        along: Along,
    ) -> WriteResult<()> {
        let Some(subject) = self.store.subject_state(tenant, user).await? else {
            return Ok(Write::Refused(Refusal::NotFound));
        };
        let there = &subject.roles;
        self.store.set_roles(tenant, user, there, to, along).await
    }
}
