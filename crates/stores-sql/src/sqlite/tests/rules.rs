//! The statements that compute what a pure rule computes, against that rule, over policies and times at random.

use std::time::Duration;

use portcullis_core::entropy::{SeededEntropy, random_bytes};
use portcullis_core::policy::LockoutPolicy;
use portcullis_core::rule::{limit, lockout};
use portcullis_core::store::{
    AttemptKey, AttemptPurpose, IdentityAuthnLog, LimitKey, RateLimit, RateLimitStore,
};
use portcullis_core::time::Timestamp;

use super::sample::{Place, TENANT};

struct Dice(SeededEntropy);

impl Dice {
    fn number(&self) -> u64 {
        u64::from_le_bytes(random_bytes(&self.0).unwrap())
    }

    /// Of every size: as often below a millisecond as beyond all years.
    fn duration(&self) -> Duration {
        Duration::from_micros(self.number() >> (self.number() % 64))
    }

    fn count(&self) -> u32 {
        u32::try_from(self.number() % 12).unwrap()
    }

    fn start(&self) -> Timestamp {
        let micros = i64::from_le_bytes(self.number().to_le_bytes());
        Timestamp::from_micros(micros >> (self.number() % 64))
    }

    /// Forward mostly, now and then back.
    fn step(&self, now: Timestamp) -> Timestamp {
        let by = self.duration();
        match self.number() % 8 {
            0 => now.minus(by),
            1..=3 => now,
            _ => now.plus(by),
        }
    }
}

// TH-04, CC-04
#[tokio::test]
async fn the_database_counts_failures_as_the_rule_does() {
    let place = Place::new();
    let store = place.store().await;
    let dice = Dice(SeededEntropy::new(4));
    for run in 0..60_u8 {
        let policy = LockoutPolicy {
            free_attempts: dice.count(),
            base_delay: dice.duration(),
            max_delay: dice.duration(),
            window: dice.duration(),
        };
        let key = AttemptKey {
            tenant: TENANT,
            identifier: [run; 32],
            purpose: AttemptPurpose::Password,
        };
        let (mut now, mut stored) = (dice.start(), None);
        for _ in 0..40 {
            let (expected, next) = lockout::reserve(stored, &policy, now);
            let reserved = store.reserve_attempt(&key, &policy, now).await.unwrap();
            assert_eq!(reserved, expected, "{policy:?} {stored:?} {now:?}");
            stored = next.or(stored);
            now = match dice.number() % 4 {
                0 => stored.map_or(now, |row| row.blocked_until),
                _ => dice.step(now),
            };
        }
    }
}

// CC-04
#[tokio::test]
async fn the_database_limits_as_the_rule_does() {
    let place = Place::new();
    let store = place.store().await;
    let dice = Dice(SeededEntropy::new(5));
    for run in 0..60 {
        let limited = RateLimit {
            burst: dice.count(),
            period: dice.duration(),
        };
        let key = LimitKey::new("sign-in", "run", &run.to_string());
        let (mut now, mut stored) = (dice.start(), None);
        for _ in 0..40 {
            let (expected, next) = limit::take(stored, &limited, now);
            let taken = store.take(&key, &limited, now).await.unwrap();
            assert_eq!(taken, expected, "{limited:?} {stored:?} {now:?}");
            stored = next.or(stored);
            if dice.number().is_multiple_of(5) {
                store.refund(&key, &limited, now).await.unwrap();
                stored = stored.map(|stored| limit::refund(stored, &limited));
            }
            now = dice.step(now);
        }
    }
}
