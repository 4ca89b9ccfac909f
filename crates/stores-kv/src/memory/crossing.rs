//! The writes that cross directory and security family.

use async_trait::async_trait;

use portcullis_core::along::{Along, Refusal};
use portcullis_core::entity::{
    Enrolment, Erasure, IdentifierChange, Tenant, TenantSecurity, Unproved, User,
};
use portcullis_core::id::{
    TenantId, UserId, ensure_tenant_id_not_reserved, ensure_user_id_not_reserved,
};
use portcullis_core::identifier::Identifier;
use portcullis_core::store::{Activation, Crossing, WriteResult};

use super::directory::IdentifierTaken;
use super::state::{Owner, State};
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

impl State {
    fn prove(&mut self, owner: Owner, activation: &Activation) -> Result<(), Stop> {
        self.verify(owner, activation)?;
        let Some(spelling) = &activation.spelling else {
            return Ok(());
        };
        let is_theirs = |person: &User| person.tenant == owner.0;
        if self.users.get(&owner.1).is_some_and(is_theirs) {
            self.users.update(&owner.1, |person| {
                for held in &mut person.identifiers {
                    if held.kind == activation.kind && held.canonical == activation.canonical {
                        held.raw.clone_from(spelling);
                    }
                }
            });
        }
        Ok(())
    }

    fn change_identifier(&mut self, change: &IdentifierChange) -> Result<(), Stop> {
        let IdentifierChange {
            tenant,
            user,
            from,
            to,
            ..
        } = change;
        self.holder((*tenant, *user))?;
        let person = self
            .users
            .get(user)
            .filter(|person| person.tenant == *tenant);
        let mut identifiers = person.ok_or(Refusal::NotFound)?.identifiers.clone();
        let is_from =
            |held: &&mut Identifier| held.kind == from.kind && held.canonical == from.canonical;
        let held = identifiers.iter_mut().find(is_from);
        *held.ok_or(Refusal::Stale)? = to.clone();
        self.release_identifiers(*tenant, *user);
        self.claim_identifiers(*tenant, *user, &identifiers)
            .map_err(|IdentifierTaken| Refusal::IdentifierTaken)?;
        self.users
            .update(user, |person| person.identifiers = identifiers);
        self.change_verified(change)
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

    async fn prove(
        &self,
        tenant: TenantId,
        user: UserId,
        activation: &Activation,
        along: Along,
    ) -> WriteResult<()> {
        self.write(along, |state| state.prove((tenant, user), activation))
    }

    async fn change_identifier(&self, change: &IdentifierChange, along: Along) -> WriteResult<()> {
        self.write(along, |state| state.change_identifier(change))
    }

    async fn erase(&self, erasure: &Erasure, along: Along) -> WriteResult<()> {
        self.write(along, |state| {
            state.erase_account(erasure)?;
            state.remove_person(erasure.tenant, erasure.user);
            Ok(())
        })
    }

    async fn discard(&self, unproved: &Unproved, along: Along) -> WriteResult<()> {
        let Unproved { tenant, user, .. } = *unproved;
        self.write(along, |state| {
            state.close_unproved(unproved)?;
            state.remove_unproved((tenant, user))?;
            state.remove_person(tenant, user);
            Ok(())
        })
    }
}
