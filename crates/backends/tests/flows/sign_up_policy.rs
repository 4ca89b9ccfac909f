//! Who may sign up by themselves, at every step of it.

use portcullis_backends::core::event::{AuthEventType, Reason};
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::policy::{EmailDomains, PolicyOverrides, SignUpMode};
use portcullis_backends::core::rule::sign_up::SignUpRefusal;
use portcullis_backends::core::secret::{Password, SecretText};
use portcullis_backends::core::state::EntityState;
use portcullis_backends::flow::{
    ConfirmEmailChange, ConfirmEmailChangeOutcome, MagicLink, MagicLinkOutcome, OpenAccountOutcome,
    RequestEmailChange, RequestEmailChangeOutcome, ResendOutcome, ResendVerification,
    ResetPasswordOutcome, SendMagicLink, SignUp, SignUpOutcome, SignedIn, VerifyEmailOutcome,
};

use crate::harness::{ADA, Harness, PASSWORD};

const OUTSIDE: &str = "eve@example.org";

fn mode(mode: SignUpMode) -> PolicyOverrides {
    PolicyOverrides {
        sign_up: Some(mode),
        sign_up_domains: Some(EmailDomains::parse(["example.com"]).unwrap()),
        magic_link_sign_up: Some(true),
        ..Default::default()
    }
}

/// A tenant that only addresses of `example.com` may sign up at.
async fn of_one_domain() -> Harness {
    Harness::with(|b| b.policy(mode(SignUpMode::Domains))).await
}

async fn try_sign_up(h: &Harness, email: &str) -> SignUpOutcome {
    let input = SignUp {
        email: Identifier::email(email).unwrap(),
        password: Password::new(PASSWORD).unwrap(),
    };
    let context = h.context();
    h.portcullis.sign_up(input, &context).await.unwrap()
}

async fn refused(h: &Harness, email: &str) -> Option<SignUpRefusal> {
    match try_sign_up(h, email).await {
        SignUpOutcome::NotAllowed(refusal) => Some(refusal),
        SignUpOutcome::Accepted { .. } => None,
        other => panic!("{other:?}"),
    }
}

async fn resend(h: &Harness, email: &str) -> ResendOutcome {
    let email = Identifier::email(email).unwrap();
    let (context, again) = (h.context(), ResendVerification { email });
    let sent = h.portcullis.resend_verification(again, &context);
    sent.await.unwrap()
}

async fn send_magic_link(h: &Harness, email: &str) {
    h.advance(1);
    let email = Identifier::email(email).unwrap();
    let (context, send) = (h.context(), SendMagicLink { email });
    h.portcullis.send_magic_link(send, &context).await.unwrap();
}

async fn magic_link_works(h: &Harness, token: &SecretText) -> bool {
    let input = MagicLink {
        token: token.clone(),
        replaces: None,
    };
    let context = h.context();
    let opened = h.portcullis.sign_in_with_magic_link(input, &context);
    matches!(opened.await.unwrap(), MagicLinkOutcome::SignedIn(_))
}

async fn mails_to(h: &Harness, email: &str) -> usize {
    h.portcullis.run_due().await.unwrap();
    h.mailbox.to(email).len()
}

async fn state_of(h: &Harness, email: &str) -> Option<EntityState> {
    let tenant = h.portcullis.default_tenant();
    let found = h.portcullis.admin_find_user(tenant, email).await.unwrap();
    found?.account.map(|account| account.status.state)
}

// TH-01, TH-02
#[tokio::test]
async fn where_nobody_signs_up_the_answer_comes_before_any_hash_or_look_up() {
    let h = Harness::new().await;
    h.person(ADA).await;
    for (policy, refusal) in [
        (SignUpMode::Closed, SignUpRefusal::Closed),
        (SignUpMode::InviteOnly, SignUpRefusal::InviteOnly),
    ] {
        h.set_policy(mode(policy)).await;
        // Noted in the log once a minute for one address, and never again for the rest of this test.
        refused(&h, ADA).await;
        refused(&h, OUTSIDE).await;
        let mut work = Vec::new();
        for email in [ADA, OUTSIDE] {
            let (calls, hashes) = (h.store.calls(), h.hasher.hashes());
            assert_eq!(refused(&h, email).await, Some(refusal), "{email}");
            work.push((h.store.calls() - calls, h.hasher.hashes() - hashes));
        }
        assert_eq!(work, [(1, 0), (1, 0)], "the policy is read, nothing else");
        assert_eq!(
            resend(&h, ADA).await,
            resend(&h, OUTSIDE).await,
            "the answer is about the policy"
        );
        assert_eq!(resend(&h, ADA).await, ResendOutcome::NotAllowed(refusal));
    }
    let event = h.events().await.into_iter().find(|event| {
        event.kind == AuthEventType::SignUp && event.reason == Some(Reason::SignUpNotAllowed)
    });
    let event = event.unwrap();
    assert_eq!(event.subject, None);
    assert!(!event.detail.to_string().contains("example"));
    assert_eq!(state_of(&h, OUTSIDE).await, None);
}

#[tokio::test]
async fn only_addresses_of_the_listed_domains_sign_up() {
    let h = of_one_domain().await;
    for outside in [
        OUTSIDE,
        "eve@mail.example.com",
        "eve@notexample.com",
        "eve@example.com.example.org",
    ] {
        let refusal = refused(&h, outside).await;
        assert_eq!(refusal, Some(SignUpRefusal::Domain), "{outside}");
    }
    h.person("Ada@EXAMPLE.com").await;
    h.sign_in(ADA).await;
}

#[tokio::test]
async fn a_domain_is_the_same_in_every_spelling_of_it() {
    let domains = EmailDomains::parse(["bücher.example", "*.bücher.example"]).unwrap();
    let policy = PolicyOverrides {
        sign_up: Some(SignUpMode::Domains),
        sign_up_domains: Some(domains),
        ..Default::default()
    };
    let h = Harness::with(|b| b.policy(policy)).await;
    for inside in [
        "ada@xn--bcher-kva.example",
        "bea@BÜCHER.example",
        "cat@regal.bücher.example",
    ] {
        assert_eq!(refused(&h, inside).await, None, "{inside}");
    }
}

// TH-10
#[tokio::test]
async fn a_sign_up_from_before_proves_nothing_once_the_policy_is_tighter() {
    for policy in [
        SignUpMode::Domains,
        SignUpMode::InviteOnly,
        SignUpMode::Closed,
    ] {
        let h = Harness::new().await;
        let browser = h.sign_up(OUTSIDE, PASSWORD).await;
        let proof = h.mailed_token(OUTSIDE).await;
        let reset = h.reset_link(OUTSIDE).await;
        assert!(h.link_works(&reset).await);
        h.set_policy(mode(policy)).await;
        let verified = h.verify(&proof, Some(&browser)).await;
        assert_eq!(verified, VerifyEmailOutcome::Rejected, "{policy}");
        let with_password = h.verify_with_password(&proof, PASSWORD).await;
        assert_eq!(with_password, VerifyEmailOutcome::Rejected);
        assert!(!h.link_works(&reset).await);
        let hashes = h.hasher.hashes();
        let outcome = h.reset(&reset, "a battery of staple horses").await;
        assert_eq!(outcome, ResetPasswordOutcome::Rejected);
        assert_eq!(h.hasher.hashes(), hashes);
        let mails = mails_to(&h, OUTSIDE).await;
        h.forgot(OUTSIDE).await;
        assert_eq!(mails_to(&h, OUTSIDE).await, mails);
        assert_eq!(state_of(&h, OUTSIDE).await, Some(EntityState::Pending));
        // What was refused was not used up.
        h.set_policy(PolicyOverrides::default()).await;
        assert!(matches!(
            h.verify(&proof, Some(&browser)).await,
            VerifyEmailOutcome::Verified { .. }
        ));
    }
}

// TH-10
#[tokio::test]
async fn a_magic_link_makes_no_account_that_could_not_sign_up() {
    for policy in [
        SignUpMode::Domains,
        SignUpMode::InviteOnly,
        SignUpMode::Closed,
    ] {
        let h = Harness::with(|b| b.policy(mode(SignUpMode::Open))).await;
        h.person("known@example.org").await;
        send_magic_link(&h, OUTSIDE).await;
        let before = h.mailed_token(OUTSIDE).await;
        h.set_policy(mode(policy)).await;
        assert!(!magic_link_works(&h, &before).await, "{policy}");
        let mails = mails_to(&h, OUTSIDE).await;
        send_magic_link(&h, OUTSIDE).await;
        assert_eq!(mails_to(&h, OUTSIDE).await, mails);
        assert_eq!(h.events().await[0].reason, Some(Reason::SignUpNotAllowed));
        assert_eq!(state_of(&h, OUTSIDE).await, None);
        // Whoever has an account goes on signing in with it.
        send_magic_link(&h, "known@example.org").await;
        let known = h.mailed_token("known@example.org").await;
        assert!(magic_link_works(&h, &known).await);
    }
}

#[tokio::test]
async fn people_who_are_there_stay_and_the_operator_opens_accounts_whatever_the_policy() {
    let h = Harness::new().await;
    h.person(OUTSIDE).await;
    h.set_policy(mode(SignUpMode::Closed)).await;
    h.sign_in(OUTSIDE).await;
    let reset = h.reset_link(OUTSIDE).await;
    assert!(h.link_works(&reset).await);
    let (tenant, email) = (
        h.portcullis.default_tenant(),
        Identifier::email(ADA).unwrap(),
    );
    let password = Password::new(PASSWORD).unwrap();
    let opened = h.portcullis.admin_open_account(tenant, email, password);
    assert!(matches!(
        opened.await.unwrap(),
        OpenAccountOutcome::Opened { .. }
    ));
    h.sign_in(ADA).await;
}

async fn ask_for(h: &Harness, who: &SignedIn, email: &str) -> RequestEmailChangeOutcome {
    h.advance(1);
    let email = Identifier::email(email).unwrap();
    let (context, request) = (h.context(), RequestEmailChange { email });
    let asked = h
        .portcullis
        .request_email_change(&who.principal, request, &context);
    asked.await.unwrap()
}

#[tokio::test]
async fn an_address_of_another_domain_is_not_come_by_through_a_change() {
    let h = of_one_domain().await;
    h.person(ADA).await;
    let ada = h.sign_in(ADA).await;
    assert_eq!(
        ask_for(&h, &ada, "ada@example.org").await,
        RequestEmailChangeOutcome::NotAllowed(SignUpRefusal::Domain)
    );
    assert_eq!(mails_to(&h, "ada@example.org").await, 0);
    let asked = ask_for(&h, &ada, "lovelace@example.com").await;
    assert_eq!(asked, RequestEmailChangeOutcome::Accepted);
    let token = h.mailed_token("lovelace@example.com").await;
    // The list changed since.
    h.set_policy(PolicyOverrides {
        sign_up_domains: Some(EmailDomains::parse(["example.net"]).unwrap()),
        ..Default::default()
    })
    .await;
    // The log has an order by time only.
    h.advance(1);
    let (context, confirm) = (h.context(), ConfirmEmailChange { token });
    let confirmed = h
        .portcullis
        .confirm_email_change(&ada.principal, confirm, &context);
    assert!(matches!(
        confirmed.await.unwrap(),
        ConfirmEmailChangeOutcome::Rejected
    ));
    assert_eq!(h.events().await[0].reason, Some(Reason::SignUpNotAllowed));
    h.sign_in(ADA).await;
}
