//! A password holds for a while before its owner may change it again.

use std::time::Duration;

use portcullis_backends::core::event::{AuthEventType, Reason};
use portcullis_backends::core::policy::PolicyOverrides;
use portcullis_backends::flow::{ChangePasswordOutcome, ResetPasswordOutcome};

use super::{NEW, kept};
use crate::harness::{ADA, Harness, PASSWORD};

const NEWER: &str = "staples for the battery horse";
const HOUR: u64 = 3600;

async fn with_an_hour() -> Harness {
    Harness::with(|builder| {
        builder.policy(PolicyOverrides {
            password_change_cooldown_secs: Some(3600),
            ..PolicyOverrides::default()
        })
    })
    .await
}

#[track_caller]
fn wait(outcome: ChangePasswordOutcome) -> Duration {
    match outcome {
        ChangePasswordOutcome::TooSoon { retry_after } => retry_after,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_password_that_was_just_changed_is_not_changed_again_until_the_wait_is_over() {
    let h = with_an_hour().await;
    h.person(ADA).await;
    h.advance(HOUR);
    let here = h.sign_in(ADA).await;
    let here = kept(h.change(&here, PASSWORD, NEW).await);
    h.advance(1);
    let hour = Duration::from_secs(HOUR);
    let left = wait(h.change(&here, NEW, NEWER).await);
    assert_eq!(left, hour - Duration::from_secs(1));
    h.advance(HOUR - 2);
    let left = wait(h.change(&here, NEW, NEWER).await);
    assert_eq!(left, Duration::from_secs(1));
    assert!(h.counts(&here).await, "the session goes on");
    assert!(h.signs_in(ADA, NEW).await, "nothing was changed");
    h.advance(1);
    kept(h.change(&here, NEW, NEWER).await);
    let events = h.events().await;
    let noted = events.iter().filter(|event| {
        event.kind == AuthEventType::PasswordChanged
            && event.reason == Some(Reason::ChangedRecently)
    });
    assert_eq!(noted.count(), 2);
}

#[tokio::test]
async fn the_first_password_holds_as_long_as_any() {
    let h = with_an_hour().await;
    h.person(ADA).await;
    let here = h.sign_in(ADA).await;
    wait(h.change(&here, PASSWORD, NEW).await);
    h.advance(HOUR);
    kept(h.change(&here, PASSWORD, NEW).await);
}

#[tokio::test]
async fn without_a_wait_in_the_policy_a_password_is_changed_at_any_time() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let here = h.sign_in(ADA).await;
    let here = kept(h.change(&here, PASSWORD, NEW).await);
    kept(h.change(&here, NEW, NEWER).await);
}

#[tokio::test]
async fn who_does_not_know_the_password_does_not_learn_when_it_was_set() {
    let h = with_an_hour().await;
    h.person(ADA).await;
    let here = h.sign_in(ADA).await;
    let outcome = h.change(&here, "not the password at all", NEW).await;
    assert!(matches!(outcome, ChangePasswordOutcome::CurrentRefused));
    wait(h.change(&here, PASSWORD, NEW).await);
}

/// Whoever took a session and its password over is got rid of by whoever has the mailbox, wait or not.
#[tokio::test]
async fn a_link_sets_a_password_at_any_time_and_the_wait_begins_anew() {
    let h = with_an_hour().await;
    h.person(ADA).await;
    h.advance(HOUR);
    let thief = h.sign_in(ADA).await;
    let thief = kept(h.change(&thief, PASSWORD, NEW).await);
    let link = h.reset_link(ADA).await;
    let reset = h.reset(&link, NEWER).await;
    assert!(matches!(reset, ResetPasswordOutcome::Reset { .. }));
    assert!(!h.counts(&thief).await);
    let link = h.reset_link(ADA).await;
    let reset = h.reset(&link, PASSWORD).await;
    assert!(
        matches!(reset, ResetPasswordOutcome::Reset { .. }),
        "and again"
    );
    let owner = h.sign_in(ADA).await;
    wait(h.change(&owner, PASSWORD, NEW).await);
}

// PW-12
#[tokio::test]
async fn a_hash_that_is_brought_up_to_date_makes_nobody_wait() {
    let h = with_an_hour().await;
    h.person(ADA).await;
    h.advance(HOUR);
    h.hasher.raise_cost();
    let here = h.sign_in(ADA).await;
    let events = h.events().await;
    let rehashed = |event: &_| -> bool {
        let event: &portcullis_backends::core::event::AuthEvent = event;
        event.kind == AuthEventType::PasswordRehashed
    };
    assert!(events.iter().any(rehashed));
    kept(h.change(&here, PASSWORD, NEW).await);
}

#[tokio::test]
async fn a_clock_that_goes_back_makes_nobody_wait_longer_than_the_policy_says() {
    let h = with_an_hour().await;
    h.person(ADA).await;
    let here = h.sign_in(ADA).await;
    h.clock
        .set(h.portcullis.now().minus(Duration::from_secs(HOUR / 2)));
    let left = wait(h.change(&here, PASSWORD, NEW).await);
    assert_eq!(left, Duration::from_secs(HOUR));
}
