//! Factors, changed only by whoever names the version they read.

use async_trait::async_trait;

use portcullis_core::along::{Along, Refusal};
use portcullis_core::error::StoreError;
use portcullis_core::factor::{Factor, FactorConfig, FactorKind, FactorVersion, LoadedFactor};
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::store::{FactorStore, WriteResult};
use portcullis_core::time::Timestamp;

use super::state::{Owner, State};
use super::{MemoryStore, Stop};

impl State {
    /// Inserts or replaces a factor; its version moves on by one.
    pub(super) fn set_factor(
        &mut self,
        owner: Owner,
        config: &FactorConfig,
        now: Timestamp,
    ) -> Result<FactorVersion, Stop> {
        let key = (owner, config.kind());
        let FactorVersion(before) = self
            .factors
            .get(&key)
            .map_or(FactorVersion(0), |factor| factor.version);
        let version = before
            .checked_add(1)
            .map(FactorVersion)
            .ok_or_else(|| StoreError::corrupt("factors", "version"))?;
        let factor = Factor {
            config: config.clone(),
            version,
            changed_at: now,
        };
        self.factors.put(key, factor);
        Ok(version)
    }
}

#[async_trait]
impl FactorStore for MemoryStore {
    async fn load_factor(
        &self,
        tenant: TenantId,
        user: UserId,
        kind: FactorKind,
    ) -> Result<Option<LoadedFactor>, StoreError> {
        self.read(|state| {
            let owner = (tenant, user);
            let subject = state.subject(owner)?;
            let factor = state.factors.get(&(owner, kind)).cloned();
            Some(LoadedFactor { factor, subject })
        })
    }

    async fn insert_factor(
        &self,
        tenant: TenantId,
        user: UserId,
        config: &FactorConfig,
        now: Timestamp,
        along: Along,
    ) -> WriteResult<FactorVersion> {
        self.write(along, |state| {
            let owner = (tenant, user);
            state.holder(owner)?;
            if state.factors.contains(&(owner, config.kind())) {
                return Err(Refusal::Exists.into());
            }
            state.set_factor(owner, config, now)
        })
    }

    async fn compare_and_save_factor(
        &self,
        tenant: TenantId,
        user: UserId,
        expected: FactorVersion,
        config: &FactorConfig,
        changed_at: Timestamp,
        along: Along,
    ) -> WriteResult<FactorVersion> {
        self.write(along, |state| {
            let owner = (tenant, user);
            let there = state
                .factors
                .get(&(owner, config.kind()))
                .ok_or(Refusal::NotFound)?;
            if there.version != expected {
                return Err(Refusal::Stale.into());
            }
            state.set_factor(owner, config, changed_at)
        })
    }

    async fn remove_factor(
        &self,
        tenant: TenantId,
        user: UserId,
        kind: FactorKind,
        along: Along,
    ) -> WriteResult<()> {
        self.write(along, |state| {
            let removed = state.factors.take(&((tenant, user), kind));
            Ok(removed.map(drop).ok_or(Refusal::NotFound)?)
        })
    }
}
