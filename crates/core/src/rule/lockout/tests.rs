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
