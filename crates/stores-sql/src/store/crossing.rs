//! The writes that cross directory and security family: one script each.

use async_trait::async_trait;
use portcullis_core::along::{Along, Refusal};
use portcullis_core::entity::{
    Enrolment, Erasure, IdentifierChange, Tenant, TenantSecurity, Unproved,
};
use portcullis_core::error::StoreError;
use portcullis_core::id::{
    TenantId, UserId, ensure_tenant_id_not_reserved, ensure_user_id_not_reserved,
};
use portcullis_core::store::{Activation, Crossing, WriteResult};

use super::SqlStore;
use super::accounts::{change_verified, verify};
use super::companions::{accompanied, lock_step};
use super::directory::{domain_steps, identifier_steps, remove_user_step, tenant_step, user_step};
use super::erasure::{close_unproved, erase_account, remove_unproved};
use super::opening::{open_account, open_tenant};
use crate::columns::Row;
use crate::driver::Driver;
use crate::script::{Script, Step};
use crate::value::values;

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

const SPELL: &str = "UPDATE identifiers SET raw = ? \
     WHERE tenant_id = ? AND user_id = ? AND kind = ? AND canonical = ?";

fn prove(
    script: &mut Script,
    tenant: TenantId,
    user: UserId,
    proof: &Activation,
) -> Result<(), StoreError> {
    verify(script, tenant, user, proof)?;
    if let Some(spelling) = &proof.spelling {
        let kind = proof.kind.as_str();
        let values = values![spelling, tenant, user, kind, &proof.canonical];
        script.step(Step::new("spell the identifier", SPELL, values));
    }
    Ok(())
}

const CHANGE_IDENTIFIER: &str = "UPDATE identifiers SET canonical = ?, raw = ? \
     WHERE tenant_id = ? AND user_id = ? AND kind = ? AND canonical = ?";
fn change(script: &mut Script, change: &IdentifierChange) {
    let IdentifierChange {
        tenant,
        user,
        from,
        to,
        ..
    } = change;
    let (tenant, user, kind) = (*tenant, *user, from.kind.as_str());
    script.turn_of(user);
    script.step(lock_step(tenant, user).one_or(Refusal::NotFound));
    let values = values![&to.canonical, &to.raw, tenant, user, kind, &from.canonical];
    let changed = Step::new("change the identifier", CHANGE_IDENTIFIER, values);
    let changed = changed.one_or_why(PERSON, values![tenant, user], not_held);
    script.step(changed.if_taken(Refusal::IdentifierTaken));
    change_verified(script, change);
}

const PERSON: &str = "SELECT 1 FROM users WHERE tenant_id = ? AND id = ?";

fn not_held(rows: &[Row]) -> Result<Refusal, StoreError> {
    Ok(match rows.first() {
        None => Refusal::NotFound,
        Some(_) => Refusal::Stale,
    })
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

    async fn prove(
        &self,
        tenant: TenantId,
        user: UserId,
        activation: &Activation,
        along: Along,
    ) -> WriteResult<()> {
        let script = accompanied(along, |script| prove(script, tenant, user, activation))?;
        Ok(self.driver.write(script).await?.map(drop))
    }

    async fn change_identifier(&self, change: &IdentifierChange, along: Along) -> WriteResult<()> {
        let script = accompanied(along, |script| {
            self::change(script, change);
            Ok(())
        })?;
        Ok(self.driver.write(script).await?.map(drop))
    }

    async fn erase(&self, erasure: &Erasure, along: Along) -> WriteResult<()> {
        let script = accompanied(along, |script| {
            erase_account(script, erasure);
            script.step(remove_user_step(erasure.tenant, erasure.user));
            Ok(())
        })?;
        Ok(self.driver.write(script).await?.map(drop))
    }

    async fn discard(&self, unproved: &Unproved, along: Along) -> WriteResult<()> {
        let Unproved { tenant, user, .. } = *unproved;
        let script = accompanied(along, |script| {
            close_unproved(script, unproved);
            remove_unproved(script, tenant, user);
            script.step(remove_user_step(tenant, user));
            Ok(())
        })?;
        Ok(self.driver.write(script).await?.map(drop))
    }
}
