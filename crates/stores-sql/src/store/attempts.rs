//! Sign-in attempts: reserved in one statement that computes what [`lockout`] computes.

use std::time::Duration;

use async_trait::async_trait;
use portcullis_core::along::{Along, Refusal};
use portcullis_core::error::StoreError;
use portcullis_core::policy::LockoutPolicy;
use portcullis_core::rule::lockout;
use portcullis_core::store::{AttemptKey, IdentityAuthnLog, Reservation, Settlement, WriteResult};
use portcullis_core::time::Timestamp;

use super::SqlStore;
use super::companions::accompanied;
use crate::columns::Columns;
use crate::driver::Driver;
use crate::script::{Expect, Script, Step};
use crate::value::values;

/// A row that has expired counts as none, and so does one of a clock that ran ahead; one that still blocks is left alone.
///
/// Where the delay doubles past the longest is known beforehand, so that nothing is shifted out of 64 bits.
const RESERVE: &str = "INSERT INTO attempts \
     (tenant_id, identifier, purpose, failures, blocked_until, expires_at) \
     VALUES (?, ?, ?, 1, ?, ?) \
     ON CONFLICT (tenant_id, identifier, purpose) DO UPDATE SET \
     failures = CASE WHEN attempts.expires_at <= ? OR attempts.blocked_until > ? THEN 1 \
         ELSE min(attempts.failures + 1, 4294967295) END, \
     blocked_until = CASE WHEN attempts.expires_at <= ? OR attempts.blocked_until > ? \
             THEN excluded.blocked_until \
         WHEN attempts.failures + 1 < ? THEN ? \
         WHEN attempts.failures + 1 - ? >= ? THEN ? \
         ELSE ? + min(? << CAST(attempts.failures + 1 - ? AS INTEGER), ?) END, \
     expires_at = excluded.expires_at \
     WHERE attempts.expires_at <= ? OR attempts.blocked_until <= ? OR attempts.blocked_until > ?";

const READ: &str = "SELECT failures, blocked_until FROM attempts \
     WHERE tenant_id = ? AND identifier = ? AND purpose = ?";

const RESERVED: &str = "reserve the attempt";
const FOUND: &str = "read the attempts";

/// The longest duration that a time can be moved by.
const LONGEST: Duration = Duration::from_micros(i64::MAX.unsigned_abs());

/// A duration in whole microseconds, as [`Timestamp`] counts it.
fn micros(duration: Duration) -> i64 {
    Timestamp::UNIX_EPOCH.plus(duration).as_micros()
}

/// How often the delay doubles until it is at its longest, and that delay.
fn doublings(policy: &LockoutPolicy) -> (u32, Duration) {
    let after = |over: u32| lockout::delay(policy, policy.free_attempts.saturating_add(over));
    let ceiling = policy.max_delay.min(LONGEST);
    let doublings = (0..31).find(|&over| after(over) >= ceiling).unwrap_or(31);
    (doublings, after(doublings))
}

fn reserve_script(key: &AttemptKey, policy: &LockoutPolicy, now: Timestamp) -> Script {
    let first = lockout::reserve(None, policy, now).1;
    let first_blocked = first.map_or(now, |row| row.blocked_until);
    let expires_at = first.map_or(now, |row| row.expires_at);
    let (doublings, longest) = doublings(policy);
    let purpose = key.purpose.as_str();
    let mut values = values![
        key.tenant,
        key.identifier,
        purpose,
        first_blocked,
        expires_at,
    ];
    let furthest = lockout::furthest(policy, now);
    // failures
    values.extend(values![now, furthest]);
    // blocked_until
    values.extend(values![
        now,
        furthest,
        policy.free_attempts,
        now,
        policy.free_attempts,
        doublings,
        now.plus(longest),
        now,
        micros(policy.base_delay),
        policy.free_attempts,
        // How far a time can be moved from `now` at all.
        i64::MAX.saturating_sub(now.as_micros().max(0)),
    ]);
    values.extend(values![now, now, furthest]);
    let mut script = Script::of(Step::new(RESERVED, RESERVE, values));
    let read = Step::new(FOUND, READ, values![key.tenant, key.identifier, purpose]);
    script.step(read.expect(Expect::OneRow));
    // Whoever learns how the attempt ended learns it from the settlement, which takes this to the disk with it.
    script.relaxed()
}

const FORGET: &str = "DELETE FROM attempts WHERE tenant_id = ? AND identifier = ? AND purpose = ?";
const SIGNED_IN: &str = "UPDATE accounts SET last_sign_in = ? \
     WHERE tenant_id = ? AND user_id = ? AND state <> 'archived'";
const PURGE: &str = "DELETE FROM attempts WHERE expires_at <= ?";
const PURGED: &str = "purge attempts";

pub(super) fn forget_step(key: &AttemptKey) -> Step {
    let values = values![key.tenant, key.identifier, key.purpose.as_str()];
    Step::new("forget failures", FORGET, values)
}

#[async_trait]
impl<D: Driver> IdentityAuthnLog for SqlStore<D> {
    async fn record(&self, along: Along) -> WriteResult<()> {
        let script = accompanied(along, |_| Ok(()))?;
        Ok(self.driver.write(script).await?.map(drop))
    }

    async fn reserve_attempt(
        &self,
        key: &AttemptKey,
        policy: &LockoutPolicy,
        now: Timestamp,
    ) -> Result<Reservation, StoreError> {
        let done = self.driver.done(reserve_script(key, policy, now)).await?;
        let corrupt = || StoreError::corrupt("attempts", "failures");
        let row = done.rows(FOUND).next().ok_or_else(corrupt)?;
        let mut columns = Columns::new(row);
        let failures = columns.of("attempts").number("failures")?;
        let until = columns.time("blocked_until")?;
        Ok(if done.changed(RESERVED) > 0 {
            Reservation::Granted { failures }
        } else {
            Reservation::Locked { until }
        })
    }

    async fn settle_attempt(
        &self,
        key: &AttemptKey,
        settlement: Settlement,
        now: Timestamp,
        along: Along,
    ) -> WriteResult<()> {
        let script = accompanied(along, |script| {
            if let Settlement::Succeeded { user } = settlement {
                let step = Step::new(
                    "note the sign-in",
                    SIGNED_IN,
                    values![now, key.tenant, user],
                );
                script.turn_of(user);
                script.step(step.takes_turn().one_or(Refusal::NotFound));
                script.step(forget_step(key));
            }
            Ok(())
        })?;
        Ok(self.driver.write(script).await?.map(drop))
    }

    async fn reset_attempts(&self, key: &AttemptKey, along: Along) -> WriteResult<()> {
        let script = accompanied(along, |script| {
            script.step(forget_step(key));
            Ok(())
        })?;
        Ok(self.driver.write(script).await?.map(drop))
    }

    async fn purge_attempts(&self, now: Timestamp) -> Result<u64, StoreError> {
        let script = Script::of(Step::new(PURGED, PURGE, values![now]));
        Ok(self.driver.done(script).await?.changed(PURGED))
    }
}
