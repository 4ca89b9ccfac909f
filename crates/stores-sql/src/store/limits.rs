//! Rate limits: taken in one statement that computes what [`rule`] computes.

use async_trait::async_trait;
use portcullis_core::error::StoreError;
use portcullis_core::rule::limit as rule;
use portcullis_core::store::{LimitKey, RateLimit, RateLimitStore, Taken};
use portcullis_core::time::Timestamp;

use super::SqlStore;
use crate::columns::Columns;
use crate::driver::Driver;
use crate::script::{Expect, Script, Step};
use crate::value::values;

/// An arrival of a clock that ran ahead counts as now. The sum saturates, as times do everywhere: `? + ?` is the last time that the interval can be added to, and the
/// interval.
const TAKE: &str = "INSERT INTO rate_limits (limit_key, arrival) VALUES (?, ?) \
     ON CONFLICT (limit_key) DO UPDATE \
     SET arrival = min(max(CASE WHEN rate_limits.arrival > ? THEN ? ELSE rate_limits.arrival END, ?), ?) + ? \
     WHERE min(max(CASE WHEN rate_limits.arrival > ? THEN ? ELSE rate_limits.arrival END, ?), ?) + ? <= ?";
const READ: &str = "SELECT arrival FROM rate_limits WHERE limit_key = ?";
const REFUND: &str = "UPDATE rate_limits SET arrival = max(arrival, ?) - ? WHERE limit_key = ?";
const PURGE: &str = "DELETE FROM rate_limits WHERE arrival <= ?";

const TAKEN: &str = "take one";
const FOUND: &str = "read the arrival time";
const PURGED: &str = "purge limits";

/// What one take costs, in whole microseconds.
fn interval(limit: &RateLimit) -> i64 {
    Timestamp::UNIX_EPOCH.plus(limit.interval()).as_micros()
}

fn take_script(key: &LimitKey, limit: &RateLimit, now: Timestamp) -> Script {
    let first = rule::take(None, limit, now).1.unwrap_or(now);
    let interval = interval(limit);
    let last = i64::MAX.saturating_sub(interval);
    let furthest = rule::furthest(limit, now);
    let values = values![
        key.as_str(),
        first,
        furthest,
        now,
        now,
        last,
        interval,
        furthest,
        now,
        now,
        last,
        interval,
        rule::horizon(limit, now),
    ];
    let mut script = Script::of(Step::new(TAKEN, TAKE, values));
    script.step(Step::new(FOUND, READ, values![key.as_str()]).expect(Expect::OneRow));
    script.relaxed()
}

#[async_trait]
impl<D: Driver> RateLimitStore for SqlStore<D> {
    async fn take(
        &self,
        key: &LimitKey,
        limit: &RateLimit,
        now: Timestamp,
    ) -> Result<Taken, StoreError> {
        let done = self.driver.done(take_script(key, limit, now)).await?;
        if done.changed(TAKEN) > 0 {
            return Ok(Taken::Granted);
        }
        let corrupt = || StoreError::corrupt("rate_limits", "arrival");
        let row = done.rows(FOUND).next().ok_or_else(corrupt)?;
        let stored = Columns::new(row).of("rate_limits").time("arrival")?;
        Ok(rule::take(Some(stored), limit, now).0)
    }

    async fn refund(
        &self,
        key: &LimitKey,
        limit: &RateLimit,
        _now: Timestamp,
    ) -> Result<(), StoreError> {
        let interval = interval(limit);
        let first = i64::MIN.saturating_add(interval);
        let values = values![first, interval, key.as_str()];
        let script = Script::of(Step::new("give one back", REFUND, values)).relaxed();
        self.driver.done(script).await.map(drop)
    }

    async fn purge_limits(&self, now: Timestamp) -> Result<u64, StoreError> {
        let script = Script::of(Step::new(PURGED, PURGE, values![now]));
        Ok(self.driver.done(script).await?.changed(PURGED))
    }
}
