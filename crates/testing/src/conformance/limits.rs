//! Rate limits.

use std::time::Duration;

use portcullis_core::rule::limit as rule;
use portcullis_core::store::{LimitKey, RateLimit, RateLimitStore, Taken};

use super::sample::{EXTREMES, START, after, just_before};
use super::trial::{Trial, rounds};

const LIMIT: RateLimit = RateLimit {
    burst: 5,
    period: Duration::from_secs(10),
};

fn key(value: &str) -> LimitKey {
    LimitKey::new("sign-in", "ip", value)
}

// CC-02
/// Over a long random schedule the store answers as `rule::limit` does.
pub async fn limits_follow_their_rule_step_by_step<S: RateLimitStore>(trial: Trial<S>) {
    let store = &trial.store;
    let key = key("192.0.2.1");
    let (mut model, mut now) = (None, START);
    for step in 0..600 {
        now = now.plus(Duration::from_millis(trial.below(3_500)));
        match trial.below(30) {
            0..4 => {
                store.refund(&key, &LIMIT, now).await.unwrap();
                model = model.map(|stored| rule::refund(stored, &LIMIT));
            }
            4 => {
                let purged = store.purge_limits(now).await.unwrap();
                let full = model.filter(|stored| *stored <= now);
                assert_eq!(purged, u64::from(full.is_some()), "at step {step}");
                model = model.filter(|stored| *stored > now);
            }
            5 => now = now.plus(LIMIT.period),
            6 => now = now.minus(Duration::from_secs(4)),
            _ => {}
        }
        let (expected, next) = rule::take(model, &LIMIT, now);
        model = next.or(model);
        let taken = store.take(&key, &LIMIT, now).await.unwrap();
        assert_eq!(taken, expected, "at step {step}");
    }
}

// CC-01
/// A burst at one moment is granted exactly.
pub async fn a_burst_is_granted_exactly<S: RateLimitStore>(trial: Trial<S>) {
    for round in 0..rounds() / 4 {
        let taken = trial
            .race(64, |_, store| async move {
                let key = key(&round.to_string());
                store.take(&key, &LIMIT, START).await.unwrap()
            })
            .await;
        let granted = |taken: &&Taken| **taken == Taken::Granted;
        assert_eq!(taken.iter().filter(granted).count(), 5);
        let retry_after = Duration::from_secs(2);
        let limited = |taken: &&Taken| **taken == Taken::Limited { retry_after };
        assert_eq!(taken.iter().filter(limited).count(), 59);
    }
}

/// Every key has a count of its own, and one is given back to its own.
pub async fn keys_are_counted_apart<S: RateLimitStore>(trial: Trial<S>) {
    let store = &trial.store;
    let once = RateLimit { burst: 1, ..LIMIT };
    let (a, b) = (key("a"), key("b"));
    let limited = Taken::Limited {
        retry_after: LIMIT.period,
    };
    // What was never taken cannot be given back.
    store.refund(&a, &once, START).await.unwrap();
    for key in [&a, &b] {
        let taken = store.take(key, &once, START).await.unwrap();
        assert_eq!(taken, Taken::Granted);
        let taken = store.take(key, &once, START).await.unwrap();
        assert_eq!(taken, limited);
    }
    store.refund(&a, &once, START).await.unwrap();
    let taken = store.take(&b, &once, START).await.unwrap();
    assert_eq!(taken, limited);
    let taken = store.take(&a, &once, START).await.unwrap();
    assert_eq!(taken, Taken::Granted);
    let longest = LimitKey::new("route", "identifier", &"ü".repeat(300));
    let taken = store.take(&longest, &once, START).await.unwrap();
    assert_eq!(taken, Taken::Granted);
}

/// Counts that are full again are removed and counted, others are kept.
pub async fn purging_removes_full_counts<S: RateLimitStore>(trial: Trial<S>) {
    let store = &trial.store;
    for value in ["a", "b", "c"] {
        store.take(&key(value), &LIMIT, START).await.unwrap();
    }
    let kept = key("kept");
    for _ in 0..5 {
        store.take(&kept, &LIMIT, START).await.unwrap();
    }
    let full = after(2);
    assert_eq!(store.purge_limits(just_before(full)).await.unwrap(), 0);
    assert_eq!(store.purge_limits(full).await.unwrap(), 3);
    assert_eq!(store.purge_limits(full).await.unwrap(), 0);
    let taken = store.take(&kept, &LIMIT, START).await.unwrap();
    assert!(matches!(taken, Taken::Limited { .. }));
}

// CC-04
/// No time and no limit makes counting panic or fail.
pub async fn limits_bear_every_time<S: RateLimitStore>(trial: Trial<S>) {
    let store = &trial.store;
    let periods = [
        Duration::ZERO,
        Duration::from_nanos(1),
        Duration::from_secs(u64::MAX / 8),
    ];
    for (of_period, period) in periods.into_iter().enumerate() {
        for burst in [0, 1, 3] {
            let limit = RateLimit { burst, period };
            for (of_first, first) in EXTREMES.into_iter().enumerate() {
                let key = key(&format!("{of_period} {burst} {of_first}"));
                let mut model = None;
                for now in [first].into_iter().chain(EXTREMES) {
                    let (expected, next) = rule::take(model, &limit, now);
                    model = next.or(model);
                    let taken = store.take(&key, &limit, now).await.unwrap();
                    assert_eq!(taken, expected, "{limit:?}: {first} then {now}");
                }
                store.refund(&key, &limit, first).await.unwrap();
            }
        }
    }
    for now in EXTREMES {
        store.purge_limits(now).await.unwrap();
    }
}
