//! Accounts and tenants: state, epoch, what is proved.

use async_trait::async_trait;

use portcullis_core::along::{Along, Refusal};
use portcullis_core::entity::{
    Account, Epoch, IdentifierChange, SubjectState, TenantSecurity, VerifiedIdentifier,
};
use portcullis_core::error::StoreError;
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::identifier::Identifier;
use portcullis_core::state::{EntityState, Status};
use portcullis_core::store::{AccountStore, Activation, WriteResult};
use portcullis_core::time::Timestamp;

use super::state::{Owner, State};
use super::{MemoryStore, Stop};

impl State {
    fn set_state(&mut self, owner: Owner, to: &Status) -> Result<(), Stop> {
        let account = self.account(owner)?;
        allow(&account.status, to)?;
        self.accounts
            .update(&owner.1, |account| account.status = to.clone());
        Ok(())
    }

    pub(super) fn verify(&mut self, owner: Owner, activation: &Activation) -> Result<(), Stop> {
        let account = self.account(owner)?;
        let from = account.status.effective_at(activation.now);
        if let Some(spelling) = &activation.spelling {
            if from != EntityState::Pending {
                return Err(Refusal::Transition { from }.into());
            }
            if account.handle != *spelling {
                return Err(Refusal::Stale.into());
            }
        }
        let activates = match from {
            _ if !activation.activate => {
                self.holder(owner)?;
                if from == EntityState::Terminated {
                    return Err(Refusal::Transition { from }.into());
                }
                false
            }
            EntityState::Candidate | EntityState::Pending => true,
            EntityState::Active => false,
            from => return Err(Refusal::Transition { from }.into()),
        };
        self.accounts.update(&owner.1, |account| {
            if activates {
                account.status = Status::new(EntityState::Active, activation.now);
            }
            let proved = account.verified.iter().any(|proved| {
                proved.kind == activation.kind && proved.canonical == activation.canonical
            });
            if !proved {
                account.verified.push(VerifiedIdentifier {
                    kind: activation.kind,
                    canonical: activation.canonical.clone(),
                    at: activation.now,
                });
            }
        });
        if let Some(config) = &activation.factor {
            self.set_factor(owner, config, activation.now)?;
        }
        Ok(())
    }

    pub(super) fn change_verified(&mut self, change: &IdentifierChange) -> Result<(), Stop> {
        let IdentifierChange { from, to, now, .. } = change;
        self.holder((change.tenant, change.user))?;
        self.accounts.update(&change.user, |account| {
            if account.handle == from.raw {
                account.handle.clone_from(&to.raw);
            }
            change_proof(&mut account.verified, from, to, *now);
        });
        Ok(())
    }

    fn set_tenant_security(&mut self, security: &TenantSecurity) -> Result<(), Stop> {
        let there = self
            .tenant_security
            .get(&security.tenant)
            .ok_or(Refusal::NotFound)?;
        if there.status.state != security.status.state {
            allow(&there.status, &security.status)?;
        }
        self.tenant_security.put(security.tenant, security.clone());
        Ok(())
    }
}

/// The proof of the old one becomes that of the new one, in its place.
fn change_proof(
    verified: &mut Vec<VerifiedIdentifier>,
    from: &Identifier,
    to: &Identifier,
    now: Timestamp,
) {
    let is = |proved: &VerifiedIdentifier, identifier: &Identifier| {
        proved.kind == identifier.kind && proved.canonical == identifier.canonical
    };
    if verified.iter().any(|proved| is(proved, from)) {
        verified.retain(|proved| is(proved, from) || !is(proved, to));
        for proved in verified.iter_mut().filter(|proved| is(proved, from)) {
            proved.canonical = to.canonical.clone();
            proved.at = now;
        }
    } else if !verified.iter().any(|proved| is(proved, to)) {
        verified.push(VerifiedIdentifier {
            kind: to.kind,
            canonical: to.canonical.clone(),
            at: now,
        });
    }
}

/// Whether the table of transitions has the step, seen from the moment it is made: a suspension whose end has come is
/// over.
fn allow(there: &Status, to: &Status) -> Result<(), Refusal> {
    let from = there.effective_at(to.detail.since);
    if from.may_become(to.state) {
        Ok(())
    } else {
        Err(Refusal::Transition { from })
    }
}

#[async_trait]
impl AccountStore for MemoryStore {
    async fn account(&self, tenant: TenantId, user: UserId) -> Result<Option<Account>, StoreError> {
        self.read(|state| state.find_account((tenant, user)).cloned())
    }

    async fn subject_state(
        &self,
        tenant: TenantId,
        user: UserId,
    ) -> Result<Option<SubjectState>, StoreError> {
        self.read(|state| state.subject((tenant, user)))
    }

    async fn set_state(
        &self,
        tenant: TenantId,
        user: UserId,
        to: &Status,
        along: Along,
    ) -> WriteResult<()> {
        self.write(along, |state| state.set_state((tenant, user), to))
    }

    async fn verify_identifier(
        &self,
        tenant: TenantId,
        user: UserId,
        activation: &Activation,
        along: Along,
    ) -> WriteResult<()> {
        self.write(along, |state| state.verify((tenant, user), activation))
    }

    async fn change_verified(&self, change: &IdentifierChange, along: Along) -> WriteResult<()> {
        self.write(along, |state| state.change_verified(change))
    }

    async fn bump_epoch(&self, tenant: TenantId, user: UserId, along: Along) -> WriteResult<Epoch> {
        self.write(along, |state| state.move_epoch((tenant, user)))
    }

    async fn tenant_security(
        &self,
        tenant: TenantId,
    ) -> Result<Option<TenantSecurity>, StoreError> {
        self.read(|state| state.tenant_security.get(&tenant).cloned())
    }

    async fn set_tenant_security(
        &self,
        security: &TenantSecurity,
        along: Along,
    ) -> WriteResult<()> {
        self.write(along, |state| state.set_tenant_security(security))
    }

    async fn key_marker(&self) -> Result<Option<String>, StoreError> {
        self.read(|state| state.key_marker.get(&()).cloned())
    }

    async fn set_key_marker(
        &self,
        expected: Option<&str>,
        marker: &str,
    ) -> Result<bool, StoreError> {
        self.change(|state| {
            let holds = state.key_marker.get(&()).map(String::as_str) == expected;
            if holds {
                state.key_marker.put((), marker.to_owned());
            }
            Ok(holds)
        })
    }
}
