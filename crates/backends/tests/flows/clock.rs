//! A clock that jumps: by a second, an hour, a day, to 1970, past 2038 and to the year 9999, and back again.

use std::time::Duration;

use portcullis_backends::core::clock::Clock as _;
use portcullis_backends::core::policy::TenantPolicy;
use portcullis_backends::core::rule::CLOCK_SKEW;
use portcullis_backends::core::secret::SecretText;
use portcullis_backends::core::time::Timestamp;
use portcullis_backends::flow::{SignInOutcome, SignedIn, VerifyEmailOutcome};

use crate::harness::jumps::jumps;
use crate::harness::{ADA, Harness, PASSWORD};
use crate::lifetimes::{api_token, is_accepted, is_signed_in, new_token};
use crate::magic_link::{link, send, works};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Does what people do all day, and expects an answer from all of it.
async fn a_day(h: &Harness, signed_in: &SignedIn) {
    let _either = is_signed_in(h, signed_in).await;
    let right = h.try_sign_in(ADA, PASSWORD).await.unwrap();
    assert!(matches!(right, SignInOutcome::SignedIn(_)), "{right:?}");
    let wrong = h.try_sign_in(ADA, "wrong horse battery staple").await;
    wrong.unwrap();
    send(h, ADA).await;
    h.sign_up("eve@example.com", PASSWORD).await;
    h.portcullis.run_due().await.unwrap();
    assert!(!h.events().await.is_empty());
}

// FT-17
#[tokio::test]
async fn the_service_goes_on_wherever_the_clock_jumps() {
    let start = Harness::new().await.clock.now();
    for jump in jumps(start) {
        let h = Harness::new().await;
        h.person(ADA).await;
        let signed_in = h.sign_in(ADA).await;
        h.clock.set(jump);
        a_day(&h, &signed_in).await;
        h.clock.set(start.plus(HOUR));
        a_day(&h, &signed_in).await;
    }
}

// FT-17
#[tokio::test]
async fn a_clock_that_jumps_makes_no_session_last_longer() {
    let start = Harness::new().await.clock.now();
    let absolute = TenantPolicy::default().session.absolute;
    for jump in jumps(start) {
        let h = Harness::new().await;
        h.person(ADA).await;
        let before = h.sign_in(ADA).await;
        h.clock.set(jump);
        // Used there, which would slide its end.
        let _either = is_signed_in(&h, &before).await;
        let there = h.sign_in(ADA).await;
        h.portcullis.run_due().await.unwrap();

        h.clock.set(start.plus(SECOND));
        let ahead = jump > start.plus(CLOCK_SKEW);
        let expired = jump < start.minus(DAY);
        let lives = is_signed_in(&h, &there).await;
        assert_eq!(lives, !ahead && !expired, "{jump}: made there");

        h.clock.set(start.plus(absolute));
        for session in [&before, &there] {
            assert!(!is_signed_in(&h, session).await, "{jump}: past its end");
        }
    }
}

/// Tokens that count no more, each for a reason of its own.
struct Ended {
    signed_out: Box<SignedIn>,
    used: SecretText,
    superseded: SecretText,
    verified: SecretText,
    revoked: SecretText,
}

impl Ended {
    async fn make(h: &Harness) -> Self {
        let browser = h.sign_up(ADA, PASSWORD).await;
        let verified = h.mailed_token(ADA).await;
        let outcome = h.verify(&verified, Some(&browser)).await;
        assert!(matches!(outcome, VerifyEmailOutcome::Verified { .. }));
        let superseded = link(h, ADA).await;
        let used = link(h, ADA).await;
        assert!(works(h, &used).await);
        let signed_out = h.sign_in(ADA).await;
        let revoked = api_token(h, &signed_out.principal, new_token()).await;
        let p = &h.portcullis;
        p.revoke_all_api_tokens(&signed_out.principal, &h.context())
            .await
            .unwrap();
        p.sign_out_everywhere(&signed_out.principal, &h.context())
            .await
            .unwrap();
        Self {
            signed_out,
            used,
            superseded,
            verified,
            revoked,
        }
    }

    async fn assert_ended(&self, h: &Harness, when: Timestamp) {
        assert!(!is_signed_in(h, &self.signed_out).await, "{when}");
        assert!(!is_accepted(h, &self.revoked).await, "{when}");
        for link in [&self.used, &self.superseded] {
            assert!(!works(h, link).await, "{when}");
        }
        let again = h.verify(&self.verified, None).await;
        let refused = matches!(again, VerifyEmailOutcome::Rejected);
        assert!(refused, "{when}: {again:?}");
    }
}

// FT-17
#[tokio::test]
async fn what_has_ended_stays_ended_wherever_the_clock_jumps() {
    let start = Harness::new().await.clock.now();
    for jump in jumps(start) {
        let h = Harness::new().await;
        let ended = Ended::make(&h).await;
        for now in [jump, start, start.plus(HOUR), jump] {
            h.clock.set(now);
            ended.assert_ended(&h, now).await;
            h.portcullis.run_due().await.unwrap();
        }
    }
}

// FT-17
#[tokio::test]
async fn a_clock_that_goes_back_a_little_ends_nothing() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let signed_in = h.sign_in(ADA).await;
    let token = api_token(&h, &signed_in.principal, new_token()).await;
    let now = h.clock.now();
    h.clock.set(now.minus(CLOCK_SKEW));
    assert!(is_signed_in(&h, &signed_in).await);
    assert!(is_accepted(&h, &token).await);
    h.clock.set(now.minus(CLOCK_SKEW + SECOND));
    assert!(!is_signed_in(&h, &signed_in).await, "early, at worst");
    h.clock.set(now);
    assert!(is_signed_in(&h, &signed_in).await);
}

async fn lock(h: &Harness) {
    for _ in 0..5 {
        let refused = h.try_sign_in(ADA, "wrong horse battery staple").await;
        assert!(matches!(refused, Ok(SignInOutcome::Refused)), "{refused:?}");
    }
}

// FT-17, TH-04
#[tokio::test]
async fn a_lock_is_over_in_time_wherever_the_clock_was_when_it_began() {
    let start = Harness::new().await.clock.now();
    let longest = TenantPolicy::default().lockout.max_delay;
    for jump in jumps(start) {
        let h = Harness::new().await;
        h.person(ADA).await;
        h.clock.set(jump);
        lock(&h).await;
        h.clock.set(jump.minus(SECOND));
        let locked = h.try_sign_in(ADA, PASSWORD).await.unwrap();
        assert!(matches!(locked, SignInOutcome::Locked { .. }), "{jump}");
        h.clock.set(start.plus(longest));
        let right = h.try_sign_in(ADA, PASSWORD).await.unwrap();
        assert!(
            matches!(right, SignInOutcome::SignedIn(_)),
            "{jump}: {right:?}"
        );
    }
}
