//! Access and refresh tokens where the clock jumps.

use std::time::Duration;

use portcullis_backends::Authentication;
use portcullis_backends::core::backend::Credential;
use portcullis_backends::core::clock::Clock as _;
use portcullis_backends::core::policy::TenantPolicy;
use portcullis_backends::core::rule::CLOCK_SKEW;
use portcullis_backends::core::time::Timestamp;
use portcullis_backends::flow::TokenPair;

use super::harness::jumps::jumps;
use super::{Harness, instance, issue, refresh};

const SECOND: Duration = Duration::from_secs(1);

async fn lets_in(h: &Harness, pair: &TokenPair) -> bool {
    let bearer = Credential::Bearer(pair.access.expose());
    let answer = h.present(Some(bearer)).await.unwrap();
    matches!(answer, Authentication::Authenticated(_))
}

/// Access tokens say no time before 1970 and none past the year 9999: there are none then.
fn jumps_that_a_token_can_say(start: Timestamp) -> impl Iterator<Item = Timestamp> {
    let last = Timestamp::from_secs(253_402_300_799).minus(TenantPolicy::default().token.access);
    let sayable = move |jump: &Timestamp| (Timestamp::UNIX_EPOCH..last).contains(jump);
    jumps(start).into_iter().filter(sayable)
}

// FT-17
#[tokio::test]
async fn a_clock_that_jumps_makes_no_pair_last_longer() {
    let start = instance().await.clock.now();
    let policy = TenantPolicy::default().token;
    for jump in jumps_that_a_token_can_say(start) {
        let h = instance().await;
        let before = issue(&h, None).await;
        h.clock.set(jump);
        let _either = lets_in(&h, &before).await;
        let there = issue(&h, None).await;
        assert!(lets_in(&h, &there).await, "{jump}");
        h.portcullis.run_due().await.unwrap();

        h.clock.set(start.plus(SECOND));
        let ahead = jump > start.plus(CLOCK_SKEW);
        let expired = jump < start.minus(policy.access);
        assert_eq!(lets_in(&h, &there).await, !ahead && !expired, "{jump}");

        h.clock.set(start.plus(policy.access + CLOCK_SKEW));
        for pair in [&before, &there] {
            assert!(!lets_in(&h, pair).await, "{jump}: past its end");
        }
        h.clock.set(start.plus(policy.refresh_absolute));
        for pair in [&before, &there] {
            let refreshed = refresh(&h, &pair.refresh).await;
            assert!(refreshed.is_none(), "{jump}: past the family's end");
        }
    }
}

// FT-17, RT-01
#[tokio::test]
async fn a_family_that_has_ended_stays_ended_wherever_the_clock_jumps() {
    let start = instance().await.clock.now();
    for jump in jumps(start) {
        let h = instance().await;
        let first = issue(&h, None).await;
        let second = refresh(&h, &first.refresh).await.unwrap();
        h.advance(60);
        assert!(refresh(&h, &first.refresh).await.is_none(), "replayed");
        for now in [jump, start, start.plus(SECOND), jump] {
            h.clock.set(now);
            for token in [&first.refresh, &second.refresh] {
                let refreshed = refresh(&h, token).await;
                assert!(refreshed.is_none(), "{now}: {jump}");
            }
            h.portcullis.run_due().await.unwrap();
        }
    }
}

// FT-17, RT-02
#[tokio::test]
async fn a_pair_goes_on_in_one_chain_wherever_the_clock_jumps_or_ends() {
    let start = instance().await.clock.now();
    for jump in jumps_that_a_token_can_say(start) {
        let h = instance().await;
        let first = issue(&h, None).await;
        let mut newest = refresh(&h, &first.refresh).await.unwrap();
        for now in [jump, start, start.plus(SECOND)] {
            h.clock.set(now);
            let Some(next) = refresh(&h, &newest.refresh).await else {
                break;
            };
            newest = next;
        }
        let now = Timestamp::max(h.clock.now(), start).plus(Duration::from_secs(60));
        h.clock.set(now);
        // Whoever kept the first has nothing of it, and nobody has two chains.
        assert!(refresh(&h, &first.refresh).await.is_none(), "{jump}");
        assert!(refresh(&h, &newest.refresh).await.is_none(), "{jump}");
    }
}
