//! Giving the password again in a session.

use portcullis_backends::Authentication;
use portcullis_backends::core::along::Along;
use portcullis_backends::core::backend::Credential;
use portcullis_backends::core::event::{AuthEventStatus, AuthEventType, Reason};
use portcullis_backends::core::factor::FactorKind;
use portcullis_backends::core::principal::Via;
use portcullis_backends::core::secret::Password;
use portcullis_backends::core::session::AssuranceLevel;
use portcullis_backends::core::store::AccountStore as _;
use portcullis_backends::flow::{SignInOutcome, SignedIn, StepUp, StepUpOutcome};

use crate::harness::{ADA, Harness, PASSWORD};

const WRONG: &str = "the wrong horse entirely";
const DAY: u64 = 24 * 3600;

impl Harness {
    async fn step_up(&self, who: &SignedIn, password: &str) -> StepUpOutcome {
        let input = StepUp {
            password: Password::new(password).unwrap(),
        };
        let context = self.context();
        let outcome = self.portcullis.step_up(&who.principal, input, &context);
        outcome.await.unwrap()
    }

    async fn is_live(&self, who: &SignedIn) -> bool {
        let cookie = Credential::Cookie(who.cookie.expose());
        let answer = self.present(Some(cookie)).await.unwrap();
        matches!(answer, Authentication::Authenticated(_))
    }
}

#[track_caller]
fn stepped_up(outcome: StepUpOutcome) -> SignedIn {
    match outcome {
        StepUpOutcome::SteppedUp(signed_in) => *signed_in,
        other => panic!("{other:?}"),
    }
}

// SE-02, SE-07
#[tokio::test]
async fn stepping_up_renews_the_proof_under_a_new_id_and_the_old_one_is_dead() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let (before, elsewhere) = (h.sign_in(ADA).await, h.sign_in(ADA).await);
    h.advance(DAY);
    let sessions = h.portcullis.list_sessions(&before.principal).await.unwrap();
    let old = sessions.iter().find(|session| session.current).unwrap();
    let after = stepped_up(h.step_up(&before, PASSWORD).await);
    assert_ne!(after.principal.session(), before.principal.session());
    assert!(h.is_live(&after).await && h.is_live(&elsewhere).await);
    assert!(!h.is_live(&before).await);
    let assurance = &after.principal.assurance;
    assert_eq!(assurance.at, h.portcullis.now());
    assert_eq!(assurance.level, AssuranceLevel::Aal1);
    assert_eq!(assurance.factors, [FactorKind::Password]);
    let sessions = h.portcullis.list_sessions(&after.principal).await.unwrap();
    assert_eq!(sessions.len(), 2);
    let new = sessions.iter().find(|session| session.current).unwrap();
    assert_eq!(
        (new.created_at, new.absolute_deadline, &new.device),
        (old.created_at, old.absolute_deadline, &old.device)
    );
    let events = h.events().await;
    let confirmed = |status| {
        let of = |kind| kind == AuthEventType::PasswordConfirmed;
        let found = events.iter().filter(|e| of(e.kind) && e.status == status);
        found.count()
    };
    assert_eq!(confirmed(AuthEventStatus::Success), 1);
}

// SE-03
#[tokio::test]
async fn a_session_that_got_a_new_id_stays_unused_as_long_as_before_and_lives_no_longer() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let mut here = *h.sign_in(ADA).await;
    let mut left = 90;
    for _ in 0..6 {
        h.advance(13 * DAY);
        left -= 13;
        here = stepped_up(h.step_up(&here, PASSWORD).await);
        assert_eq!(here.max_age.as_secs(), left * DAY);
    }
    h.advance(12 * DAY - 1);
    assert!(h.is_live(&here).await);
    h.advance(1);
    assert!(!h.is_live(&here).await);
    let outcome = h.step_up(&here, PASSWORD).await;
    assert!(matches!(outcome, StepUpOutcome::SessionRequired));
}

// SE-07, PW-08
#[tokio::test]
async fn a_wrong_password_steps_nobody_up_and_counts_like_a_sign_in() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let here = h.sign_in(ADA).await;
    for _ in 0..5 {
        let outcome = h.step_up(&here, WRONG).await;
        assert!(matches!(outcome, StepUpOutcome::Refused));
    }
    let hashes = h.hasher.hashes();
    let outcome = h.step_up(&here, PASSWORD).await;
    assert!(matches!(outcome, StepUpOutcome::Locked { .. }));
    assert_eq!(h.hasher.hashes(), hashes, "a locked attempt hashes nothing");
    let outcome = h.try_sign_in(ADA, PASSWORD).await.unwrap();
    assert!(matches!(outcome, SignInOutcome::Locked { .. }), "one count");
    assert!(h.is_live(&here).await);
    h.advance(3600);
    stepped_up(h.step_up(&here, PASSWORD).await);
    let events = h.events().await;
    assert!(events.iter().any(|event| {
        event.kind == AuthEventType::PasswordConfirmed
            && event.reason == Some(Reason::WrongPassword)
    }));
}

// SE-07, AK-05
#[tokio::test]
async fn only_a_live_session_of_the_latest_epoch_is_stepped_up() {
    let h = Harness::new().await;
    let ada = h.person(ADA).await;
    let mut program = h.sign_in(ADA).await;
    let (stale, session) = (h.sign_in(ADA).await, program.principal.via);
    program.principal.via = Via::Basic;
    let hashes = h.hasher.hashes();
    let outcome = h.step_up(&program, PASSWORD).await;
    assert!(matches!(outcome, StepUpOutcome::SessionRequired));
    program.principal.via = session;
    let context = h.context();
    let signed_out = h.portcullis.sign_out(&program.principal, &context);
    signed_out.await.unwrap();
    let outcome = h.step_up(&program, PASSWORD).await;
    assert!(matches!(outcome, StepUpOutcome::SessionRequired));
    assert_eq!(h.hasher.hashes(), hashes);
    // Whoever holds it was let in a moment before the epoch moved; the session's row is still there.
    let tenant = h.portcullis.default_tenant();
    let moved = h.store.bump_epoch(tenant, ada, Along::default()).await;
    assert!(moved.unwrap().applied().is_some());
    let outcome = h.step_up(&stale, PASSWORD).await;
    assert!(matches!(outcome, StepUpOutcome::SessionRequired));
    assert!(!h.is_live(&stale).await);
}
