//! The writes that cross directory and security family: one script each.

use async_trait::async_trait;
use portcullis_core::along::{Along, Refusal};
use portcullis_core::entity::{Enrolment, Tenant, TenantSecurity};
use portcullis_core::error::StoreError;
use portcullis_core::id::{ensure_tenant_id_not_reserved, ensure_user_id_not_reserved};
use portcullis_core::store::{Crossing, WriteResult};

use super::SqlStore;
use super::accounts::verify_step;
use super::companions::accompanied;
use super::directory::{identifier_steps, user_step};
use super::factors::insert_factor_step;
use super::tenants::security_step;
use crate::driver::Driver;
use crate::script::{Script, Step};
use crate::value::values;

const INSERT_TENANT: &str = "INSERT INTO tenants (id, slug, name) VALUES (?, ?, ?)";
const INSERT_DOMAIN: &str =
    "INSERT INTO tenant_domains (domain, tenant_id, place) VALUES (?, ?, ?)";

fn create(
    script: &mut Script,
    tenant: &Tenant,
    security: &TenantSecurity,
) -> Result<(), StoreError> {
    if ensure_tenant_id_not_reserved(tenant.id).is_err() {
        script.refuse(Refusal::Reserved);
        return Ok(());
    }
    let values = values![tenant.id, &tenant.slug, &tenant.name];
    let insert = Step::new("insert the tenant", INSERT_TENANT, values);
    script.step(insert.if_taken(Refusal::Exists));
    for (place, domain) in (0_u32..).zip(&tenant.domains) {
        let values = values![domain, tenant.id, place];
        let insert = Step::new("insert a domain", INSERT_DOMAIN, values);
        script.step(insert.if_taken(Refusal::Exists));
    }
    script.step(security_step(tenant.id, security)?);
    Ok(())
}

const INSERT_ACCOUNT: &str = "INSERT INTO accounts \
     (tenant_id, user_id, handle, state, state_since, epoch) VALUES (?, ?, ?, ?, ?, 0)";

fn enrol(script: &mut Script, enrolment: &Enrolment) -> Result<(), StoreError> {
    let user = &enrolment.user;
    if ensure_user_id_not_reserved(user.id).is_err() {
        script.refuse(Refusal::Reserved);
        return Ok(());
    }
    script.step(user_step(user)?.if_taken(Refusal::Exists));
    let values = values![
        user.tenant,
        user.id,
        &enrolment.handle,
        enrolment.state.as_str(),
        enrolment.now,
    ];
    let account = Step::new("insert the account", INSERT_ACCOUNT, values);
    script.step(account.if_taken(Refusal::Exists));
    for step in identifier_steps(user.tenant, user.id, &user.identifiers) {
        script.step(step.if_taken(Refusal::IdentifierTaken));
    }
    for identifier in user.identifiers.iter().filter(|_| enrolment.verified) {
        script.step(verify_step(
            user.tenant,
            user.id,
            identifier.kind,
            &identifier.canonical,
            enrolment.now,
        ));
    }
    if let Some(config) = &enrolment.factor {
        let step = insert_factor_step(user.tenant, user.id, config, enrolment.now)?;
        script.step(step);
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
