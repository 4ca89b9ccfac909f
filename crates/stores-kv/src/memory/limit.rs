//! Rate limits.

use async_trait::async_trait;

use portcullis_core::error::StoreError;
use portcullis_core::rule::limit as rule;
use portcullis_core::store::{LimitKey, RateLimit, RateLimitStore, Taken};
use portcullis_core::time::Timestamp;

use super::MemoryStore;

#[async_trait]
impl RateLimitStore for MemoryStore {
    async fn take(
        &self,
        key: &LimitKey,
        limit: &RateLimit,
        now: Timestamp,
    ) -> Result<Taken, StoreError> {
        self.change(|state| {
            let key = key.as_str().to_owned();
            let stored = state.limits.get(&key).copied();
            let (taken, next) = rule::take(stored, limit, now);
            if let Some(next) = next {
                state.limits.put(key, next);
            }
            Ok(taken)
        })
    }

    async fn refund(
        &self,
        key: &LimitKey,
        limit: &RateLimit,
        _now: Timestamp,
    ) -> Result<(), StoreError> {
        self.change(|state| {
            let key = key.as_str().to_owned();
            let give_back = |stored: &mut Timestamp| *stored = rule::refund(*stored, limit);
            state.limits.update(&key, give_back);
            Ok(())
        })
    }

    async fn purge_limits(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.change(|state| Ok(state.limits.remove_where(|arrival| *arrival <= now)))
    }
}
