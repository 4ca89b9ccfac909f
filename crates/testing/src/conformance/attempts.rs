//! Sign-in attempts, counted before they are verified.

use std::time::Duration;

use portcullis_core::along::{Along, Refusal};
use portcullis_core::policy::LockoutPolicy;
use portcullis_core::rule::lockout;
use portcullis_core::store::{
    AccountOpening, AttemptKey, AttemptPurpose, Reservation, SecurityStore, Settlement,
};
use portcullis_core::time::Timestamp;

use super::expect::{applied, refused};
use super::sample::{EXTREMES, START, after, just_before};
use super::trial::{Trial, rounds};

const POLICY: LockoutPolicy = LockoutPolicy {
    free_attempts: 3,
    base_delay: Duration::from_secs(1),
    max_delay: Duration::from_secs(8),
    window: Duration::from_secs(20),
};

impl<S: AccountOpening> Trial<S> {
    async fn attempt_key(&self) -> AttemptKey {
        AttemptKey {
            tenant: self.tenant().await,
            identifier: self.new_digest().bytes,
            purpose: AttemptPurpose::Password,
        }
    }
}

async fn reserve<S: SecurityStore>(trial: &Trial<S>, key: &AttemptKey, now: Timestamp) -> u32 {
    match trial.store.reserve_attempt(key, &POLICY, now).await {
        Ok(Reservation::Granted { failures }) => failures,
        other => panic!("not granted: {other:?}"),
    }
}

// TH-04, CC-02
/// Over a long random schedule the store answers as `rule::lockout` does.
pub async fn lockout_follows_its_rule_step_by_step<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let key = trial.attempt_key().await;
    let user = trial.person(key.tenant).await;
    let (mut model, mut now) = (None, START);
    for step in 0..400 {
        now = now.plus(Duration::from_millis(trial.below(3_000)));
        match trial.below(40) {
            0 => {
                applied(store.reset_attempts(&key, Along::default()).await);
                model = None;
            }
            1 => {
                let won = Settlement::Succeeded { user };
                let settled = store.settle_attempt(&key, won, now, Along::default());
                applied(settled.await);
                model = None;
            }
            2 => now = now.plus(POLICY.window),
            3 => now = now.minus(Duration::from_secs(5)),
            _ => {}
        }
        let (expected, next) = lockout::reserve(model, &POLICY, now);
        model = next.or(model);
        let reserved = store.reserve_attempt(&key, &POLICY, now).await.unwrap();
        assert_eq!(reserved, expected, "at step {step}");
    }
}

// TH-04, CC-01
/// A burst of attempts at one moment is granted the free ones and no more.
pub async fn a_burst_is_granted_the_free_attempts<S: SecurityStore>(trial: Trial<S>) {
    for _ in 0..rounds() / 4 {
        let key = trial.attempt_key().await;
        let reserved = trial
            .race(64, |_, store| async move {
                store.reserve_attempt(&key, &POLICY, START).await
            })
            .await;
        let mut granted = Vec::new();
        for reservation in reserved {
            match reservation.unwrap() {
                Reservation::Granted { failures } => granted.push(failures),
                Reservation::Locked { until } => assert_eq!(until, after(1)),
            }
        }
        granted.sort_unstable();
        assert_eq!(granted, [1, 2, 3]);
    }
}

// TH-04
/// Success sets the count to zero and notes the sign-in; failure leaves the count.
pub async fn success_forgets_the_failures<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let key = trial.attempt_key().await;
    let user = trial.person(key.tenant).await;
    let account = || store.account(key.tenant, user);
    assert_eq!(reserve(&trial, &key, START).await, 1);
    let failed = store.settle_attempt(&key, Settlement::Failed, START, Along::default());
    applied(failed.await);
    assert_eq!(account().await.unwrap().unwrap().last_sign_in, None);
    assert_eq!(reserve(&trial, &key, START).await, 2);
    let won = Settlement::Succeeded { user };
    let settled = store.settle_attempt(&key, won, after(1), Along::default());
    applied(settled.await);
    let last_sign_in = account().await.unwrap().unwrap().last_sign_in;
    assert_eq!(last_sign_in, Some(after(1)));
    assert_eq!(reserve(&trial, &key, after(1)).await, 1);
}

/// Nobody signs in: the failures stay.
pub async fn success_of_nobody_is_refused<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let key = trial.attempt_key().await;
    let (_, stranger) = trial.somebody().await;
    assert_eq!(reserve(&trial, &key, START).await, 1);
    for user in [trial.nobody(), stranger] {
        let won = Settlement::Succeeded { user };
        let settled = store.settle_attempt(&key, won, START, Along::default());
        assert_eq!(refused(settled.await), Refusal::NotFound);
    }
    assert_eq!(reserve(&trial, &key, START).await, 2);
}

/// Every tenant and identifier has a count of its own, and a reset clears one.
pub async fn counts_are_kept_apart<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let key = trial.attempt_key().await;
    let elsewhere = AttemptKey {
        tenant: trial.tenant().await,
        ..key
    };
    let another = AttemptKey {
        identifier: trial.new_digest().bytes,
        ..key
    };
    for failures in 1..=2 {
        for key in [&key, &elsewhere, &another] {
            assert_eq!(reserve(&trial, key, START).await, failures);
        }
    }
    applied(store.reset_attempts(&key, Along::default()).await);
    assert_eq!(reserve(&trial, &key, START).await, 1);
    assert_eq!(reserve(&trial, &elsewhere, START).await, 3);
    assert_eq!(reserve(&trial, &another, START).await, 3);
    let unknown = trial.attempt_key().await;
    applied(store.reset_attempts(&unknown, Along::default()).await);
}

/// Counts whose window has passed are removed and counted, others are kept.
pub async fn purging_removes_counts_past_their_window<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let end = START.plus(POLICY.window).plus(POLICY.max_delay);
    let mut old = Vec::new();
    for _ in 0..3 {
        let key = trial.attempt_key().await;
        reserve(&trial, &key, START).await;
        old.push(key);
    }
    let kept = trial.attempt_key().await;
    reserve(&trial, &kept, after(1)).await;
    assert_eq!(store.purge_attempts(just_before(end)).await.unwrap(), 0);
    assert_eq!(store.purge_attempts(end).await.unwrap(), 3);
    assert_eq!(store.purge_attempts(end).await.unwrap(), 0);
    assert_eq!(reserve(&trial, &kept, after(2)).await, 2);
    for key in old {
        assert_eq!(reserve(&trial, &key, after(2)).await, 1);
    }
}

// CC-04
/// No time and no policy makes counting panic or fail.
pub async fn attempts_bear_every_time<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let endless = LockoutPolicy {
        free_attempts: 1,
        base_delay: Duration::MAX,
        max_delay: Duration::MAX,
        window: Duration::MAX,
    };
    for policy in [POLICY, endless] {
        for first in EXTREMES {
            let key = trial.attempt_key().await;
            let mut model = None;
            for now in [first].into_iter().chain(EXTREMES) {
                let (expected, next) = lockout::reserve(model, &policy, now);
                model = next.or(model);
                let reserved = store.reserve_attempt(&key, &policy, now).await;
                assert_eq!(reserved.unwrap(), expected, "{first} then {now}");
            }
        }
    }
    for now in EXTREMES {
        store.purge_attempts(now).await.unwrap();
    }
}
