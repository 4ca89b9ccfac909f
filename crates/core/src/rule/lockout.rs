//! Lockout: growing delays, reserved before the secret is verified. There is no lock without end.

use std::time::Duration;

use crate::policy::LockoutPolicy;
use crate::rule::CLOCK_SKEW;
use crate::store::Reservation;
use crate::time::Timestamp;

/// What a store keeps of one identifier's failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempts {
    /// Failures in a row.
    pub failures: u32,
    /// No attempt before this.
    pub blocked_until: Timestamp,
    /// Forgotten from here on.
    pub expires_at: Timestamp,
}

/// The delay that follows the `failures`-th failure: none up to the free attempts minus one, then the base delay,
/// doubling up to the longest.
#[must_use]
pub fn delay(policy: &LockoutPolicy, failures: u32) -> Duration {
    match failures.checked_sub(policy.free_attempts) {
        None => Duration::ZERO,
        Some(over) => {
            let factor = 1_u32.checked_shl(over.min(31)).unwrap_or(u32::MAX);
            policy
                .base_delay
                .saturating_mul(factor)
                .min(policy.max_delay)
        }
    }
}

/// The latest that an attempt can be blocked until at `now`: a count that says later is forgotten, because a clock that ran
/// ahead made it, and it would lock its owner out for as long as the clock was wrong.
#[must_use]
pub fn furthest(policy: &LockoutPolicy, now: Timestamp) -> Timestamp {
    now.plus(policy.max_delay).plus(CLOCK_SKEW)
}

/// Reserves one attempt at `now`: the answer and the row to store, `None` to leave it.
#[must_use]
pub fn reserve(
    stored: Option<Attempts>,
    policy: &LockoutPolicy,
    now: Timestamp,
) -> (Reservation, Option<Attempts>) {
    let furthest = furthest(policy, now);
    let before =
        stored.filter(|attempts| now < attempts.expires_at && attempts.blocked_until <= furthest);
    if let Some(attempts) = before
        && now < attempts.blocked_until
    {
        return (
            Reservation::Locked {
                until: attempts.blocked_until,
            },
            None,
        );
    }
    let failures = before
        .map_or(0, |attempts| attempts.failures)
        .saturating_add(1);
    let next = Attempts {
        failures,
        blocked_until: now.plus(delay(policy, failures)),
        expires_at: now.plus(policy.window).plus(policy.max_delay),
    };
    (Reservation::Granted { failures }, Some(next))
}

#[cfg(test)]
mod tests;
