//! Changing a password that is known.

use portcullis_backends::core::along::Along;
use portcullis_backends::core::event::{AuthEventType, Reason};
use portcullis_backends::core::principal::Via;
use portcullis_backends::core::store::AccountStore as _;
use portcullis_backends::flow::ChangePasswordOutcome;

use super::{NEW, kept};
use crate::harness::{ADA, Harness, PASSWORD};

// SE-06
#[tokio::test]
async fn a_change_ends_every_session_but_the_callers_which_gets_a_new_id() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let (here, there, third) = (
        h.sign_in(ADA).await,
        h.sign_in(ADA).await,
        h.sign_in(ADA).await,
    );
    let renewed = kept(h.change(&here, PASSWORD, NEW).await);
    assert_ne!(renewed.principal.session(), here.principal.session());
    assert!(h.counts(&renewed).await);
    for old in [&here, &there, &third] {
        assert!(!h.counts(old).await);
    }
    let listed = h
        .portcullis
        .list_sessions(&renewed.principal)
        .await
        .unwrap();
    assert_eq!(listed.len(), 1);
    assert!(listed[0].current);
    assert!(!h.signs_in(ADA, PASSWORD).await);
    assert!(h.signs_in(ADA, NEW).await);
}

// SE-02, SE-03
#[tokio::test]
async fn the_callers_session_lives_no_longer_and_is_no_fresher_than_before() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let here = h.sign_in(ADA).await;
    h.advance(3600);
    let before = h.portcullis.list_sessions(&here.principal).await.unwrap();
    let renewed = kept(h.change(&here, PASSWORD, NEW).await);
    let after = h
        .portcullis
        .list_sessions(&renewed.principal)
        .await
        .unwrap();
    assert_eq!(after[0].absolute_deadline, before[0].absolute_deadline);
    assert_eq!(after[0].created_at, before[0].created_at);
    assert_eq!(renewed.principal.assurance, here.principal.assurance);
}

// PW-08
#[tokio::test]
async fn a_wrong_current_password_changes_nothing_and_counts_like_a_sign_in() {
    let h = Harness::new().await;
    h.person(ADA).await;
    h.person("eve@example.com").await;
    let here = h.sign_in(ADA).await;
    for _ in 0..5 {
        let outcome = h.change(&here, "the wrong horse entirely", NEW).await;
        assert!(matches!(outcome, ChangePasswordOutcome::CurrentRefused));
    }
    let before = h.hasher.hashes();
    let outcome = h.change(&here, PASSWORD, NEW).await;
    assert!(matches!(outcome, ChangePasswordOutcome::Locked { .. }));
    assert_eq!(h.hasher.hashes(), before, "a locked attempt hashes nothing");
    assert!(
        !h.signs_in(ADA, PASSWORD).await,
        "the count is the one of sign-in"
    );
    h.advance(3600);
    assert!(h.signs_in(ADA, PASSWORD).await, "nothing was changed");
    assert!(h.counts(&here).await);
    let events = h.events().await;
    assert!(
        events
            .iter()
            .any(|event| event.kind == AuthEventType::PasswordConfirmed
                && event.reason == Some(Reason::WrongPassword))
    );
    assert!(
        !events
            .iter()
            .any(|e| e.kind == AuthEventType::PasswordChanged)
    );
}

// PW-08
#[tokio::test]
async fn somebody_elses_password_is_not_the_current_one() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let here = h.sign_in(ADA).await;
    let eve = h.person("eve@example.com").await;
    assert_ne!(here.principal.user(), eve);
    let eve = h.sign_in("eve@example.com").await;
    kept(h.change(&eve, PASSWORD, "quite another set of words").await);
    let outcome = h.change(&here, "quite another set of words", NEW).await;
    assert!(matches!(outcome, ChangePasswordOutcome::CurrentRefused));
}

// AK-05
#[tokio::test]
async fn only_a_live_session_changes_a_password() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let mut program = h.sign_in(ADA).await;
    let session = program.principal.via;
    program.principal.via = Via::Basic;
    let before = h.hasher.hashes();
    let outcome = h.change(&program, PASSWORD, NEW).await;
    assert!(matches!(outcome, ChangePasswordOutcome::SessionRequired));
    program.principal.via = session;
    let context = h.context();
    h.portcullis
        .sign_out(&program.principal, &context)
        .await
        .unwrap();
    let outcome = h.change(&program, PASSWORD, NEW).await;
    assert!(matches!(outcome, ChangePasswordOutcome::SessionRequired));
    assert_eq!(h.hasher.hashes(), before);
}

#[tokio::test]
async fn a_session_whose_epoch_is_over_changes_nothing_even_with_the_right_password() {
    let h = Harness::new().await;
    let ada = h.person(ADA).await;
    // Whoever holds it was let in a moment before the epoch moved; the session's row is still there.
    let stale = h.sign_in(ADA).await;
    let tenant = h.portcullis.default_tenant();
    let moved = h.store.bump_epoch(tenant, ada, Along::default()).await;
    assert!(moved.unwrap().applied().is_some());
    let outcome = h.change(&stale, PASSWORD, NEW).await;
    assert!(matches!(outcome, ChangePasswordOutcome::SessionRequired));
    assert!(h.signs_in(ADA, PASSWORD).await);
}

// PW-03
#[tokio::test]
async fn a_password_is_the_same_composed_and_decomposed() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let here = h.sign_in(ADA).await;
    let (composed, decomposed) = (
        "caf\u{e9} cr\u{e8}me br\u{fb}l\u{e9}e",
        "cafe\u{301} cre\u{300}me bru\u{302}le\u{301}e",
    );
    let here = kept(h.change(&here, PASSWORD, decomposed).await);
    assert!(h.signs_in(ADA, composed).await);
    assert!(h.signs_in(ADA, decomposed).await);
    assert!(!h.signs_in(ADA, "cafe creme brulee").await);
    kept(h.change(&here, composed, NEW).await);
}

// PW-18, PW-08
#[tokio::test]
async fn the_owner_is_told_of_a_change_without_the_password() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let here = h.sign_in(ADA).await;
    h.advance(1);
    kept(h.change(&here, PASSWORD, NEW).await);
    h.portcullis.run_due().await.unwrap();
    let mail = h.mailbox.last_to(ADA).unwrap();
    assert!(mail.subject.contains("was changed"), "{}", mail.subject);
    assert!(!mail.text.contains(NEW) && !mail.text.contains(PASSWORD));
    assert!(mail.token().is_none());
}

// PW-09
#[tokio::test]
async fn a_password_does_not_grow_old() {
    let h = Harness::new().await;
    h.person(ADA).await;
    h.advance(10 * 366 * 24 * 3600);
    assert!(h.signs_in(ADA, PASSWORD).await);
}
