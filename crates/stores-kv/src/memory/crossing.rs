//! The writes that cross directory and security family.

use async_trait::async_trait;

use portcullis_core::along::{Along, Refusal};
use portcullis_core::entity::{
    Account, Enrolment, Epoch, Tenant, TenantSecurity, VerifiedIdentifier,
};
use portcullis_core::factor::{Factor, FactorVersion};
use portcullis_core::id::{ensure_tenant_id_not_reserved, ensure_user_id_not_reserved};
use portcullis_core::state::Status;
use portcullis_core::store::{Crossing, WriteResult};

use super::directory::IdentifierTaken;
use super::state::State;
use super::{MemoryStore, Stop};

impl State {
    fn create_tenant(&mut self, tenant: &Tenant, security: &TenantSecurity) -> Result<(), Stop> {
        ensure_tenant_id_not_reserved(tenant.id).map_err(|_| Refusal::Reserved)?;
        let taken = self.tenants.rows().any(|there| {
            there.id == tenant.id
                || there.slug == tenant.slug
                || there.domains.iter().any(|of| tenant.domains.contains(of))
        });
        if taken || self.tenant_security.contains(&tenant.id) {
            return Err(Refusal::Exists.into());
        }
        self.tenants.put(tenant.id, tenant.clone());
        self.tenant_security.put(tenant.id, security.clone());
        Ok(())
    }

    fn enrol(&mut self, enrolment: &Enrolment) -> Result<(), Stop> {
        let user = &enrolment.user;
        let owner = (user.tenant, user.id);
        ensure_user_id_not_reserved(user.id).map_err(|_| Refusal::Reserved)?;
        if !self.tenants.contains(&user.tenant) {
            return Err(Refusal::NotFound.into());
        }
        if self.users.contains(&user.id) || self.accounts.contains(&user.id) {
            return Err(Refusal::Exists.into());
        }
        self.claim_identifiers(user.tenant, user.id, &user.identifiers)
            .map_err(|IdentifierTaken| Refusal::IdentifierTaken)?;
        self.users.put(user.id, user.clone());
        let account = Account {
            user: user.id,
            tenant: user.tenant,
            handle: enrolment.handle.clone(),
            status: Status::new(enrolment.state, enrolment.now),
            epoch: Epoch::default(),
            last_sign_in: None,
            verified: proved(enrolment),
        };
        self.accounts.put(user.id, account);
        if let Some(config) = &enrolment.factor {
            let factor = Factor {
                config: config.clone(),
                version: FactorVersion(1),
                changed_at: enrolment.now,
            };
            self.factors.put((owner, config.kind()), factor);
        }
        Ok(())
    }
}

fn proved(enrolment: &Enrolment) -> Vec<VerifiedIdentifier> {
    let identifiers = enrolment
        .user
        .identifiers
        .iter()
        .filter(|_| enrolment.verified);
    identifiers
        .map(|identifier| VerifiedIdentifier {
            kind: identifier.kind,
            canonical: identifier.canonical.clone(),
            at: enrolment.now,
        })
        .collect()
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
