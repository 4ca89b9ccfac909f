//! The writes that cross directory and security family.

use async_trait::async_trait;

use portcullis_core::along::{Along, Refusal};
use portcullis_core::entity::{Enrolment, Tenant, TenantSecurity};
use portcullis_core::id::{ensure_tenant_id_not_reserved, ensure_user_id_not_reserved};
use portcullis_core::store::{Crossing, WriteResult};

use super::directory::IdentifierTaken;
use super::state::State;
use super::{MemoryStore, Stop};

impl State {
    fn create_tenant(&mut self, tenant: &Tenant, security: &TenantSecurity) -> Result<(), Stop> {
        ensure_tenant_id_not_reserved(tenant.id).map_err(|_| Refusal::Reserved)?;
        if self.is_tenant_taken(tenant) {
            return Err(Refusal::Exists.into());
        }
        self.tenants.put(tenant.id, tenant.clone());
        self.open_tenant(security)
    }

    fn enrol(&mut self, enrolment: &Enrolment) -> Result<(), Stop> {
        let user = &enrolment.user;
        ensure_user_id_not_reserved(user.id).map_err(|_| Refusal::Reserved)?;
        if !self.tenants.contains(&user.tenant) {
            return Err(Refusal::NotFound.into());
        }
        if self.users.contains(&user.id) {
            return Err(Refusal::Exists.into());
        }
        self.open_account(&enrolment.account())?;
        self.claim_identifiers(user.tenant, user.id, &user.identifiers)
            .map_err(|IdentifierTaken| Refusal::IdentifierTaken)?;
        self.users.put(user.id, user.clone());
        Ok(())
    }
}

#[async_trait]
impl Crossing for MemoryStore {
    async fn create_tenant(
        &self,
        tenant: &Tenant,
        security: &TenantSecurity,
        along: Along,
    ) -> WriteResult<()> {
        self.write(along, |state| state.create_tenant(tenant, security))
    }

    async fn enrol(&self, enrolment: &Enrolment, along: Along) -> WriteResult<()> {
        self.write(along, |state| state.enrol(enrolment))
    }
}
