//! Links that sign in.

use portcullis_backends::FlowError;
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::policy::PolicyOverrides;
use portcullis_backends::core::secret::SecretText;
use portcullis_backends::flow::{MagicLink, MagicLinkOutcome, SendMagicLink};

use crate::every::{every_fault, every_fault_in};
use crate::world::{ADA, OTHER_PASSWORD, World};

async fn try_send(w: &World) -> Result<(), FlowError> {
    let email = Identifier::email(ADA).unwrap();
    let context = w.context();
    w.advance(1);
    let sent = w
        .portcullis
        .send_magic_link(SendMagicLink { email }, &context);
    sent.await
}

async fn link(w: &World) -> SecretText {
    try_send(w).await.unwrap();
    w.mailed_link(ADA).await
}

async fn try_open(w: &World, link: &SecretText) -> Result<MagicLinkOutcome, FlowError> {
    let input = MagicLink {
        token: link.clone(),
        replaces: None,
    };
    let context = w.context();
    w.portcullis.sign_in_with_magic_link(input, &context).await
}

const fn signed_in(outcome: &MagicLinkOutcome) -> bool {
    matches!(outcome, MagicLinkOutcome::SignedIn(_))
}

/// What was acknowledged is a session; whatever happened, the link works at most once more and a new one works.
async fn settled(w: &World, link: &SecretText, answer: Option<MagicLinkOutcome>) {
    let acknowledged = answer.is_some();
    if let Some(MagicLinkOutcome::SignedIn(signed_in)) = answer {
        assert!(w.accepts_cookie(&signed_in.cookie).await);
    }
    let again = signed_in(&try_open(w, link).await.unwrap());
    assert!(!(acknowledged && again), "one link worked twice");
    assert!(!signed_in(&try_open(w, link).await.unwrap()));
    let newer = self::link(w).await;
    assert!(signed_in(&try_open(w, &newer).await.unwrap()));
}

/// A world whose links make accounts.
async fn open_house() -> World {
    World::with(|store| store, |builder| builder.policy(makes_accounts())).await
}

pub(crate) fn makes_accounts() -> PolicyOverrides {
    PolicyOverrides {
        magic_link_sign_up: Some(true),
        ..Default::default()
    }
}

// FT-32, CC-03
#[tokio::test]
async fn asking_for_a_magic_link_sends_one_that_works_or_says_that_it_failed() {
    every_fault(
        async |w: &World| {
            w.person(ADA).await;
        },
        async |w: &World, (): &()| try_send(w).await,
        |()| true,
        async |w: &World, (): &(), answer| {
            if answer.is_none() {
                try_send(w).await.unwrap();
            }
            let link = w.mailed_link(ADA).await;
            assert!(signed_in(&try_open(w, &link).await.unwrap()));
        },
    )
    .await;
}

/// Whatever fails, the link of the latest mail works, and none before it.
pub(crate) async fn the_latest_link_works(make: impl AsyncFn() -> World) {
    every_fault_in(
        make,
        async |w: &World| {
            w.person(ADA).await;
            link(w).await
        },
        async |w: &World, _: &SecretText| try_send(w).await,
        |()| true,
        async |w: &World, older: &SecretText, answer: Option<()>| {
            let latest = w.mailed_link(ADA).await;
            let is_newer = latest.expose() != older.expose();
            assert!(is_newer || answer.is_none(), "promised, and no mail");
            if is_newer {
                assert!(!signed_in(&try_open(w, older).await.unwrap()));
            }
            let opened = try_open(w, &latest).await.unwrap();
            assert!(signed_in(&opened), "no link works");
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn another_magic_link_takes_the_place_of_the_older_or_leaves_it() {
    the_latest_link_works(World::new).await;
}

/// Whatever fails, somebody's link signs in once.
pub(crate) async fn a_link_signs_in_once(make: impl AsyncFn() -> World) {
    every_fault_in(
        make,
        async |w: &World| {
            w.person(ADA).await;
            link(w).await
        },
        async |w: &World, link: &SecretText| try_open(w, link).await,
        signed_in,
        async |w: &World, link: &SecretText, answer| settled(w, link, answer).await,
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn a_magic_link_signs_in_once_or_nobody_knows() {
    a_link_signs_in_once(World::new).await;
}

/// Whatever fails, somebody new is there with all that belongs to them, or not there.
pub(crate) async fn a_link_makes_a_person(make: impl AsyncFn() -> World) {
    every_fault_in(
        make,
        async |w: &World| link(w).await,
        async |w: &World, link: &SecretText| try_open(w, link).await,
        signed_in,
        async |w: &World, link: &SecretText, answer| settled(w, link, answer).await,
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn a_magic_link_makes_a_whole_person_or_nobody() {
    a_link_makes_a_person(open_house).await;
}

// FT-32, CC-03
#[tokio::test]
async fn a_magic_link_activates_a_sign_up_without_its_password_or_leaves_it() {
    every_fault_in(
        open_house,
        async |w: &World| {
            w.sign_up(ADA, OTHER_PASSWORD).await;
            link(w).await
        },
        async |w: &World, link: &SecretText| try_open(w, link).await,
        signed_in,
        async |w: &World, link: &SecretText, answer| settled(w, link, answer).await,
    )
    .await;
}
