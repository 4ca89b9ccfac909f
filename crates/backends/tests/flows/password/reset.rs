//! Setting a new password with a link.

use portcullis_backends::core::backend::RequestContext;
use portcullis_backends::core::event::{AuthEventType, Reason};
use portcullis_backends::core::factor::FactorKind;
use portcullis_backends::core::secret::Password;
use portcullis_backends::core::session::AssuranceLevel;
use portcullis_backends::core::state::EntityState;
use portcullis_backends::flow::{
    ResetPassword, ResetPasswordOutcome, SignIn, SignInOutcome, VerifyEmailOutcome,
};

use super::NEW;
use crate::harness::{ADA, Harness, PASSWORD};

// PW-18
#[tokio::test]
async fn a_reset_link_works_once_signs_nobody_in_and_ends_every_session() {
    let h = Harness::new().await;
    let ada = h.person(ADA).await;
    let (here, there) = (h.sign_in(ADA).await, h.sign_in(ADA).await);
    let link = h.reset_link(ADA).await;
    assert!(h.link_works(&link).await);
    h.advance(1);
    let address = ADA.to_owned();
    assert_eq!(
        h.reset(&link, NEW).await,
        ResetPasswordOutcome::Reset { user: ada, address }
    );
    assert!(!h.counts(&here).await && !h.counts(&there).await);
    assert!(!h.link_works(&link).await);
    let again = h.reset(&link, "yet another set of words").await;
    assert_eq!(again, ResetPasswordOutcome::Rejected);
    h.portcullis.run_due().await.unwrap();
    let mail = h.mailbox.last_to(ADA).unwrap();
    assert!(mail.subject.contains("was changed") && !mail.text.contains(NEW));
    let sessions = h.portcullis.list_sessions(&here.principal).await.unwrap();
    assert!(sessions.is_empty(), "nobody is signed in by a reset");
    assert!(h.signs_in(ADA, NEW).await);
    assert!(!h.signs_in(ADA, PASSWORD).await);
}

// PW-19
#[tokio::test]
async fn asking_for_a_new_password_changes_nothing() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let here = h.sign_in(ADA).await;
    for _ in 0..100 {
        h.forgot(ADA).await;
    }
    assert!(h.counts(&here).await);
    assert!(h.signs_in(ADA, PASSWORD).await);
}

// OT-04
#[tokio::test]
async fn a_reset_link_is_over_at_its_end() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let link = h.reset_link(ADA).await;
    h.advance(30 * 60 - 1);
    assert!(h.link_works(&link).await);
    h.advance(1);
    assert!(!h.link_works(&link).await);
    assert_eq!(h.reset(&link, NEW).await, ResetPasswordOutcome::Rejected);
}

// OT-05
#[tokio::test]
async fn a_link_works_for_what_it_was_made_for_and_nothing_else() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let reset = h.reset_link(ADA).await;
    h.sign_up("new@example.com", PASSWORD).await;
    let verification = h.mailed_token("new@example.com").await;
    assert_eq!(
        h.reset(&verification, NEW).await,
        ResetPasswordOutcome::Rejected
    );
    assert!(!h.link_works(&verification).await);
    assert_eq!(
        h.verify_with_password(&reset, NEW).await,
        VerifyEmailOutcome::Rejected
    );
    assert!(h.link_works(&reset).await, "none of them was used up");
    assert!(matches!(
        h.verify_with_password(&verification, NEW).await,
        VerifyEmailOutcome::Verified { .. }
    ));
    let reasons: Vec<_> = h.events().await.iter().filter_map(|e| e.reason).collect();
    assert!(reasons.contains(&Reason::OtherKind));
}

// OT-06
#[tokio::test]
async fn a_newer_link_a_change_or_a_suspension_ends_an_older_one() {
    let h = Harness::new().await;
    let ada = h.person(ADA).await;
    let first = h.reset_link(ADA).await;
    let second = h.reset_link(ADA).await;
    assert!(!h.link_works(&first).await);
    assert_eq!(h.reset(&first, NEW).await, ResetPasswordOutcome::Rejected);
    let here = h.sign_in(ADA).await;
    super::kept(h.change(&here, PASSWORD, NEW).await);
    assert!(!h.link_works(&second).await);
    assert_eq!(h.reset(&second, NEW).await, ResetPasswordOutcome::Rejected);
    let third = h.reset_link(ADA).await;
    h.set_state(ada, EntityState::Suspended).await;
    h.set_state(ada, EntityState::Active).await;
    assert_eq!(h.reset(&third, NEW).await, ResetPasswordOutcome::Rejected);
}

#[tokio::test]
async fn a_refused_password_does_not_use_the_link_up() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let link = h.reset_link(ADA).await;
    let before = h.hasher.hashes();
    assert!(matches!(
        h.reset(&link, "too short").await,
        ResetPasswordOutcome::PasswordRefused(_)
    ));
    assert_eq!(h.hasher.hashes(), before);
    assert!(matches!(
        h.reset(&link, NEW).await,
        ResetPasswordOutcome::Reset { .. }
    ));
}

#[tokio::test]
async fn a_reset_proves_the_address_of_a_pending_account_and_ends_the_strangers_link() {
    let h = Harness::new().await;
    // A stranger signs up with Ada's address, and keeps the browser and its cookie.
    let browser = h.sign_up(ADA, PASSWORD).await;
    let strangers = h.mailed_token(ADA).await;
    let link = h.reset_link(ADA).await;
    let ResetPasswordOutcome::Reset { user, .. } = h.reset(&link, NEW).await else {
        panic!("the owner has the link");
    };
    assert_eq!(
        h.verify(&strangers, Some(&browser)).await,
        VerifyEmailOutcome::Rejected
    );
    assert!(h.signs_in(ADA, NEW).await);
    assert!(!h.signs_in(ADA, PASSWORD).await);
    let tenant = h.portcullis.default_tenant();
    let found = h.portcullis.admin_find_user(tenant, ADA).await.unwrap();
    let record = found.unwrap();
    assert_eq!(record.user.id, user);
    assert_eq!(record.account.unwrap().verified.len(), 1);
}

#[tokio::test]
async fn somebody_without_a_password_sets_their_first_with_a_link() {
    use portcullis_backends::core::along::Along;
    use portcullis_backends::core::store::FactorStore as _;
    let h = Harness::new().await;
    let ada = h.person(ADA).await;
    let tenant = h.portcullis.default_tenant();
    let removed = h
        .store
        .remove_factor(tenant, ada, FactorKind::Password, Along::default())
        .await;
    assert!(removed.unwrap().applied().is_some());
    let link = h.reset_link(ADA).await;
    assert!(matches!(
        h.reset(&link, NEW).await,
        ResetPasswordOutcome::Reset { .. }
    ));
    assert!(h.signs_in(ADA, NEW).await);
}

#[tokio::test]
async fn nobody_who_was_switched_off_comes_back_by_a_reset() {
    for state in [EntityState::Suspended, EntityState::Terminated] {
        let h = Harness::new().await;
        let ada = h.person(ADA).await;
        let before = h.reset_link(ADA).await;
        h.set_state(ada, state).await;
        let sent = h.mailbox.to(ADA).len();
        h.forgot(ADA).await;
        h.portcullis.run_due().await.unwrap();
        assert_eq!(h.mailbox.to(ADA).len(), sent, "{state:?}");
        assert_eq!(h.reset(&before, NEW).await, ResetPasswordOutcome::Rejected);
        assert!(!h.signs_in(ADA, NEW).await);
    }
}

// TH-01
#[tokio::test]
async fn an_unknown_address_costs_the_same_calls_no_hash_and_leaves_only_the_event() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let calls = async |email: &str| {
        let before = (h.store.calls(), h.store.writes(), h.hasher.hashes());
        h.forgot(email).await;
        let after = (h.store.calls(), h.store.writes(), h.hasher.hashes());
        (after.0 - before.0, after.1 - before.1, after.2 - before.2)
    };
    let known = calls(ADA).await;
    let mails = h.store.outbox_len();
    for n in 0..20 {
        assert_eq!(calls(&format!("nobody{n}@example.com")).await, known);
    }
    assert_eq!(known.2, 0, "nothing is hashed");
    assert_eq!(h.store.outbox_len(), mails, "and nothing waits to be sent");
    let events = h.events().await;
    let asked = |e: &&_| -> bool {
        let e: &portcullis_backends::core::event::AuthEvent = e;
        e.kind == AuthEventType::PasswordResetRequested
    };
    assert_eq!(events.iter().filter(asked).count(), 21);
}

// TH-05, PW-18
#[tokio::test]
async fn whoever_sets_a_new_password_signs_in_at_once_however_often_somebody_failed() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let link = h.reset_link(ADA).await;
    for _ in 0..5 {
        h.signs_in(ADA, "not the password at all").await;
    }
    assert!(!h.signs_in(ADA, PASSWORD).await, "the count locks");
    // What does not set one forgives nothing.
    assert!(matches!(
        h.reset(&link, "too short").await,
        ResetPasswordOutcome::PasswordRefused(_)
    ));
    assert!(!h.signs_in(ADA, PASSWORD).await);
    assert!(matches!(
        h.reset(&link, NEW).await,
        ResetPasswordOutcome::Reset { .. }
    ));
    assert!(h.signs_in(ADA, NEW).await);
    // From there on failures count as ever.
    for _ in 0..5 {
        h.signs_in(ADA, "not the password at all").await;
    }
    assert!(!h.signs_in(ADA, NEW).await);
}

// TH-05
#[tokio::test]
async fn a_reset_forgives_what_was_counted_in_its_own_browser_too() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let mut here = h.context();
    let known = h.portcullis.mark_device(&here, ADA).unwrap();
    here.client.device = known.unwrap();
    let attempt = async |password: &str, context: &RequestContext| {
        let input = SignIn {
            identifier: ADA.to_owned(),
            password: Password::new(password).unwrap(),
            replaces: None,
        };
        h.portcullis.sign_in(input, context).await.unwrap()
    };
    let link = h.reset_link(ADA).await;
    for _ in 0..5 {
        attempt("not the password at all", &here).await;
    }
    let locked = attempt(PASSWORD, &here).await;
    assert!(matches!(locked, SignInOutcome::Locked { .. }));
    assert!(h.signs_in(ADA, PASSWORD).await, "it has a count of its own");
    let reset = ResetPassword {
        token: link,
        password: Password::new(NEW).unwrap(),
    };
    let reset = h.portcullis.reset_password(reset, &here).await.unwrap();
    assert!(matches!(reset, ResetPasswordOutcome::Reset { .. }));
    let signed_in = attempt(NEW, &here).await;
    assert!(matches!(signed_in, SignInOutcome::SignedIn(_)));
}

// PW-17
#[tokio::test]
async fn a_reset_proves_nothing_about_a_session_and_raises_none() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let before = h.sign_in(ADA).await;
    let link = h.reset_link(ADA).await;
    assert!(matches!(
        h.reset(&link, NEW).await,
        ResetPasswordOutcome::Reset { .. }
    ));
    // No session is left that could have been raised, and none was opened.
    assert!(!h.counts(&before).await);
    let listed = h.portcullis.list_sessions(&before.principal).await.unwrap();
    assert!(listed.is_empty());
    // Signing in afterwards is worth what was given for it: the link is no factor of it.
    let SignInOutcome::SignedIn(after) = h.try_sign_in(ADA, NEW).await.unwrap() else {
        panic!("the new password is good");
    };
    let assurance = after.principal.assurance;
    assert_eq!(assurance.level, AssuranceLevel::Aal1);
    assert_eq!(assurance.factors, [FactorKind::Password]);
}
