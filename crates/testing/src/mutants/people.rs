//! Somebody else found.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use portcullis_core::along::Along;
use portcullis_core::entity::{IdentifierChange, Tenant, User};
use portcullis_core::error::StoreError;
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::identifier::Identifier;
use portcullis_core::store::{Crossing, IdentityAdmin, WriteResult};

use super::mutant;
use crate::wrap::Around;

mutant! {
    /// Finds a person by identifier whatever the case, as a database does whose collation ignores it.
    ///
    /// Caught by [`people::an_identifier_is_found_to_the_letter`][case].
    ///
    /// [case]: crate::conformance::people::an_identifier_is_found_to_the_letter
    CaseFoldingIdentifiers { known: Mutex<Vec<Identifier>> }
}

impl<S> CaseFoldingIdentifiers<S> {
    fn known(&self) -> MutexGuard<'_, Vec<Identifier>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The identifiers that were once given and differ from this one in case alone.
    fn alike(&self, wanted: &Identifier) -> Vec<Identifier> {
        let canonical = wanted.canonical.to_lowercase();
        let alike = |known: &&Identifier| {
            known.kind == wanted.kind && known.canonical.to_lowercase() == canonical
        };
        self.known().iter().filter(alike).cloned().collect()
    }
}

#[async_trait]
impl<S: IdentityAdmin> Around for CaseFoldingIdentifiers<S> {
    type Store = S;

    fn store(&self) -> &S {
        &self.store
    }

    async fn create_user(&self, user: &User) -> Result<(), StoreError> {
        self.known().extend(user.identifiers.iter().cloned());
        self.store.create_user(user).await
    }

    async fn find_user(
        &self,
        tenant: TenantId,
        identifier: &Identifier,
    ) -> Result<Option<User>, StoreError> {
        let found = self.store.find_user(tenant, identifier).await?;
        if found.is_some() {
            return Ok(found);
        }
        for alike in self.alike(identifier) {
            let found = self.store.find_user(tenant, &alike).await?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

mutant! {
    /// Finds a person by id in whatever tenant they are.
    ///
    /// Caught by [`people::a_person_of_another_tenant_is_nobody`][case].
    ///
    /// [case]: crate::conformance::people::a_person_of_another_tenant_is_nobody
    WrongTenant { tenants: Mutex<Vec<TenantId>> }
}

impl<S> WrongTenant<S> {
    fn tenants(&self) -> MutexGuard<'_, Vec<TenantId>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl<S: IdentityAdmin> Around for WrongTenant<S> {
    type Store = S;

    fn store(&self) -> &S {
        &self.store
    }

    async fn insert_tenant(&self, tenant: &Tenant) -> Result<(), StoreError> {
        self.tenants().push(tenant.id);
        self.store.insert_tenant(tenant).await
    }

    async fn user(&self, tenant: TenantId, user: UserId) -> Result<Option<User>, StoreError> {
        let elsewhere = self.tenants().clone();
        for tenant in [tenant].into_iter().chain(elsewhere) {
            let found = self.store.user(tenant, user).await?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

mutant! {
    /// Changes an identifier and does not use up the token that allows it.
    ///
    /// Caught by [`identifier_change::a_change_spends_its_token_once`][case].
    ///
    /// [case]: crate::conformance::identifier_change::a_change_spends_its_token_once
    ChangeWithoutToken {}
}

#[async_trait]
impl<S: Crossing> Around for ChangeWithoutToken<S> {
    type Store = S;

    fn store(&self) -> &S {
        &self.store
    }

    async fn change_identifier(
        &self,
        change: &IdentifierChange,
        mut along: Along,
    ) -> WriteResult<()> {
        along.spend = None;
        self.store.change_identifier(change, along).await
    }
}
