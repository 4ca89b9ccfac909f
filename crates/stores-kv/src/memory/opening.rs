//! Where accounts and tenants begin in the security family.

use async_trait::async_trait;

use portcullis_core::along::{Along, Refusal};
use portcullis_core::entity::{Account, Epoch, NewAccount, TenantSecurity, VerifiedIdentifier};
use portcullis_core::factor::{Factor, FactorVersion};
use portcullis_core::id::{
    TenantId, UserId, ensure_tenant_id_not_reserved, ensure_user_id_not_reserved,
};
use portcullis_core::role::Roles;
use portcullis_core::state::{EntityState, Status};
use portcullis_core::store::{AccountOpening, WriteResult};

use super::state::{Owner, State};
use super::{MemoryStore, Stop};

impl State {
    pub(super) fn open_tenant(&mut self, security: &TenantSecurity) -> Result<(), Stop> {
        ensure_tenant_id_not_reserved(security.tenant).map_err(|_| Refusal::Reserved)?;
        if self.tenant_security.contains(&security.tenant) {
            return Err(Refusal::Exists.into());
        }
        self.tenant_security.put(security.tenant, security.clone());
        Ok(())
    }

    pub(super) fn open_account(&mut self, new: &NewAccount) -> Result<(), Stop> {
        ensure_user_id_not_reserved(new.user).map_err(|_| Refusal::Reserved)?;
        if !self.tenant_security.contains(&new.tenant) {
            return Err(Refusal::NotFound.into());
        }
        if self.accounts.contains(&new.user) {
            return Err(Refusal::Exists.into());
        }
        let account = Account {
            user: new.user,
            tenant: new.tenant,
            handle: new.handle.clone(),
            status: Status::new(new.state, new.now),
            epoch: Epoch::default(),
            last_sign_in: None,
            roles: Roles::default(),
            verified: proved(new),
        };
        self.accounts.put(new.user, account);
        if let Some(config) = &new.factor {
            let factor = Factor {
                config: config.clone(),
                version: FactorVersion(1),
                changed_at: new.now,
            };
            let owner = (new.tenant, new.user);
            self.factors.put((owner, config.kind()), factor);
        }
        Ok(())
    }
}

impl State {
    fn sign_up_again(&mut self, owner: Owner, handle: &str) -> Result<(), Stop> {
        let from = self.account(owner)?.status.state;
        if from != EntityState::Pending {
            return Err(Refusal::Transition { from }.into());
        }
        self.accounts
            .update(&owner.1, |account| account.handle = handle.to_owned());
        Ok(())
    }
}

fn proved(new: &NewAccount) -> Vec<VerifiedIdentifier> {
    let proved = new.verified.iter().map(|identifier| VerifiedIdentifier {
        kind: identifier.kind,
        canonical: identifier.canonical.clone(),
        at: new.now,
    });
    proved.collect()
}

#[async_trait]
impl AccountOpening for MemoryStore {
    async fn open_tenant(&self, security: &TenantSecurity, along: Along) -> WriteResult<()> {
        self.write(along, |state| state.open_tenant(security))
    }

    async fn open_account(&self, account: &NewAccount, along: Along) -> WriteResult<()> {
        self.write(along, |state| state.open_account(account))
    }

    async fn sign_up_again(
        &self,
        tenant: TenantId,
        user: UserId,
        handle: &str,
        along: Along,
    ) -> WriteResult<()> {
        self.write(along, |state| state.sign_up_again((tenant, user), handle))
    }
}
