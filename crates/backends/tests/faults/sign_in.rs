//! Sign-in.

use portcullis_backends::core::event::{AuthEventType, Reason};
use portcullis_backends::core::secret::SecretText;
use portcullis_backends::flow::SignInOutcome;
use portcullis_testing::{Run, for_every_fault};

use crate::every::every_fault;
use crate::store::HOWS;
use crate::world::{ADA, OTHER_PASSWORD, PASSWORD, World, session_of};

const fn signed_in(outcome: &SignInOutcome) -> bool {
    matches!(outcome, SignInOutcome::SignedIn(_))
}

async fn count(w: &World, kind: AuthEventType, reason: Option<Reason>) -> usize {
    let events = w.events().await;
    let wanted = events
        .iter()
        .filter(|e| e.kind == kind && e.reason == reason);
    wanted.count()
}

// FT-32, CC-03
#[tokio::test]
async fn a_sign_in_opens_a_session_or_says_that_it_cannot() {
    every_fault(
        async |w: &World| w.person(ADA).await,
        async |w: &World, _| w.try_sign_in(ADA, PASSWORD, None).await,
        signed_in,
        async |w: &World, _, answer: Option<SignInOutcome>| {
            if let Some(outcome) = answer {
                assert!(w.accepts_cookie(&session_of(outcome).cookie).await);
            }
            assert!(w.accepts_cookie(&w.sign_in(ADA).await.cookie).await);
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn a_new_session_takes_the_place_of_the_old_one_or_the_old_one_can_be_replaced_again() {
    every_fault(
        async |w: &World| {
            w.person(ADA).await;
            w.sign_in(ADA).await.cookie
        },
        async |w: &World, old: &SecretText| w.try_sign_in(ADA, PASSWORD, Some(old)).await,
        signed_in,
        async |w: &World, old: &SecretText, answer: Option<SignInOutcome>| {
            if let Some(outcome) = answer {
                assert!(w.accepts_cookie(&session_of(outcome).cookie).await);
                assert!(
                    !w.accepts_cookie(old).await,
                    "acknowledged, and it lives on"
                );
            }
            let lives = w.accepts_cookie(old).await;
            let explained = count(w, AuthEventType::SessionRevoked, None).await > 0;
            assert!(lives || explained, "ended, and nobody knows why");
            let again = w.try_sign_in(ADA, PASSWORD, Some(old)).await.unwrap();
            assert!(w.accepts_cookie(&session_of(again).cookie).await);
            assert!(!w.accepts_cookie(old).await);
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn an_old_hash_is_upgraded_once_and_the_password_goes_on_working() {
    every_fault(
        async |w: &World| {
            w.person(ADA).await;
            w.hasher.raise_cost();
        },
        async |w: &World, (): &()| w.try_sign_in(ADA, PASSWORD, None).await,
        signed_in,
        async |w: &World, (): &(), answer: Option<SignInOutcome>| {
            let upgraded = count(w, AuthEventType::PasswordRehashed, None).await;
            assert!(answer.is_none() || upgraded == 1);
            w.sign_in(ADA).await;
            w.sign_in(ADA).await;
            assert_eq!(count(w, AuthEventType::PasswordRehashed, None).await, 1);
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn a_wrong_password_is_refused_and_logged_or_nobody_knows() {
    let wrong = Some(Reason::WrongPassword);
    every_fault(
        async |w: &World| w.person(ADA).await,
        async |w: &World, _| w.try_sign_in(ADA, OTHER_PASSWORD, None).await,
        |outcome| matches!(outcome, SignInOutcome::Refused),
        async |w: &World, _, answer: Option<SignInOutcome>| {
            let logged = count(w, AuthEventType::SignIn, wrong).await;
            assert!(answer.is_none() || logged == 1, "refused, and not logged");
            let again = w.try_sign_in(ADA, OTHER_PASSWORD, None).await.unwrap();
            assert!(matches!(again, SignInOutcome::Refused));
            w.sign_in(ADA).await;
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn somebody_unknown_is_refused_and_logged_or_nobody_knows() {
    let unknown = Some(Reason::UnknownIdentifier);
    every_fault(
        async |_: &World| (),
        async |w: &World, (): &()| w.try_sign_in(ADA, PASSWORD, None).await,
        |outcome| matches!(outcome, SignInOutcome::Refused),
        async |w: &World, (): &(), answer: Option<SignInOutcome>| {
            let logged = count(w, AuthEventType::SignIn, unknown).await;
            assert!(answer.is_none() || logged == 1, "refused, and not logged");
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn whoever_is_locked_out_stays_out_until_the_delay_is_over() {
    let locked = |outcome: &SignInOutcome| matches!(outcome, SignInOutcome::Locked { .. });
    every_fault(
        async |w: &World| {
            w.person(ADA).await;
            for _ in 0..5 {
                let refused = w.try_sign_in(ADA, OTHER_PASSWORD, None).await.unwrap();
                assert!(matches!(refused, SignInOutcome::Refused));
            }
        },
        async |w: &World, (): &()| w.try_sign_in(ADA, PASSWORD, None).await,
        locked,
        async |w: &World, (): &(), _| {
            w.advance(3600);
            w.sign_in(ADA).await;
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn a_refusal_that_could_not_be_logged_is_logged_the_next_time() {
    let locked = async |w: &World| w.try_sign_in(ADA, PASSWORD, None).await;
    for_every_fault(
        HOWS,
        async || {
            let w = World::new().await;
            w.person(ADA).await;
            for _ in 0..5 {
                w.try_sign_in(ADA, OTHER_PASSWORD, None).await.unwrap();
            }
            w
        },
        locked,
        async |w: &World, _: Run<_>| {
            locked(w).await.unwrap();
            locked(w).await.unwrap();
            let logged = count(w, AuthEventType::SignIn, Some(Reason::LockedOut)).await;
            // Where nobody knows whether it was, it may be there twice; more often the log is not filled.
            assert!((1..=2).contains(&logged), "logged {logged} times");
        },
    )
    .await;
}
