//! What outlived the change that should have ended it, as random stories found it.

use portcullis_backends::core::event::Reason;
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::policy::PolicyOverrides;
use portcullis_backends::core::secret::SecretText;
use portcullis_backends::core::state::EntityState;
use portcullis_backends::flow::{MagicLink, MagicLinkOutcome, SendMagicLink, VerifyEmailOutcome};

use crate::harness::{ADA, Harness, PASSWORD};

/// An instance whose links make accounts.
async fn open_house() -> Harness {
    let policy = PolicyOverrides {
        magic_link_sign_up: Some(true),
        ..Default::default()
    };
    Harness::with(|b| b.policy(policy)).await
}

async fn magic_link(h: &Harness) -> SecretText {
    let email = Identifier::email(ADA).unwrap();
    // One mail a moment, so that there is a latest one.
    h.advance(1);
    let (input, context) = (SendMagicLink { email }, h.context());
    h.portcullis.send_magic_link(input, &context).await.unwrap();
    h.mailed_token(ADA).await
}

async fn signs_in(h: &Harness, token: &SecretText) -> bool {
    let input = MagicLink {
        token: token.clone(),
        replaces: None,
    };
    let context = h.context();
    let opened = h.portcullis.sign_in_with_magic_link(input, &context);
    matches!(opened.await.unwrap(), MagicLinkOutcome::SignedIn(_))
}

// OT-06
#[tokio::test]
async fn a_link_that_a_suspension_ended_asks_for_no_password_and_hashes_none() {
    let h = Harness::new().await;
    h.sign_up(ADA, PASSWORD).await;
    let link = h.mailed_token(ADA).await;
    let tenant = h.portcullis.default_tenant();
    let found = h.portcullis.admin_find_user(tenant, ADA).await.unwrap();
    h.set_state(found.unwrap().user.id, EntityState::Suspended)
        .await;
    // The log has an order by time only.
    h.advance(1);
    let hashes = h.hasher.hashes();
    assert_eq!(h.verify(&link, None).await, VerifyEmailOutcome::Rejected);
    let with_password = h.verify_with_password(&link, PASSWORD).await;
    assert_eq!(with_password, VerifyEmailOutcome::Rejected);
    assert_eq!(h.hasher.hashes(), hashes);
    assert_eq!(h.events().await[0].reason, Some(Reason::Superseded));
}

// OT-06
#[tokio::test]
async fn a_newer_magic_link_ends_one_that_was_sent_before_the_sign_up() {
    let h = open_house().await;
    let before = magic_link(&h).await;
    h.person(ADA).await;
    let after = magic_link(&h).await;
    assert!(!signs_in(&h, &before).await);
    assert!(signs_in(&h, &after).await);
}

// OT-06, TH-10
#[tokio::test]
async fn a_magic_link_of_before_the_sign_up_ends_with_what_ends_every_link_of_the_account() {
    let h = open_house().await;
    let before = magic_link(&h).await;
    let ada = h.person(ADA).await;
    h.set_state(ada, EntityState::Suspended).await;
    h.set_state(ada, EntityState::Active).await;
    h.advance(1);
    assert!(!signs_in(&h, &before).await);
    assert_eq!(h.events().await[0].reason, Some(Reason::EpochMoved));
}

#[tokio::test]
async fn whoever_is_back_from_a_suspension_sees_no_session_of_before() {
    let h = Harness::new().await;
    let ada = h.person(ADA).await;
    h.sign_in(ADA).await;
    h.set_state(ada, EntityState::Suspended).await;
    h.set_state(ada, EntityState::Active).await;
    let now = h.sign_in(ADA).await;
    let listed = h.portcullis.list_sessions(&now.principal).await.unwrap();
    let ids: Vec<_> = listed.iter().map(|session| Some(session.id)).collect();
    assert_eq!(ids, [now.principal.session()]);
}
