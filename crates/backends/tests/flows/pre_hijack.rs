//! Preparing an account for somebody else, as Sudhodanan and Paverd found it ("Pre-hijacked accounts: an empirical study of
//! security failures in user account creation on the web", USENIX Security 2022): the stranger acts on the owner's address
//! first, and the owner comes later and recovers what they take for their own.
//!
//! Two of the five need an identity provider (classic-federated merge, non-verifying provider), and there is none here. The
//! nearest to the first is somebody who comes by a link in a mail to what was signed up with a password.

use portcullis_backends::Authentication;
use portcullis_backends::core::backend::Credential;
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::policy::PolicyOverrides;
use portcullis_backends::core::secret::{Password, SecretText};
use portcullis_backends::flow::{
    ConfirmEmailChange, ConfirmEmailChangeOutcome, ForgotPassword, MagicLink, MagicLinkOutcome,
    RequestEmailChange, ResetPassword, ResetPasswordOutcome, SendMagicLink, SignInOutcome,
    SignedIn, VerifyEmailOutcome,
};

use crate::harness::{ADA, Harness, PASSWORD};

const STRANGER: &str = "eve@example.com";
const STRANGERS: &str = "the stranger's password";
const OWNERS: &str = "a battery of staple horses";

impl Harness {
    async fn is_let_in(&self, who: &str, password: &str) -> bool {
        let outcome = self.try_sign_in(who, password).await.unwrap();
        matches!(outcome, SignInOutcome::SignedIn(_))
    }

    async fn is_alive(&self, session: &SignedIn) -> bool {
        let cookie = Credential::Cookie(session.cookie.expose());
        self.present(Some(cookie)).await.unwrap() != Authentication::Anonymous
    }

    /// The owner, who forgot that they have no account, gets one by a link that sets a password.
    async fn recover(&self, email: &str, password: &str) {
        // One mail a moment, so that there is a latest one.
        self.advance(1);
        let context = self.context();
        let email = Identifier::email(email).unwrap();
        let to = email.raw.clone();
        let forgot = self
            .portcullis
            .forgot_password(ForgotPassword { email }, &context);
        forgot.await.unwrap();
        let input = ResetPassword {
            token: self.mailed_token(&to).await,
            password: Password::new(password).unwrap(),
        };
        let reset = self
            .portcullis
            .reset_password(input, &context)
            .await
            .unwrap();
        assert!(matches!(reset, ResetPasswordOutcome::Reset { .. }));
    }

    /// The token of a mail that asks to prove another address.
    async fn moving_link(&self, session: &SignedIn, to: &str) -> SecretText {
        self.advance(1);
        let email = Identifier::email(to).unwrap();
        let (input, context) = (RequestEmailChange { email }, self.context());
        let asked = self
            .portcullis
            .request_email_change(&session.principal, input, &context);
        asked.await.unwrap();
        self.mailed_token(to).await
    }

    async fn moves(&self, session: &SignedIn, token: &SecretText) -> bool {
        let input = ConfirmEmailChange {
            token: token.clone(),
        };
        let context = self.context();
        let confirmed = self
            .portcullis
            .confirm_email_change(&session.principal, input, &context);
        matches!(
            confirmed.await.unwrap(),
            ConfirmEmailChangeOutcome::Changed { .. }
        )
    }

    /// The addresses of an account.
    async fn addresses(&self, who: &str) -> Vec<String> {
        let tenant = self.portcullis.default_tenant();
        let found = self.portcullis.admin_find_user(tenant, who).await.unwrap();
        let identifiers = found.unwrap().user.identifiers;
        identifiers.into_iter().map(|one| one.raw).collect()
    }
}

#[tokio::test]
async fn classic_federated_merge_a_mailed_link_takes_over_nothing_that_a_stranger_prepared() {
    let policy = PolicyOverrides {
        magic_link_sign_up: Some(true),
        ..Default::default()
    };
    let h = Harness::with(|b| b.policy(policy)).await;
    let strangers_browser = h.sign_up(ADA, STRANGERS).await;
    let strangers_link = h.mailed_token(ADA).await;
    h.advance(1);
    let email = Identifier::email(ADA).unwrap();
    let context = h.context();
    let sent = h
        .portcullis
        .send_magic_link(SendMagicLink { email }, &context);
    sent.await.unwrap();
    let input = MagicLink {
        token: h.mailed_token(ADA).await,
        replaces: None,
    };
    let opened = h.portcullis.sign_in_with_magic_link(input, &context).await;
    assert!(matches!(opened.unwrap(), MagicLinkOutcome::SignedIn(_)));
    assert!(!h.is_let_in(ADA, STRANGERS).await);
    let later = h.verify(&strangers_link, Some(&strangers_browser)).await;
    assert_eq!(later, VerifyEmailOutcome::Rejected);
    assert!(!h.is_let_in(ADA, STRANGERS).await);
}

#[tokio::test]
async fn unexpired_session_a_stranger_opens_none_before_the_owner_comes() {
    let h = Harness::new().await;
    h.sign_up(ADA, STRANGERS).await;
    // Nothing is opened on an address that nobody proved, so nothing is left to expire.
    assert!(!h.is_let_in(ADA, STRANGERS).await);
    h.recover(ADA, OWNERS).await;
    assert!(!h.is_let_in(ADA, STRANGERS).await);
    assert!(h.is_let_in(ADA, OWNERS).await);
}

#[tokio::test]
async fn unexpired_session_a_recovery_ends_every_session_that_was_open_before() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let strangers = h.sign_in(ADA).await;
    h.recover(ADA, OWNERS).await;
    assert!(!h.is_alive(&strangers).await);
    assert!(!h.is_let_in(ADA, PASSWORD).await);
}

#[tokio::test]
async fn trojan_identifier_no_address_of_a_strangers_is_left_on_the_account() {
    let h = Harness::new().await;
    h.person(STRANGER).await;
    let eve = h.sign_in(STRANGER).await;
    h.sign_up(ADA, STRANGERS).await;
    // The only way to another address is a session of the account, and there is none. The stranger's own account takes
    // neither the owner's address nor the owner's account.
    let moving = h.moving_link(&eve, "ada@example.org").await;
    h.recover(ADA, OWNERS).await;
    assert_eq!(h.addresses(ADA).await, [ADA]);
    let ada = match h.try_sign_in(ADA, OWNERS).await.unwrap() {
        SignInOutcome::SignedIn(signed_in) => signed_in,
        other => panic!("{other:?}"),
    };
    assert!(!h.moves(&ada, &moving).await);
    assert_eq!(h.addresses(ADA).await, [ADA]);
    assert!(!h.is_let_in(STRANGER, OWNERS).await);
    h.recover(STRANGER, STRANGERS).await;
    assert!(h.is_let_in(ADA, OWNERS).await && h.is_alive(&ada).await);
}

#[tokio::test]
async fn trojan_identifier_an_address_that_the_account_left_opens_it_no_more() {
    let h = Harness::new().await;
    h.person(STRANGER).await;
    let eve = h.sign_in(STRANGER).await;
    let moving = h.moving_link(&eve, ADA).await;
    assert!(h.moves(&eve, &moving).await);
    assert_eq!(h.addresses(ADA).await, [ADA]);
    assert!(!h.is_let_in(STRANGER, PASSWORD).await);
    let before = h.mailbox.to(STRANGER).len();
    let context = h.context();
    let email = Identifier::email(STRANGER).unwrap();
    let forgot = h
        .portcullis
        .forgot_password(ForgotPassword { email }, &context);
    forgot.await.unwrap();
    h.portcullis.run_due().await.unwrap();
    let later = h.mailbox.to(STRANGER);
    assert!(later[before..].iter().all(|mail| mail.token().is_none()));
}

#[tokio::test]
async fn unexpired_email_change_a_recovery_ends_the_change_that_was_asked_for() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let strangers = h.sign_in(ADA).await;
    let moving = h.moving_link(&strangers, "eve@example.org").await;
    h.recover(ADA, OWNERS).await;
    assert!(!h.moves(&strangers, &moving).await);
    // Not in a session of the owner's either, whom somebody talked into opening it.
    let owners = match h.try_sign_in(ADA, OWNERS).await.unwrap() {
        SignInOutcome::SignedIn(signed_in) => signed_in,
        other => panic!("{other:?}"),
    };
    assert!(!h.moves(&owners, &moving).await);
    assert_eq!(h.addresses(ADA).await, [ADA]);
}

#[tokio::test]
async fn sign_up_before_the_owner_the_link_makes_no_strangers_password_the_accounts() {
    let h = Harness::new().await;
    h.sign_up(ADA, STRANGERS).await;
    // The owner opens a link that they did not ask for: their browser has no sign-up in it.
    let link = h.mailed_token(ADA).await;
    assert_eq!(
        h.verify(&link, None).await,
        VerifyEmailOutcome::PasswordRequired
    );
    let verified = h.verify_with_password(&link, OWNERS).await;
    assert!(matches!(verified, VerifyEmailOutcome::Verified { .. }));
    assert!(!h.is_let_in(ADA, STRANGERS).await);
    assert!(h.is_let_in(ADA, OWNERS).await);
}

#[tokio::test]
async fn sign_up_before_the_owner_the_owners_own_sign_up_takes_its_place() {
    let h = Harness::new().await;
    let strangers_browser = h.sign_up(ADA, STRANGERS).await;
    let first = h.mailed_token(ADA).await;
    h.advance(1);
    let browser = h.sign_up(ADA, OWNERS).await;
    let second = h.mailed_token(ADA).await;
    let stranger = h.verify(&second, Some(&strangers_browser)).await;
    assert_eq!(stranger, VerifyEmailOutcome::PasswordRequired);
    assert_eq!(
        h.verify(&first, Some(&strangers_browser)).await,
        VerifyEmailOutcome::Rejected
    );
    let owner = h.verify(&second, Some(&browser)).await;
    assert!(matches!(owner, VerifyEmailOutcome::Verified { .. }));
    assert!(!h.is_let_in(ADA, STRANGERS).await);
    assert!(h.is_let_in(ADA, OWNERS).await);
}
