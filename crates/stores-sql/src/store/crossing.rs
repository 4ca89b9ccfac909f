//! The writes that cross directory and security family: one script each.

use async_trait::async_trait;
use portcullis_core::along::{Along, Refusal};
use portcullis_core::entity::{Enrolment, Tenant, TenantSecurity};
use portcullis_core::error::StoreError;
use portcullis_core::id::{ensure_tenant_id_not_reserved, ensure_user_id_not_reserved};
use portcullis_core::store::{Crossing, WriteResult};

use super::SqlStore;
use super::companions::accompanied;
use super::directory::{domain_steps, identifier_steps, tenant_step, user_step};
use super::opening::{open_account, open_tenant};
use crate::driver::Driver;
use crate::script::Script;

fn create(
    script: &mut Script,
    tenant: &Tenant,
    security: &TenantSecurity,
) -> Result<(), StoreError> {
    if ensure_tenant_id_not_reserved(tenant.id).is_err() {
        script.refuse(Refusal::Reserved);
        return Ok(());
    }
    let tenant_and_domains = std::iter::once(tenant_step(tenant)).chain(domain_steps(tenant));
    for step in tenant_and_domains {
        script.step(step.if_taken(Refusal::Exists));
    }
    open_tenant(script, security)
}

fn enrol(script: &mut Script, enrolment: &Enrolment) -> Result<(), StoreError> {
    let user = &enrolment.user;
    if ensure_user_id_not_reserved(user.id).is_err() {
        script.refuse(Refusal::Reserved);
        return Ok(());
    }
    script.step(user_step(user)?.if_taken(Refusal::Exists));
    open_account(script, &enrolment.account())?;
    for step in identifier_steps(user.tenant, user.id, &user.identifiers) {
        script.step(step.if_taken(Refusal::IdentifierTaken));
    }
    Ok(())
}

#[async_trait]
impl<D: Driver> Crossing for SqlStore<D> {
    async fn create_tenant(
        &self,
        tenant: &Tenant,
        security: &TenantSecurity,
        along: Along,
    ) -> WriteResult<()> {
        let script = accompanied(along, |script| create(script, tenant, security))?;
        Ok(self.driver.write(script).await?.map(drop))
    }

    async fn enrol(&self, enrolment: &Enrolment, along: Along) -> WriteResult<()> {
        let script = accompanied(along, |script| enrol(script, enrolment))?;
        Ok(self.driver.write(script).await?.map(drop))
    }
}
