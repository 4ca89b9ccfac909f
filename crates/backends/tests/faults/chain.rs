//! Resolving a credential.

use portcullis_backends::Authentication;
use portcullis_backends::core::backend::Credential;
use portcullis_backends::core::secret::SecretText;

use crate::every::every_fault;
use crate::present::is_somebody;
use crate::world::{ADA, World};

/// Ada and her password, in base64 as RFC 7617 has it.
const BASIC: &str = "YWRhQGV4YW1wbGUuY29tOmNvcnJlY3QgaG9yc2UgYmF0dGVyeSBzdGFwbGU=";

// FT-32, CC-03
#[tokio::test]
async fn a_good_cookie_is_never_refused() {
    every_fault(
        async |w: &World| {
            w.person(ADA).await;
            w.sign_in(ADA).await.cookie
        },
        async |w: &World, cookie: &SecretText| w.present(Credential::Cookie(cookie.expose())).await,
        is_somebody,
        async |w: &World, cookie: &SecretText, _| assert!(w.accepts_cookie(cookie).await),
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn a_good_token_is_never_refused() {
    every_fault(
        async |w: &World| {
            w.person(ADA).await;
            let here = w.sign_in(ADA).await;
            w.api_token(&here.principal).await.1
        },
        async |w: &World, token: &SecretText| w.present(Credential::ApiKey(token.expose())).await,
        is_somebody,
        async |w: &World, token: &SecretText, _| assert!(w.accepts_token(token).await),
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn a_good_password_in_the_request_is_never_refused() {
    every_fault(
        async |w: &World| w.person(ADA).await,
        async |w: &World, _| w.present(Credential::Basic(BASIC)).await,
        is_somebody,
        async |w: &World, _, _| {
            let again = w.present(Credential::Basic(BASIC)).await.unwrap();
            assert!(is_somebody(&again));
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn what_is_over_is_never_accepted() {
    every_fault(
        async |_: &World| (),
        async |w: &World, (): &()| {
            let cookie = w.dead().cookie.expose();
            w.present(Credential::Cookie(cookie)).await
        },
        |answer| *answer == Authentication::Anonymous,
        async |_: &World, (): &(), _| (),
    )
    .await;
    every_fault(
        async |_: &World| (),
        async |w: &World, (): &()| {
            let token = w.dead().api_token.expose();
            w.present(Credential::Bearer(token)).await
        },
        |answer| *answer == Authentication::Rejected,
        async |_: &World, (): &(), _| (),
    )
    .await;
}
