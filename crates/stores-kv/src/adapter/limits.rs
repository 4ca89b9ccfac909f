//! Rate limits.

use async_trait::async_trait;

use portcullis_core::error::StoreError;
use portcullis_core::rule::limit as rule;
use portcullis_core::store::{
    ANY_TIME, KeyValueStore, KvEntry, LimitKey, Part, RateLimit, RateLimitStore, Taken,
};
use portcullis_core::time::Timestamp;

use super::{Batch, TRIES, contended, done, key, space};

/// Rate limits in a key-value store: one row of eight bytes a key, the theoretical arrival time, which is its deadline
/// too. A take costs two round trips where it is granted and one where it is not.
///
/// A row that more than 256 callers change at once is overloaded: `Unavailable`.
#[derive(Clone, Debug)]
pub struct KvLimits<K> {
    kv: K,
}

impl<K> KvLimits<K> {
    /// Over a key-value store, which may hold other things beside.
    #[must_use]
    pub const fn new(kv: K) -> Self {
        Self { kv }
    }
}

impl<K: KeyValueStore> KvLimits<K> {
    /// Replaces the arrival time by what `step` makes of it, `None` for nothing, and returns what it answers.
    async fn step<T: Send>(
        &self,
        limit: &LimitKey,
        now: Timestamp,
        step: impl Fn(Option<Timestamp>) -> (T, Option<Timestamp>) + Send + Sync,
    ) -> Result<T, StoreError> {
        let text = limit.as_str().as_bytes();
        let (part, key) = (Part::of_bytes(text), key(space::LIMIT, &[text]));
        for _ in 0..TRIES {
            // In whatever condition: a caller whose clock is behind still counts what is over for others.
            let row = self.kv.get(part, &key, ANY_TIME).await?;
            let stored = row.as_ref().map(arrival).transpose()?;
            let (answer, next) = step(stored);
            let Some(next) = next else {
                return Ok(answer);
            };
            let there = row.filter(|row| now < row.deadline);
            let mut batch = Batch::default();
            batch.unchanged(&key, there.as_ref().map(|row| row.value.as_slice()));
            batch.put(key.clone(), next.as_micros().to_be_bytes().to_vec(), next);
            let commit = self.kv.commit(part, &batch.checks, &batch.writes, now);
            if done(commit.await?) {
                return Ok(answer);
            }
        }
        Err(contended())
    }
}

fn arrival(row: &KvEntry) -> Result<Timestamp, StoreError> {
    let bytes = row.value.as_slice().try_into();
    let bytes = bytes.map_err(|_| StoreError::corrupt("limits", "arrival"))?;
    Ok(Timestamp::from_micros(i64::from_be_bytes(bytes)))
}

#[async_trait]
impl<K: KeyValueStore> RateLimitStore for KvLimits<K> {
    async fn take(
        &self,
        key: &LimitKey,
        limit: &RateLimit,
        now: Timestamp,
    ) -> Result<Taken, StoreError> {
        self.step(key, now, |stored| rule::take(stored, limit, now))
            .await
    }

    async fn refund(
        &self,
        key: &LimitKey,
        limit: &RateLimit,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let refund = |stored: Option<Timestamp>| {
            let next = stored.map(|stored| rule::refund(stored, limit));
            ((), next)
        };
        self.step(key, now, refund).await
    }

    async fn purge_limits(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.kv.purge(&[space::LIMIT], now).await
    }
}
