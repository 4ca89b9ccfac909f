//! Proving again who is in a session, and what asks for it.

use axum::http::{Method, StatusCode};
use axum::routing::post;
use portcullis_http_axum::{Fresh, ROUTES, Require, RoutePolicy};
use serde_json::json;

use crate::app::{ADA, App, PASSWORD, with_token};

const COOKIE: &str = "__Host-portcullis";
const PATH: &str = "/auth/step-up";

// SE-02, SE-07
#[tokio::test]
async fn what_asks_for_a_recent_proof_works_after_stepping_up() {
    let app = App::with(
        |builder| builder,
        |router, portcullis| {
            let close = async |_: Require<Fresh>| "closed";
            let mine = axum::Router::new().route("/close", post(close));
            router.merge(mine.with_state(portcullis.clone()))
        },
    )
    .await;
    let mut ada = app.signed_in(ADA).await;
    app.advance(5 * 60);
    for _ in 0..2 {
        let answer = ada.post_empty("/close").await;
        assert_eq!(answer.code(), "step_up_required");
        answer.expect(StatusCode::FORBIDDEN);
    }
    let before = ada.jar.clone();
    let answer = ada.step_up(PASSWORD).await.expect(StatusCode::OK);
    assert_eq!(answer.json()["via"]["type"], "session");
    assert_ne!(ada.jar[COOKIE], before[COOKIE]);
    let cookie = &answer.set_cookies()[0];
    assert_eq!(cookie.max_age, Some(90 * 24 * 3600 - 5 * 60));
    ada.post_empty("/close").await.expect(StatusCode::OK);
    ada.jar = before;
    ada.check().await.expect(StatusCode::UNAUTHORIZED);
}

// SE-07
#[tokio::test]
async fn every_route_that_asks_for_a_recent_proof_refuses_a_stale_session() {
    let app = App::new().await;
    let mut asked = 0;
    for route in ROUTES {
        let method: Method = route.verb.as_str().parse().unwrap();
        let id = "0190b5a4-6f00-7000-8000-000000000000";
        let path = format!("/auth{}", route.path.replace("{id}", id));
        let body = || Some(("application/json", b"{}".to_vec()));
        if route.policy != RoutePolicy::FreshSession {
            continue;
        }
        asked += 1;
        // Somebody else for each: one of the routes closes the account.
        let who = format!("ada{asked}@example.com");
        let mut ada = app.signed_in(&who).await;
        let mut old = app.client();
        old.sign_in(&who).await.expect(StatusCode::OK);
        app.advance(5 * 60);
        let answer = old.request(method.clone(), &path, body()).await;
        assert_eq!(answer.code(), "step_up_required", "{path}");
        answer.expect(StatusCode::FORBIDDEN);
        ada.step_up(PASSWORD).await.expect(StatusCode::OK);
        let answer = ada.request(method, &path, body()).await;
        assert_ne!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert!(asked > 0);
    let tokens = ROUTES.iter().find(|route| {
        let asks = route.policy == RoutePolicy::FreshSession;
        route.path == "/api-tokens" && asks
    });
    assert!(
        tokens.is_some(),
        "an API token outlives the session it is made in"
    );
}

// SE-07, PW-08
#[tokio::test]
async fn a_wrong_password_is_refused_and_counted_and_the_session_stays() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let before = ada.jar.clone();
    for _ in 0..5 {
        let answer = ada.step_up("the wrong horse entirely").await;
        assert_eq!(answer.code(), "current_password_refused");
        assert!(answer.set_cookies().is_empty());
        answer.expect(StatusCode::FORBIDDEN);
    }
    let answer = ada.step_up(PASSWORD).await;
    assert!(answer.header("retry-after").is_some());
    answer.expect(StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(ada.jar, before);
    ada.check().await.expect(StatusCode::OK);
    // A sign-in in this browser has the same count; one in a browser that nobody guessed in has another.
    ada.sign_in(ADA).await.expect(StatusCode::TOO_MANY_REQUESTS);
    app.client().sign_in(ADA).await.expect(StatusCode::OK);
}

// SE-07, AK-05
#[tokio::test]
async fn only_a_session_is_stepped_up() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let token = ada.api_token(&["a"]).await;
    let hashes = app.hasher.hashes();
    let answer = with_token(&app, "x-api-key", &token, Method::POST, PATH).await;
    assert_eq!(answer.code(), "credential_not_allowed");
    answer.expect(StatusCode::FORBIDDEN);
    assert_eq!(app.hasher.hashes(), hashes);
    #[cfg(feature = "jwt")]
    {
        let body = json!({ "identifier": ADA, "password": PASSWORD });
        let pair = app.client().post("/auth/token", body).await.json();
        let hashes = app.hasher.hashes();
        let access = format!("Bearer {}", pair["access_token"].as_str().unwrap());
        let answer = with_token(&app, "authorization", &access, Method::POST, PATH).await;
        assert_eq!(answer.code(), "credential_not_allowed");
        assert_eq!(app.hasher.hashes(), hashes);
    }
    let anonymous = app.client().step_up(PASSWORD).await;
    anonymous.expect(StatusCode::UNAUTHORIZED);
    let answer = ada.post(PATH, json!({ "password": PASSWORD, "user": "eve" }));
    answer.await.expect(StatusCode::UNPROCESSABLE_ENTITY);
}
