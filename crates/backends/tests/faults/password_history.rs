//! Passwords that somebody had before: kept with the change that replaces them, or not at all.

use portcullis_backends::core::id::UserId;
use portcullis_backends::core::policy::PolicyOverrides;
use portcullis_backends::core::rule::password::PasswordRejection;
use portcullis_backends::core::secret::SecretText;
use portcullis_backends::core::store::PasswordHistory as _;
use portcullis_backends::flow::{ChangePasswordOutcome, ResetPasswordOutcome, SignedIn};

use crate::every::every_fault_in;
use crate::world::{ADA, OTHER_PASSWORD, PASSWORD, World};

async fn three_are_remembered() -> World {
    let policy = PolicyOverrides {
        password_history: Some(3),
        ..PolicyOverrides::default()
    };
    World::with(|store| store, |builder| builder.policy(policy)).await
}

/// The password of before is among the earlier ones where it was replaced, and nowhere else.
async fn remembered_as_replaced(w: &World, ada: UserId, changed: bool) {
    let earlier = w.store.healthy().earlier_passwords(w.tenant(), ada, 100);
    assert_eq!(earlier.await.unwrap().len(), usize::from(changed));
}

// FT-32, CC-03
#[tokio::test]
async fn a_change_and_its_memory_happen_together_or_not_at_all() {
    every_fault_in(
        three_are_remembered,
        async |w: &World| {
            let ada = w.person(ADA).await;
            (ada, w.sign_in(ADA).await)
        },
        async |w: &World, (_, here): &(UserId, SignedIn)| {
            w.try_change(here, PASSWORD, OTHER_PASSWORD).await
        },
        |outcome| matches!(outcome, ChangePasswordOutcome::Changed { .. }),
        async |w: &World, (ada, _): &(UserId, SignedIn), answer| {
            let changed = w.signs_in(OTHER_PASSWORD).await;
            assert!(changed || answer.is_none(), "acknowledged, and not changed");
            remembered_as_replaced(w, *ada, changed).await;
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn a_reset_refuses_an_earlier_password_or_nobody_knows_and_burns_nothing() {
    every_fault_in(
        three_are_remembered,
        async |w: &World| {
            let ada = w.person(ADA).await;
            (ada, w.reset_link(ADA).await)
        },
        async |w: &World, (_, link): &(UserId, SecretText)| w.try_reset(link, PASSWORD).await,
        |outcome| *outcome == ResetPasswordOutcome::PasswordRefused(PasswordRejection::Reused),
        async |w: &World, (ada, link): &(UserId, SecretText), _| {
            remembered_as_replaced(w, *ada, false).await;
            let reset = w.try_reset(link, OTHER_PASSWORD).await.unwrap();
            assert!(matches!(reset, ResetPasswordOutcome::Reset { .. }));
            remembered_as_replaced(w, *ada, true).await;
        },
    )
    .await;
}
