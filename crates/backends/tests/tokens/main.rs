//! Access and refresh tokens on the memory store. Needs the feature `jwt`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its harness too"
)]

#[path = "../flows/harness.rs"]
#[expect(
    dead_code,
    reason = "shared with the other flows, which use more of it"
)]
mod harness;

mod access;
mod clock;
mod refresh;

use std::sync::Arc;

use harness::{ADA, Harness, PASSWORD};
use portcullis_backends::core::api_token::Scopes;
use portcullis_backends::core::clock::{Clock, ManualClock};
use portcullis_backends::core::secret::{Password, SecretText};
use portcullis_backends::flow::{
    RefreshOutcome, RefreshRequest, TokenOutcome, TokenPair, TokenRequest,
};
use portcullis_backends::tokens::OsEntropy;
use portcullis_backends::tokens::jwt::{JwtAlgorithm, JwtKeys};

fn jwt_keys() -> JwtKeys {
    JwtKeys::generate(
        JwtAlgorithm::EdDsa,
        &OsEntropy,
        ManualClock::default().now(),
    )
    .unwrap()
}

/// An instance that makes access tokens, with one person in it.
async fn instance() -> Arc<Harness> {
    let h = Harness::with(|b| b.access_tokens(jwt_keys())).await;
    h.person(ADA).await;
    Arc::new(h)
}

fn scopes(names: &[&str]) -> Option<Scopes> {
    Some(Scopes::new(names.iter().map(|name| name.parse().unwrap())).unwrap())
}

async fn issue(h: &Harness, scopes: Option<Scopes>) -> Box<TokenPair> {
    let request = TokenRequest {
        identifier: ADA.to_owned(),
        password: Password::new(PASSWORD).unwrap(),
        scopes,
    };
    match h
        .portcullis
        .issue_tokens(request, &h.context())
        .await
        .unwrap()
    {
        TokenOutcome::Issued(pair) => pair,
        other => panic!("{other:?}"),
    }
}

async fn refresh(h: &Harness, token: &SecretText) -> Option<Box<TokenPair>> {
    refresh_with(h, token, None).await
}

async fn refresh_with(
    h: &Harness,
    token: &SecretText,
    scopes: Option<Scopes>,
) -> Option<Box<TokenPair>> {
    let request = RefreshRequest {
        token: token.clone(),
        scopes,
    };
    match h
        .portcullis
        .refresh_tokens(request, &h.context())
        .await
        .unwrap()
    {
        RefreshOutcome::Refreshed(pair) => Some(pair),
        RefreshOutcome::Refused => None,
    }
}
