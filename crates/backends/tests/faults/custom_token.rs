//! Single-use tokens of an application's own kinds.

use std::time::Duration;

use portcullis_backends::FlowError;
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::secret::SecretText;
use portcullis_backends::core::verification::KindName;
use portcullis_backends::flow::{IssueToken, IssueTokenOutcome, RedeemTokenOutcome, RedeemedToken};
use serde_json::json;

use crate::every::every_fault;
use crate::world::{ADA, World};

fn kind() -> KindName {
    KindName::new("seat").unwrap()
}

async fn try_issue(w: &World) -> Result<SecretText, FlowError> {
    let tenant = w.tenant();
    let found = w.portcullis.admin_find_user(tenant, ADA).await?;
    let input = IssueToken {
        kind: kind(),
        email: Identifier::email(ADA).unwrap(),
        user: Some(found.unwrap().user.id),
        payload: json!({ "team": 7 }),
        ttl: Duration::from_secs(3600),
    };
    let context = w.context();
    match w.portcullis.issue_token(input, &context).await? {
        IssueTokenOutcome::Issued(issued) => Ok(issued.token),
        IssueTokenOutcome::Refused(refusal) => panic!("{refusal}"),
    }
}

async fn try_redeem(w: &World, token: &SecretText) -> Result<bool, FlowError> {
    let context = w.context();
    let redeemed = w.portcullis.redeem_token(kind(), token, &context).await?;
    Ok(matches!(redeemed, RedeemTokenOutcome::Redeemed(_)))
}

// FT-32, CC-03
#[tokio::test]
async fn a_token_that_was_promised_works() {
    every_fault(
        async |w: &World| {
            w.person(ADA).await;
        },
        async |w: &World, (): &()| try_issue(w).await,
        |_token| true,
        async |w: &World, (): &(), token| {
            let token = match token {
                Some(token) => token,
                None => try_issue(w).await.unwrap(),
            };
            assert!(try_redeem(w, &token).await.unwrap());
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn a_token_is_redeemed_once_or_nobody_knows() {
    every_fault(
        async |w: &World| {
            w.person(ADA).await;
            try_issue(w).await.unwrap()
        },
        async |w: &World, token: &SecretText| try_redeem(w, token).await,
        |redeemed| *redeemed,
        async |w: &World, token: &SecretText, answer| {
            let again = try_redeem(w, token).await.unwrap();
            assert!(!(answer == Some(true) && again), "one token worked twice");
            assert!(!try_redeem(w, token).await.unwrap());
            let newer = try_issue(w).await.unwrap();
            assert!(try_redeem(w, &newer).await.unwrap());
        },
    )
    .await;
}

// FT-32
#[tokio::test]
async fn looking_at_a_token_says_what_it_is_for_and_burns_nothing() {
    every_fault(
        async |w: &World| {
            w.person(ADA).await;
            try_issue(w).await.unwrap()
        },
        async |w: &World, token: &SecretText| {
            let context = w.context();
            w.portcullis.peek_token(kind(), token, &context).await
        },
        |says: &Option<RedeemedToken>| {
            says.as_ref().is_some_and(|says| {
                says.payload == json!({ "team": 7 }) && says.email.canonical == ADA
            })
        },
        async |w: &World, token: &SecretText, _| {
            assert!(try_redeem(w, token).await.unwrap());
            assert!(!try_redeem(w, token).await.unwrap());
        },
    )
    .await;
}

// FT-32
#[tokio::test]
async fn looking_at_a_token_that_is_over_says_so_or_nothing() {
    every_fault(
        async |w: &World| {
            w.person(ADA).await;
            let token = try_issue(w).await.unwrap();
            assert!(try_redeem(w, &token).await.unwrap());
            token
        },
        async |w: &World, token: &SecretText| {
            let context = w.context();
            w.portcullis.peek_token(kind(), token, &context).await
        },
        Option::is_none,
        async |w: &World, token: &SecretText, _| {
            assert!(!try_redeem(w, token).await.unwrap());
        },
    )
    .await;
}
