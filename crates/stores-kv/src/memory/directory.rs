//! The directory family.

use async_trait::async_trait;
use serde_json::Value;

use portcullis_core::entity::{Tenant, TenantKey, User};
use portcullis_core::error::{StoreError, StoreErrorKind};
use portcullis_core::id::{
    TenantId, UserId, ensure_tenant_id_not_reserved, ensure_user_id_not_reserved,
};
use portcullis_core::identifier::Identifier;
use portcullis_core::store::{IdentityAdmin, IdentityLookup};

use super::MemoryStore;
use super::state::{IdentifierKey, State};

/// Somebody else has the identifier, or it is given twice.
pub(super) struct IdentifierTaken;

impl State {
    fn user(&self, tenant: TenantId, user: UserId) -> Option<&User> {
        self.users.get(&user).filter(|user| user.tenant == tenant)
    }

    fn tenant(&self, key: TenantKey<'_>) -> Option<&Tenant> {
        match key {
            TenantKey::Id(id) => self.tenants.get(&id),
            TenantKey::Slug(slug) => self.tenants.rows().find(|tenant| tenant.slug == slug),
            TenantKey::Domain(domain) => self
                .tenants
                .rows()
                .find(|tenant| tenant.domains.iter().any(|of| of == domain)),
        }
    }

    /// Whether id, slug or a domain is a tenant's already.
    pub(super) fn is_tenant_taken(&self, tenant: &Tenant) -> bool {
        self.tenants.rows().any(|there| {
            there.id == tenant.id
                || there.slug == tenant.slug
                || there.domains.iter().any(|of| tenant.domains.contains(of))
        })
    }

    /// Gives a person their identifiers.
    pub(super) fn claim_identifiers(
        &mut self,
        tenant: TenantId,
        user: UserId,
        identifiers: &[Identifier],
    ) -> Result<(), IdentifierTaken> {
        for identifier in identifiers {
            let key = key(tenant, identifier);
            if self.identifiers.contains(&key) {
                return Err(IdentifierTaken);
            }
            self.identifiers.put(key, user);
        }
        Ok(())
    }

    /// Removes a person and what they could be found by; says whether they were there.
    pub(super) fn remove_person(&mut self, tenant: TenantId, user: UserId) -> bool {
        if self.user(tenant, user).is_none() {
            return false;
        }
        self.release_identifiers(tenant, user);
        self.users.take(&user).is_some()
    }

    pub(super) fn release_identifiers(&mut self, tenant: TenantId, user: UserId) {
        let held: Vec<IdentifierKey> = self
            .user(tenant, user)
            .into_iter()
            .flat_map(|user| &user.identifiers)
            .map(|identifier| key(tenant, identifier))
            .collect();
        for key in held {
            self.identifiers.take(&key);
        }
    }
}

fn key(tenant: TenantId, identifier: &Identifier) -> IdentifierKey {
    (tenant, identifier.kind, identifier.canonical.clone())
}

fn conflict() -> StoreError {
    StoreError::new(StoreErrorKind::Conflict)
}

#[async_trait]
impl IdentityLookup for MemoryStore {
    async fn user(&self, tenant: TenantId, user: UserId) -> Result<Option<User>, StoreError> {
        self.read(|state| state.user(tenant, user).cloned())
    }

    async fn find_user(
        &self,
        tenant: TenantId,
        identifier: &Identifier,
    ) -> Result<Option<User>, StoreError> {
        self.read(|state| {
            let user = state.identifiers.get(&key(tenant, identifier))?;
            state.user(tenant, *user).cloned()
        })
    }

    async fn tenant(&self, key: TenantKey<'_>) -> Result<Option<Tenant>, StoreError> {
        self.read(|state| state.tenant(key).cloned())
    }
}

#[async_trait]
impl IdentityAdmin for MemoryStore {
    async fn users(
        &self,
        tenant: TenantId,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<User>, StoreError> {
        let limit = usize::try_from(limit.clamp(1, 1000)).unwrap_or(1000);
        self.read(|state| {
            state
                .users
                .rows()
                .filter(|user| user.tenant == tenant && after.is_none_or(|after| after < user.id))
                .take(limit)
                .cloned()
                .collect()
        })
    }

    async fn new_user_id(&self, _tenant: TenantId, offered: UserId) -> Result<UserId, StoreError> {
        Ok(offered)
    }

    async fn create_user(&self, user: &User) -> Result<(), StoreError> {
        self.change(|state| {
            if let Some(there) = state.users.get(&user.id) {
                let same = there.tenant == user.tenant;
                return if same { Ok(()) } else { Err(conflict()) };
            }
            ensure_user_id_not_reserved(user.id).map_err(|_| conflict())?;
            if !state.tenants.contains(&user.tenant) {
                return Err(conflict());
            }
            state
                .claim_identifiers(user.tenant, user.id, &user.identifiers)
                .map_err(|IdentifierTaken| conflict())?;
            state.users.put(user.id, user.clone());
            Ok(())
        })
    }

    async fn set_identifiers(
        &self,
        tenant: TenantId,
        user: UserId,
        identifiers: &[Identifier],
    ) -> Result<bool, StoreError> {
        self.change(|state| {
            if state.user(tenant, user).is_none() {
                return Ok(false);
            }
            state.release_identifiers(tenant, user);
            state
                .claim_identifiers(tenant, user, identifiers)
                .map_err(|IdentifierTaken| conflict())?;
            let identifiers = identifiers.to_vec();
            Ok(state
                .users
                .update(&user, |user| user.identifiers = identifiers))
        })
    }

    async fn set_profile(
        &self,
        tenant: TenantId,
        user: UserId,
        profile: &Value,
    ) -> Result<bool, StoreError> {
        self.change(|state| {
            if state.user(tenant, user).is_none() {
                return Ok(false);
            }
            let profile = profile.clone();
            Ok(state.users.update(&user, |user| user.profile = profile))
        })
    }

    async fn remove_user(&self, tenant: TenantId, user: UserId) -> Result<bool, StoreError> {
        self.change(|state| Ok(state.remove_person(tenant, user)))
    }

    async fn insert_tenant(&self, tenant: &Tenant) -> Result<(), StoreError> {
        self.change(|state| {
            if state.tenants.contains(&tenant.id) {
                return Ok(());
            }
            ensure_tenant_id_not_reserved(tenant.id).map_err(|_| conflict())?;
            if state.is_tenant_taken(tenant) {
                return Err(conflict());
            }
            state.tenants.put(tenant.id, tenant.clone());
            Ok(())
        })
    }

    async fn rename_tenant(&self, tenant: TenantId, name: &str) -> Result<bool, StoreError> {
        let name = name.to_owned();
        self.change(|state| Ok(state.tenants.update(&tenant, |tenant| tenant.name = name)))
    }
}
