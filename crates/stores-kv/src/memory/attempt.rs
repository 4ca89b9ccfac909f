//! Sign-in attempts and the audit log.

use async_trait::async_trait;

use portcullis_core::along::Along;
use portcullis_core::error::StoreError;
use portcullis_core::policy::LockoutPolicy;
use portcullis_core::rule::lockout;
use portcullis_core::store::{AttemptKey, IdentityAuthnLog, Reservation, Settlement, WriteResult};
use portcullis_core::time::Timestamp;

use super::MemoryStore;
use super::state::attempt_row;

#[async_trait]
impl IdentityAuthnLog for MemoryStore {
    async fn record(&self, along: Along) -> WriteResult<()> {
        self.write(along, |_| Ok(()))
    }

    async fn reserve_attempt(
        &self,
        key: &AttemptKey,
        policy: &LockoutPolicy,
        now: Timestamp,
    ) -> Result<Reservation, StoreError> {
        self.change(|state| {
            let row = attempt_row(key);
            let stored = state.attempts.get(&row).copied();
            let (reservation, next) = lockout::reserve(stored, policy, now);
            if let Some(next) = next {
                state.attempts.put(row, next);
            }
            Ok(reservation)
        })
    }

    async fn settle_attempt(
        &self,
        key: &AttemptKey,
        settlement: Settlement,
        now: Timestamp,
        along: Along,
    ) -> WriteResult<()> {
        self.write(along, |state| {
            if let Settlement::Succeeded { user } = settlement {
                state.holder((key.tenant, user))?;
                state
                    .accounts
                    .update(&user, |account| account.last_sign_in = Some(now));
                state.attempts.take(&attempt_row(key));
            }
            Ok(())
        })
    }

    async fn reset_attempts(&self, key: &AttemptKey, along: Along) -> WriteResult<()> {
        self.write(along, |state| {
            state.attempts.take(&attempt_row(key));
            Ok(())
        })
    }

    async fn purge_attempts(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.change(|state| Ok(state.attempts.remove_where(|row| row.expires_at <= now)))
    }
}
