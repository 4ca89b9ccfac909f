//! A person's own API tokens.

use portcullis_backends::core::principal::Principal;
use portcullis_backends::core::secret::SecretText;
use portcullis_backends::flow::{ApiTokenInfo, CreateApiTokenOutcome};

use crate::every::every_fault;
use crate::world::{ADA, World, token_of};

async fn ada(w: &World) -> Principal {
    w.person(ADA).await;
    w.sign_in(ADA).await.principal
}

struct Owner {
    principal: Principal,
    info: ApiTokenInfo,
    token: SecretText,
    other: SecretText,
}

async fn owner(w: &World) -> Owner {
    let principal = ada(w).await;
    let (info, token) = w.api_token(&principal).await;
    let (_, other) = w.api_token(&principal).await;
    Owner {
        principal,
        info,
        token,
        other,
    }
}

async fn live(w: &World, principal: &Principal) -> Vec<ApiTokenInfo> {
    w.portcullis.list_api_tokens(principal).await.unwrap()
}

// FT-32, CC-03
#[tokio::test]
async fn a_token_is_made_with_its_event_or_not_at_all() {
    every_fault(
        ada,
        async |w: &World, principal: &Principal| w.try_api_token(principal).await,
        |outcome| matches!(outcome, CreateApiTokenOutcome::Created { .. }),
        async |w: &World, principal: &Principal, answer: Option<CreateApiTokenOutcome>| {
            let before = live(w, principal).await;
            assert!(before.len() <= 1);
            if let Some(outcome) = answer {
                assert!(w.accepts_token(&token_of(outcome).1).await);
            }
            assert!(w.accepts_token(&w.api_token(principal).await.1).await);
            assert_eq!(live(w, principal).await.len(), before.len() + 1);
            // One whose text nobody was told stands in the list and can be taken away.
            for orphan in before {
                let context = w.context();
                let revoked = w
                    .portcullis
                    .revoke_api_token(principal, orphan.id, &context);
                assert!(revoked.await.unwrap());
            }
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn tokens_are_listed_whole_or_not_at_all() {
    every_fault(
        owner,
        async |w: &World, owner: &Owner| w.portcullis.list_api_tokens(&owner.principal).await,
        |tokens: &Vec<ApiTokenInfo>| tokens.len() == 2,
        async |w: &World, owner: &Owner, _| assert!(w.accepts_token(&owner.token).await),
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn a_token_is_revoked_or_can_be_revoked_again() {
    let revoke = async |w: &World, owner: &Owner| {
        let context = w.context();
        let revoked = w
            .portcullis
            .revoke_api_token(&owner.principal, owner.info.id, &context);
        revoked.await
    };
    every_fault(
        owner,
        async |w: &World, owner: &Owner| revoke(w, owner).await,
        |revoked: &bool| *revoked,
        async |w: &World, owner: &Owner, answer: Option<bool>| {
            let works = w.accepts_token(&owner.token).await;
            assert!(!works || answer.is_none(), "acknowledged, and it works");
            assert_eq!(revoke(w, owner).await.unwrap(), works);
            assert!(!revoke(w, owner).await.unwrap());
            assert!(!w.accepts_token(&owner.token).await);
            assert!(w.accepts_token(&owner.other).await);
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn all_tokens_are_revoked_together_or_can_be_revoked_again() {
    let revoke = async |w: &World, owner: &Owner| {
        let context = w.context();
        let revoked = w
            .portcullis
            .revoke_all_api_tokens(&owner.principal, &context);
        revoked.await
    };
    every_fault(
        owner,
        async |w: &World, owner: &Owner| revoke(w, owner).await,
        |revoked: &u64| *revoked == 2,
        async |w: &World, owner: &Owner, answer: Option<u64>| {
            let works = w.accepts_token(&owner.token).await;
            assert_eq!(works, w.accepts_token(&owner.other).await, "half of them");
            assert!(!works || answer.is_none(), "acknowledged, and they work");
            assert_eq!(revoke(w, owner).await.unwrap(), if works { 2 } else { 0 });
            assert!(live(w, &owner.principal).await.is_empty());
        },
    )
    .await;
}
