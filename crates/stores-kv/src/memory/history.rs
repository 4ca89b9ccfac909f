//! Passwords that somebody had before.

use async_trait::async_trait;

use portcullis_core::along::Remember;
use portcullis_core::error::StoreError;
use portcullis_core::factor::{FactorConfig, FactorKind};
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::secret::PasswordHash;
use portcullis_core::store::PasswordHistory;

use super::MemoryStore;
use super::state::State;

impl State {
    /// Keeps the password of now among the earlier ones.
    pub(super) fn remember(&mut self, remember: &Remember) {
        let owner = (remember.tenant, remember.user);
        let keep = usize::try_from(remember.keep).unwrap_or(usize::MAX);
        let now = self.factors.get(&(owner, FactorKind::Password));
        let now = now.and_then(|factor| match &factor.config {
            FactorConfig::Password(hash) => Some(hash.clone()),
            _ => None,
        });
        let before = self.earlier_passwords.get(&owner).into_iter().flatten();
        let kept: Vec<PasswordHash> = now.into_iter().chain(before.cloned()).take(keep).collect();
        if kept.is_empty() {
            self.earlier_passwords.take(&owner);
        } else {
            self.earlier_passwords.put(owner, kept);
        }
    }
}

#[async_trait]
impl PasswordHistory for MemoryStore {
    async fn earlier_passwords(
        &self,
        tenant: TenantId,
        user: UserId,
        limit: u32,
    ) -> Result<Vec<PasswordHash>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.read(|state| {
            let earlier = state.earlier_passwords.get(&(tenant, user));
            let earlier = earlier.into_iter().flatten();
            earlier.take(limit).cloned().collect()
        })
    }
}
