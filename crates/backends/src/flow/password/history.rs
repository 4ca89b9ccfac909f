//! Passwords that somebody had before, and may not set again.
//!
//! Each costs a hash, so they are looked at once it is proved whose they are: with the current password, or with the link
//! from the mail. One after the other: whoever sets a password takes one place in the hash pool, however many they had.

use portcullis_core::along::{Along, Remember};
use portcullis_core::entity::User;
use portcullis_core::factor::{FactorConfig, FactorKind};
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::policy::TenantPolicy;
use portcullis_core::rule::password::PasswordRejection;
use portcullis_core::secret::{Password, PasswordHash};
use portcullis_core::store::PasswordHistory;
use portcullis_tokens::password::HashError;

use crate::error::FlowError;
use crate::portcullis::Portcullis;

impl Portcullis {
    /// Whether this person may have this password, their earlier ones included. That it is they who ask must be proved.
    /// `address` and `user` are those of [`Portcullis::judge_password`].
    pub(in crate::flow) async fn judge_password_of(
        &self,
        owner: (TenantId, UserId),
        password: &Password,
        policy: &TenantPolicy,
        address: &str,
        user: Option<&User>,
    ) -> Result<Result<(), PasswordRejection>, FlowError> {
        if let Err(rejection) = self.judge_by_rules(password, policy, address, user) {
            return Ok(Err(rejection));
        }
        self.judge_by_others(owner, password, policy).await
    }

    /// The part of it that costs: hashes first, and then, for a password that is not refused here, somebody else's answer.
    pub(super) async fn judge_by_others(
        &self,
        owner: (TenantId, UserId),
        password: &Password,
        policy: &TenantPolicy,
    ) -> Result<Result<(), PasswordRejection>, FlowError> {
        if self.was_used_before(owner, password, policy).await? {
            return Ok(Err(PasswordRejection::Reused));
        }
        self.judge_by_breaches(password, policy).await
    }

    /// At most as many hashes as the policy names passwords.
    async fn was_used_before(
        &self,
        (tenant, user): (TenantId, UserId),
        password: &Password,
        policy: &TenantPolicy,
    ) -> Result<bool, FlowError> {
        let Some(earlier) = policy.password.history.checked_sub(1) else {
            return Ok(false);
        };
        let history = self.history()?;
        let security = &self.0.stores.security;
        let loaded = security.load_factor(tenant, user, FactorKind::Password);
        let now = loaded.await?.and_then(|loaded| loaded.factor);
        let now = now.and_then(|factor| match factor.config {
            FactorConfig::Password(hash) => Some(hash),
            _ => None,
        });
        let before = history.earlier_passwords(tenant, user, earlier).await?;
        for hash in now.iter().chain(&before) {
            if self.is_of(password, hash).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A hash that cannot be read any more, such as an imported one of a program with another feature, forbids nothing:
    /// otherwise its owner could set no password at all.
    async fn is_of(&self, password: &Password, hash: &PasswordHash) -> Result<bool, FlowError> {
        match self.0.hasher.verify(password, Some(hash)).await {
            Ok(verification) => Ok(verification.matches),
            Err(error @ HashError::Malformed) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a new password was not compared with an earlier one"
                );
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Has the write keep the password that it replaces, as far as the policy needs it.
    pub(in crate::flow) fn remembering(
        &self,
        along: Along,
        (tenant, user): (TenantId, UserId),
        policy: &TenantPolicy,
    ) -> Along {
        if self.0.stores.history.is_none() {
            return along;
        }
        along.with_remembered(Remember {
            tenant,
            user,
            // The one that is set now is the newest of those that the policy counts.
            keep: policy.password.history.saturating_sub(1),
        })
    }

    fn history(&self) -> Result<&dyn PasswordHistory, FlowError> {
        let missing = || FlowError::internal("built without .with_password_history()");
        self.0.stores.history.as_deref().ok_or_else(missing)
    }
}
