//! Limits while their store does not answer: counted in this process alone.
//!
//! Each process grants the whole of a limit then, so N of them grant N times as much. That is a bound; none would be
//! none.

use std::collections::HashMap;
use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use portcullis_backends::FlowError;
use portcullis_core::rule;
use portcullis_core::store::{LimitKey, RateLimit, Taken};
use portcullis_core::time::Timestamp;

/// As many are counted apart; about 200 bytes each.
const KEYS_MAX: usize = 16_384;

/// The counts of this process.
#[derive(Debug, Default)]
pub(crate) struct InProcess {
    arrivals: Mutex<HashMap<LimitKey, Timestamp>>,
    told: AtomicBool,
}

impl InProcess {
    /// Takes one. Where so many are counted that there is no room for another, there is none to take either.
    pub(crate) fn take(&self, key: &LimitKey, limit: &RateLimit, now: Timestamp) -> Taken {
        let mut arrivals = self.arrivals();
        if arrivals.len() >= KEYS_MAX && !arrivals.contains_key(key) {
            // An arrival time that is past is as good as none.
            arrivals.retain(|_, arrival| now < *arrival);
            if arrivals.len() >= KEYS_MAX {
                let retry_after = limit.interval();
                return Taken::Limited { retry_after };
            }
        }
        let (taken, next) = rule::limit::take(arrivals.get(key).copied(), limit, now);
        if let Some(next) = next {
            arrivals.insert(key.clone(), next);
        }
        taken
    }

    /// Gives one back.
    pub(crate) fn refund(&self, key: &LimitKey, limit: &RateLimit) {
        if let Some(arrival) = self.arrivals().get_mut(key) {
            *arrival = rule::limit::refund(*arrival, limit);
        }
    }

    /// Once until the store answers again: an outage is one line, not one a request.
    pub(crate) fn begins(&self, error: &FlowError) {
        if !self.told.swap(true, Ordering::Relaxed) {
            let error = error as &dyn Error;
            tracing::warn!(error, "limits are counted in this process alone");
        }
    }

    /// The store answers.
    pub(crate) fn ends(&self) {
        if self.told.load(Ordering::Relaxed) {
            self.told.store(false, Ordering::Relaxed);
        }
    }

    fn arrivals(&self) -> MutexGuard<'_, HashMap<LimitKey, Timestamp>> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LIMIT: RateLimit = RateLimit {
        burst: 3,
        period: Duration::from_secs(60),
    };

    fn key(value: &str) -> LimitKey {
        LimitKey::new("sign-in", "address", value)
    }

    // TH-12
    #[test]
    fn a_process_grants_a_burst_and_then_one_a_refill() {
        let counts = InProcess::default();
        let now = Timestamp::from_secs(1_000);
        for _ in 0..3 {
            assert_eq!(counts.take(&key("a"), &LIMIT, now), Taken::Granted);
        }
        let limited = counts.take(&key("a"), &LIMIT, now);
        assert!(matches!(limited, Taken::Limited { .. }));
        assert_eq!(counts.take(&key("b"), &LIMIT, now), Taken::Granted);
        counts.refund(&key("a"), &LIMIT);
        assert_eq!(counts.take(&key("a"), &LIMIT, now), Taken::Granted);
        let later = now.plus(LIMIT.interval());
        assert_eq!(counts.take(&key("a"), &LIMIT, later), Taken::Granted);
    }

    // TH-12, FT-19
    #[test]
    fn so_many_keys_that_there_is_no_room_are_limited_and_those_of_yesterday_make_room() {
        let counts = InProcess::default();
        let now = Timestamp::from_secs(1_000);
        for number in 0..KEYS_MAX {
            let granted = counts.take(&key(&number.to_string()), &LIMIT, now);
            assert_eq!(granted, Taken::Granted);
        }
        let limited = counts.take(&key("one more"), &LIMIT, now);
        assert!(matches!(limited, Taken::Limited { .. }));
        assert_eq!(counts.take(&key("0"), &LIMIT, now), Taken::Granted);
        let later = now.plus(LIMIT.period);
        assert_eq!(counts.take(&key("one more"), &LIMIT, later), Taken::Granted);
        assert!(counts.arrivals().len() <= KEYS_MAX);
    }
}
