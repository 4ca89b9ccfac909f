//! Rate limits by the generic cell rate algorithm: one number a key, the theoretical arrival time.

use crate::rule::CLOCK_SKEW;
use crate::store::{RateLimit, Taken};
use crate::time::Timestamp;

/// Takes one at `now` where the stored arrival time is `stored`: the answer and the time to store, `None` to leave it.
#[must_use]
pub fn take(
    stored: Option<Timestamp>,
    limit: &RateLimit,
    now: Timestamp,
) -> (Taken, Option<Timestamp>) {
    let furthest = furthest(limit, now);
    let arrival = stored
        .filter(|stored| *stored <= furthest)
        .map_or(now, |stored| stored.max(now))
        .plus(limit.interval());
    let horizon = horizon(limit, now);
    if arrival <= horizon {
        (Taken::Granted, Some(arrival))
    } else {
        (
            Taken::Limited {
                retry_after: arrival.since(horizon),
            },
            None,
        )
    }
}

/// The latest arrival time that is granted at `now`.
#[must_use]
pub fn horizon(limit: &RateLimit, now: Timestamp) -> Timestamp {
    now.plus(limit.interval() * limit.burst.max(1))
}

/// The latest arrival time that can be stored at `now`: a later one is forgotten, because a clock that ran ahead made it,
/// and it would refuse everybody for as long as the clock was wrong.
#[must_use]
pub fn furthest(limit: &RateLimit, now: Timestamp) -> Timestamp {
    horizon(limit, now).plus(CLOCK_SKEW)
}

/// Gives one back: the time to store.
#[must_use]
pub fn refund(stored: Timestamp, limit: &RateLimit) -> Timestamp {
    stored.minus(limit.interval())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LIMIT: RateLimit = RateLimit {
        burst: 3,
        period: Duration::from_secs(60),
    };

    // FT-17
    #[test]
    fn a_clock_that_ran_ahead_refuses_nobody() {
        let now = Timestamp::from_secs(1_000);
        let full = |at| (0..3).fold(None, |stored, _| take(stored, &LIMIT, at).1);
        let ahead = now.plus(Duration::from_secs(24 * 60 * 60));
        assert_eq!(take(full(ahead), &LIMIT, now).0, Taken::Granted);
        // Of another machine, whose clock is a little ahead, it counts.
        let (taken, _) = take(full(now.plus(CLOCK_SKEW)), &LIMIT, now);
        assert!(matches!(taken, Taken::Limited { .. }));
    }

    #[test]
    fn a_burst_passes_and_then_one_a_refill() {
        let mut now = Timestamp::from_secs(1_000);
        let mut stored = None;
        let mut attempt = |now| {
            let (taken, next) = take(stored, &LIMIT, now);
            stored = next.or(stored);
            taken
        };
        for _ in 0..3 {
            assert_eq!(attempt(now), Taken::Granted);
        }
        assert_eq!(
            attempt(now),
            Taken::Limited {
                retry_after: Duration::from_secs(20)
            }
        );
        now = now.plus(Duration::from_secs(20));
        assert_eq!(attempt(now), Taken::Granted);
        assert!(matches!(attempt(now), Taken::Limited { .. }));
    }

    #[test]
    fn a_refund_gives_the_place_back() {
        let now = Timestamp::from_secs(1_000);
        let mut stored = None;
        for _ in 0..3 {
            stored = take(stored, &LIMIT, now).1;
        }
        let stored = refund(stored.unwrap(), &LIMIT);
        assert_eq!(take(Some(stored), &LIMIT, now).0, Taken::Granted);
    }
}
