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
mod tests {
    use super::*;
    use crate::policy::TenantPolicy;

    // TH-04
    #[test]
    fn delays_grow_to_their_bound_and_never_lock_for_good() {
        let policy = TenantPolicy::default().lockout;
        let mut now = Timestamp::from_secs(1_000);
        let mut stored = None;
        for failures in 1..=5 {
            let (reservation, next) = reserve(stored, &policy, now);
            assert_eq!(reservation, Reservation::Granted { failures });
            stored = next;
        }
        let mut longest = Duration::ZERO;
        for _ in 0..40 {
            let (reservation, none) = reserve(stored, &policy, now);
            let Reservation::Locked { until } = reservation else {
                panic!("granted while locked")
            };
            assert_eq!(none, None);
            assert!(until.since(now) >= longest && until.since(now) <= policy.max_delay);
            longest = until.since(now);
            now = until;
            stored = reserve(stored, &policy, now).1;
        }
        assert_eq!(longest, policy.max_delay);
    }

    #[test]
    fn a_count_is_forgotten_after_its_window() {
        let policy = TenantPolicy::default().lockout;
        let start = Timestamp::from_secs(1_000);
        let stored = (0..5).fold(None, |stored, _| reserve(stored, &policy, start).1);
        let later = start.plus(policy.window).plus(policy.max_delay);
        assert_eq!(
            reserve(stored, &policy, later).0,
            Reservation::Granted { failures: 1 }
        );
    }

    // FT-17
    #[test]
    fn a_clock_that_ran_ahead_locks_nobody_out() {
        let policy = TenantPolicy::default().lockout;
        let now = Timestamp::from_secs(1_000);
        let ahead = now.plus(Duration::from_secs(24 * 60 * 60));
        let lock = |at| (0..40).fold(None, |stored, _| reserve(stored, &policy, at).1.or(stored));
        assert_eq!(
            reserve(lock(ahead), &policy, now).0,
            Reservation::Granted { failures: 1 }
        );
        // Of another machine, whose clock is a little ahead, it counts.
        let (reservation, _) = reserve(lock(now.plus(CLOCK_SKEW)), &policy, now);
        assert!(matches!(reservation, Reservation::Locked { .. }));
    }

    // CC-04
    #[test]
    fn no_count_or_time_makes_the_delay_overflow() {
        let policy = TenantPolicy::default().lockout;
        for failures in [0, 1, 36, 37, 38, u32::MAX] {
            assert!(delay(&policy, failures) <= policy.max_delay);
        }
        let full = Attempts {
            failures: u32::MAX,
            blocked_until: Timestamp::UNIX_EPOCH,
            expires_at: Timestamp::MAX,
        };
        assert_eq!(
            reserve(Some(full), &policy, Timestamp::from_secs(1)).0,
            Reservation::Granted { failures: u32::MAX }
        );
    }
}
