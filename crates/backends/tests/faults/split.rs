//! The flows that touch both halves, with the directory in one store and the rest in another: whatever fails between
//! them leaves nothing that can be used, and the same flow again completes it.

use portcullis_backends::FlowError;
use portcullis_backends::core::entity::User;
use portcullis_backends::core::id::UserId;
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::secret::{Password, SecretText};
use portcullis_backends::core::store::IdentityAdmin;
use portcullis_backends::flow::{
    OpenAccountOutcome, SignInOutcome, SignUpOutcome, VerifyEmailOutcome,
};
use serde_json::json;

use crate::every::every_fault_in;
use crate::sign_up::{accepted, people_called_ada, resend, the_latest_link_works_once};
use crate::world::{ADA, PASSWORD, World, cookie_of};

/// Somebody whom the adopter's application made before there were accounts.
async fn customer(w: &World) -> User {
    let customer = User {
        id: UserId::from_integer(1998),
        tenant: w.tenant(),
        identifiers: vec![
            Identifier::email(ADA).unwrap(),
            Identifier::username("ada").unwrap(),
        ],
        profile: json!({ "since": 1998 }),
        created_at: w.portcullis.now(),
    };
    let directory = w.store.healthy();
    directory.create_user(&customer).await.unwrap();
    customer
}

async fn is_unchanged(w: &World, customer: &User) {
    let found = w.portcullis.admin_find_user(w.tenant(), ADA).await.unwrap();
    assert_eq!(found.map(|found| found.user).as_ref(), Some(customer));
}

async fn nobody_is_in(w: &World) {
    let refused = w.try_sign_in(ADA, PASSWORD, None).await.unwrap();
    assert!(matches!(refused, SignInOutcome::Refused));
}

/// A sign-up that was acknowledged has its link; one that was not is completed by the next.
async fn is_signed_up_in_the_end(w: &World, answer: Option<SignUpOutcome>) {
    nobody_is_in(w).await;
    let browser = match answer {
        Some(outcome) => cookie_of(outcome),
        None => w.sign_up(ADA, PASSWORD).await,
    };
    assert_eq!(people_called_ada(w).await, 1);
    the_latest_link_works_once(w, &browser, PASSWORD).await;
}

// FT-32, CC-03
#[tokio::test]
async fn a_sign_up_that_dies_between_the_halves_is_completed_by_the_next() {
    every_fault_in(
        World::split,
        async |_: &World| (),
        async |w: &World, (): &()| w.try_sign_up(ADA, PASSWORD).await,
        accepted,
        async |w: &World, (): &(), answer: Option<SignUpOutcome>| {
            is_signed_up_in_the_end(w, answer).await;
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn somebody_the_directory_knows_signs_up_whatever_fails() {
    every_fault_in(
        World::split,
        customer,
        async |w: &World, _: &User| w.try_sign_up(ADA, PASSWORD).await,
        accepted,
        async |w: &World, customer: &User, answer: Option<SignUpOutcome>| {
            is_signed_up_in_the_end(w, answer).await;
            is_unchanged(w, customer).await;
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn a_candidate_asks_for_the_mail_again_whatever_fails() {
    every_fault_in(
        World::split,
        async |w: &World| {
            customer(w).await;
            w.sign_up(ADA, PASSWORD).await
        },
        async |w: &World, _: &SecretText| resend(w).await,
        |(): &()| true,
        async |w: &World, browser: &SecretText, _: Option<()>| {
            the_latest_link_works_once(w, browser, PASSWORD).await;
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn a_proof_over_two_stores_is_whole_or_nothing() {
    every_fault_in(
        World::split,
        async |w: &World| {
            customer(w).await;
            let browser = w.sign_up(ADA, PASSWORD).await;
            (w.mailed_link(ADA).await, browser)
        },
        async |w: &World, (link, browser): &(SecretText, SecretText)| {
            w.try_verify(link, Some(browser), None).await
        },
        |outcome: &VerifyEmailOutcome| matches!(outcome, VerifyEmailOutcome::Verified { .. }),
        async |w: &World,
               (link, browser): &(SecretText, SecretText),
               answer: Option<VerifyEmailOutcome>| {
            let again = w.verify(link, Some(browser)).await;
            let was_nothing = matches!(again, VerifyEmailOutcome::Verified { .. });
            assert!(!(was_nothing && answer.is_some()), "the link works twice");
            w.sign_in(ADA).await;
        },
    )
    .await;
}

async fn open(w: &World) -> Result<OpenAccountOutcome, FlowError> {
    let (email, password) = (Identifier::email(ADA), Password::new(PASSWORD));
    let opening = w
        .portcullis
        .admin_open_account(w.tenant(), email.unwrap(), password.unwrap());
    opening.await
}

const fn opened(outcome: &OpenAccountOutcome) -> bool {
    matches!(outcome, OpenAccountOutcome::Opened { .. })
}

async fn is_open_in_the_end(w: &World, answer: Option<OpenAccountOutcome>) {
    let there = w.portcullis.admin_find_user(w.tenant(), ADA).await.unwrap();
    let is_open = there.is_some_and(|there| there.account.is_some());
    assert!(is_open || answer.is_none(), "acknowledged, and not there");
    if !is_open {
        nobody_is_in(w).await;
    }
    assert_eq!(opened(&open(w).await.unwrap()), !is_open);
    assert_eq!(open(w).await.unwrap(), OpenAccountOutcome::Taken);
    assert_eq!(people_called_ada(w).await, 1);
    w.sign_in(ADA).await;
}

// FT-32, CC-03
#[tokio::test]
async fn an_account_that_dies_between_the_halves_is_opened_by_the_same_call() {
    every_fault_in(
        World::split,
        async |_: &World| (),
        async |w: &World, (): &()| open(w).await,
        opened,
        async |w: &World, (): &(), answer: Option<OpenAccountOutcome>| {
            is_open_in_the_end(w, answer).await;
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn an_account_is_opened_for_somebody_the_directory_knows_whatever_fails() {
    every_fault_in(
        World::split,
        customer,
        async |w: &World, _: &User| open(w).await,
        opened,
        async |w: &World, customer: &User, answer: Option<OpenAccountOutcome>| {
            is_open_in_the_end(w, answer).await;
            is_unchanged(w, customer).await;
        },
    )
    .await;
}
