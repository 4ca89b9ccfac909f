//! Sign-up and the link that proves the address.

use portcullis_backends::core::event::{AuthEventType, Reason};
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::policy::PolicyOverrides;
use portcullis_backends::core::secret::{Password, SecretText};
use portcullis_backends::core::state::EntityState;
use portcullis_backends::flow::{
    ResendVerification, SignInOutcome, SignUp, SignUpOutcome, VerifyEmailOutcome,
};

use crate::harness::{ADA, Harness, PASSWORD};

async fn resend(h: &Harness, email: &str) {
    let input = ResendVerification {
        email: Identifier::email(email).unwrap(),
    };
    h.portcullis
        .resend_verification(input, &h.context())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_sign_up_proves_its_address_and_signs_in() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let signed_in = h.sign_in("ADA@Example.COM ").await;
    assert_eq!(signed_in.principal.handle, ADA);
}

#[tokio::test]
async fn before_its_address_is_proved_an_account_has_no_password() {
    let h = Harness::new().await;
    h.sign_up(ADA, PASSWORD).await;
    h.advance(1);
    assert!(matches!(
        h.try_sign_in(ADA, PASSWORD).await.unwrap(),
        SignInOutcome::Refused
    ));
    assert_eq!(h.events().await[0].reason, Some(Reason::Unverified));
}

/// Pre-hijacking: whoever signs up with somebody else's address prepares nothing.
#[tokio::test]
async fn a_strangers_sign_up_never_becomes_the_owners_account() {
    let h = Harness::new().await;
    h.sign_up(ADA, "the stranger's password").await;
    let token = h.mailed_token(ADA).await;
    assert_eq!(
        h.verify(&token, None).await,
        VerifyEmailOutcome::PasswordRequired
    );
    let wrong_browser = SecretText::new("0".repeat(64));
    assert_eq!(
        h.verify(&token, Some(&wrong_browser)).await,
        VerifyEmailOutcome::PasswordRequired
    );
    assert!(matches!(
        h.verify_with_password(&token, PASSWORD).await,
        VerifyEmailOutcome::Verified { .. }
    ));
    assert!(matches!(
        h.try_sign_in(ADA, "the stranger's password").await.unwrap(),
        SignInOutcome::Refused
    ));
    h.sign_in(ADA).await;
}

#[tokio::test]
async fn signing_up_again_while_pending_supersedes_token_and_password() {
    let h = Harness::new().await;
    let first_browser = h.sign_up(ADA, "the first password of two").await;
    let first = h.mailed_token(ADA).await;
    let second_browser = h.sign_up(ADA, PASSWORD).await;
    let second = h.mailed_token(ADA).await;
    assert_eq!(
        h.verify(&first, Some(&first_browser)).await,
        VerifyEmailOutcome::Rejected
    );
    assert_eq!(
        h.verify(&second, Some(&first_browser)).await,
        VerifyEmailOutcome::PasswordRequired
    );
    assert!(matches!(
        h.verify(&second, Some(&second_browser)).await,
        VerifyEmailOutcome::Verified { .. }
    ));
    assert!(matches!(
        h.try_sign_in(ADA, "the first password of two")
            .await
            .unwrap(),
        SignInOutcome::Refused
    ));
    h.sign_in(ADA).await;
}

#[tokio::test]
async fn asking_for_the_mail_again_ends_the_older_link_and_keeps_the_password() {
    let h = Harness::new().await;
    let browser = h.sign_up(ADA, PASSWORD).await;
    let first = h.mailed_token(ADA).await;
    resend(&h, "Ada@EXAMPLE.com").await;
    let second = h.mailed_token(ADA).await;
    assert_eq!(
        h.verify(&first, Some(&browser)).await,
        VerifyEmailOutcome::Rejected
    );
    assert!(matches!(
        h.verify(&second, Some(&browser)).await,
        VerifyEmailOutcome::Verified { .. }
    ));
    h.sign_in(ADA).await;
}

#[tokio::test]
async fn asking_again_after_the_link_has_ended_still_helps() {
    let h = Harness::new().await;
    h.sign_up(ADA, PASSWORD).await;
    h.portcullis.run_due().await.unwrap();
    h.advance(3 * 24 * 3600);
    resend(&h, ADA).await;
    let token = h.mailed_token(ADA).await;
    assert_eq!(
        h.verify(&token, None).await,
        VerifyEmailOutcome::PasswordRequired
    );
    assert!(matches!(
        h.verify_with_password(&token, PASSWORD).await,
        VerifyEmailOutcome::Verified { .. }
    ));
}

#[tokio::test]
async fn an_address_with_an_account_is_told_and_nothing_else_changes() {
    let h = Harness::new().await;
    h.person(ADA).await;
    h.sign_up(ADA, "somebody else's password").await;
    h.portcullis.run_due().await.unwrap();
    let mail = h.mailbox.last_to(ADA).unwrap();
    assert!(mail.subject.contains("already"), "{}", mail.subject);
    assert_eq!(mail.token(), None);
    assert!(matches!(
        h.try_sign_in(ADA, "somebody else's password")
            .await
            .unwrap(),
        SignInOutcome::Refused
    ));
    h.sign_in(ADA).await;
}

#[tokio::test]
async fn asking_for_the_mail_sends_nothing_to_addresses_that_need_none() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let before = h.mailbox.all().len();
    resend(&h, ADA).await;
    resend(&h, "nobody@example.com").await;
    h.portcullis.run_due().await.unwrap();
    assert_eq!(h.mailbox.all().len(), before);
}

// OT-04
#[tokio::test]
async fn a_link_works_until_its_end_and_not_at_it() {
    for (secs, works) in [(24 * 3600 - 1, true), (24 * 3600, false)] {
        let h = Harness::new().await;
        let browser = h.sign_up(ADA, PASSWORD).await;
        let token = h.mailed_token(ADA).await;
        h.advance(secs);
        let verified = matches!(
            h.verify(&token, Some(&browser)).await,
            VerifyEmailOutcome::Verified { .. }
        );
        assert_eq!(verified, works, "after {secs} s");
    }
}

// OT-03
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_open_one_link_one_succeeds() {
    let h = std::sync::Arc::new(Harness::new().await);
    let browser = h.sign_up(ADA, PASSWORD).await;
    let token = h.mailed_token(ADA).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (h, token, browser) = (h.clone(), token.clone(), browser.clone());
        tasks.spawn(async move {
            matches!(
                h.verify(&token, Some(&browser)).await,
                VerifyEmailOutcome::Verified { .. }
            )
        });
    }
    let won = tasks
        .join_all()
        .await
        .into_iter()
        .filter(|won| *won)
        .count();
    assert_eq!(won, 1);
}

// CC-06
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_sign_ups_with_one_address_one_account_comes() {
    let h = std::sync::Arc::new(Harness::new().await);
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..100 {
        let h = h.clone();
        let spelling = if n % 2 == 0 { ADA } else { "ADA@EXAMPLE.COM" };
        tasks.spawn(async move { h.sign_up(spelling, PASSWORD).await });
    }
    tasks.join_all().await;
    let users = h
        .portcullis
        .admin_users(h.portcullis.default_tenant(), None, 1000)
        .await
        .unwrap();
    assert_eq!(users.len(), 1);
}

// OT-09
#[tokio::test]
async fn links_come_from_the_configured_public_url() {
    let h = Harness::new().await;
    h.sign_up(ADA, PASSWORD).await;
    h.portcullis.run_due().await.unwrap();
    let text = h.mailbox.last_to(ADA).unwrap().text;
    assert!(
        text.contains("https://auth.example.com/auth/signup/verify?token=pcl_vfy_"),
        "{text}"
    );
}

#[tokio::test]
async fn a_password_that_breaks_the_rules_is_refused_before_any_hash_or_look_up() {
    let h = Harness::new().await;
    let calls = h.store.calls();
    for (text, refused) in [("x".repeat(14), true), ("🦀".repeat(14), true)] {
        let input = SignUp {
            email: Identifier::email(ADA).unwrap(),
            password: Password::new(text).unwrap(),
        };
        let outcome = h.portcullis.sign_up(input, &h.context()).await.unwrap();
        assert_eq!(
            matches!(outcome, SignUpOutcome::PasswordRefused(_)),
            refused
        );
    }
    assert_eq!(h.hasher.hashes(), 0);
    assert_eq!(
        h.store.calls(),
        calls + 2,
        "the policy is read, nothing else"
    );
}

#[tokio::test]
async fn a_refused_password_does_not_use_up_the_link() {
    let h = Harness::with(|b| {
        b.policy(PolicyOverrides {
            password_min_length: Some(20),
            ..Default::default()
        })
    })
    .await;
    h.sign_up(ADA, PASSWORD).await;
    let token = h.mailed_token(ADA).await;
    assert!(matches!(
        h.verify_with_password(&token, "too short for it").await,
        VerifyEmailOutcome::PasswordRefused(_)
    ));
    assert!(matches!(
        h.verify_with_password(&token, PASSWORD).await,
        VerifyEmailOutcome::Verified { .. }
    ));
}

// OT-06
#[tokio::test]
async fn suspending_an_account_ends_its_links() {
    let h = Harness::new().await;
    let browser = h.sign_up(ADA, PASSWORD).await;
    let token = h.mailed_token(ADA).await;
    let tenant = h.portcullis.default_tenant();
    let user = h
        .portcullis
        .admin_find_user(tenant, ADA)
        .await
        .unwrap()
        .unwrap()
        .user
        .id;
    h.set_state(user, EntityState::Suspended).await;
    assert_eq!(
        h.verify(&token, Some(&browser)).await,
        VerifyEmailOutcome::Rejected
    );
}

#[tokio::test]
async fn a_failed_write_does_not_burn_the_link() {
    use portcullis_backends::core::error::StoreErrorKind;
    let h = Harness::new().await;
    let browser = h.sign_up(ADA, PASSWORD).await;
    let token = h.mailed_token(ADA).await;
    let events = h.events().await.len();
    h.advance(1);
    h.store.fail_next(StoreErrorKind::Unavailable);
    let input = portcullis_backends::flow::VerifyEmail {
        token: token.clone(),
        browser: Some(browser.clone()),
        password: None,
    };
    assert!(
        h.portcullis
            .verify_email(input, &h.context())
            .await
            .is_err()
    );
    assert_eq!(h.events().await.len(), events);
    assert!(matches!(
        h.verify(&token, Some(&browser)).await,
        VerifyEmailOutcome::Verified { .. }
    ));
    assert_eq!(h.events().await[0].kind, AuthEventType::EmailVerified);
}

#[tokio::test]
async fn another_spelling_signed_up_first_does_not_keep_the_mail_away() {
    let h = Harness::new().await;
    h.sign_up("m\u{131}ke@example.com", "the stranger's password")
        .await;
    h.portcullis.run_due().await.unwrap();
    h.advance(1);
    let browser = h.sign_up("mike@example.com", PASSWORD).await;
    let token = h.mailed_token("mike@example.com").await;
    assert!(matches!(
        h.verify(&token, Some(&browser)).await,
        VerifyEmailOutcome::Verified { .. }
    ));
    h.sign_in("mike@example.com").await;
}
