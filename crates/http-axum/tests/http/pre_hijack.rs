//! Accounts prepared for somebody else (Sudhodanan and Paverd, USENIX Security 2022), as the stranger and the owner do it
//! with their browsers. The flows have each case in more ways.

use axum::http::StatusCode;
use serde_json::json;

use crate::app::{ADA, App, Client, PASSWORD};
use crate::email_change::link as moving_link;

const OWNERS: &str = "a battery of staple horses";

/// The owner, in a browser of their own, gets in by the link that sets a password.
async fn recover(app: &App) -> Client<'_> {
    let mut owner = app.client();
    let link = app.reset_link(ADA).await;
    owner
        .reset_password(&link, OWNERS)
        .await
        .expect(StatusCode::NO_CONTENT);
    owner.sign_in_with(ADA, OWNERS).await.expect(StatusCode::OK);
    owner
}

async fn is_let_in(app: &App, password: &str) -> bool {
    app.client().sign_in_with(ADA, password).await.status == StatusCode::OK
}

#[tokio::test]
async fn sign_up_before_the_owner_their_link_asks_for_a_password_of_their_own() {
    let app = App::new().await;
    let mut stranger = app.client();
    stranger.sign_up(ADA).await.expect(StatusCode::ACCEPTED);
    let link = app.mailed_token(ADA).await;
    let mut owner = app.client();
    let refused = owner.verify(&link).await;
    assert_eq!(refused.code(), "password_required");
    let body = json!({ "token": link, "password": OWNERS });
    owner
        .post("/auth/signup/verify", body)
        .await
        .expect(StatusCode::OK);
    assert!(!is_let_in(&app, PASSWORD).await);
    assert!(is_let_in(&app, OWNERS).await);
}

#[tokio::test]
async fn unexpired_session_the_strangers_browser_is_signed_in_neither_before_nor_after() {
    let app = App::new().await;
    let mut stranger = app.client();
    stranger.sign_up(ADA).await.expect(StatusCode::ACCEPTED);
    stranger.sign_in(ADA).await.expect(StatusCode::UNAUTHORIZED);
    stranger.check().await.expect(StatusCode::UNAUTHORIZED);
    let mut owner = recover(&app).await;
    stranger.check().await.expect(StatusCode::UNAUTHORIZED);
    stranger.sign_in(ADA).await.expect(StatusCode::UNAUTHORIZED);
    owner.check().await.expect(StatusCode::OK);
}

#[tokio::test]
async fn unexpired_session_a_recovery_signs_out_whoever_was_in() {
    let app = App::new().await;
    let mut stranger = app.signed_in(ADA).await;
    let mut owner = recover(&app).await;
    stranger.check().await.expect(StatusCode::UNAUTHORIZED);
    let listed = owner.get("/auth/sessions").await.json();
    assert_eq!(listed["sessions"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn trojan_identifier_a_stranger_adds_no_address_to_what_they_signed_up() {
    let app = App::new().await;
    let mut stranger = app.client();
    stranger.sign_up(ADA).await.expect(StatusCode::ACCEPTED);
    let asked = stranger
        .post(
            "/auth/email/change/request",
            json!({ "email": "eve@example.com" }),
        )
        .await;
    asked.expect(StatusCode::UNAUTHORIZED);
    let mut owner = recover(&app).await;
    let profile = owner
        .get("/auth/profile")
        .await
        .expect(StatusCode::OK)
        .text();
    assert!(
        profile.contains(ADA) && !profile.contains("eve@example.com"),
        "{profile}"
    );
}

#[tokio::test]
async fn unexpired_email_change_a_recovery_ends_the_link_that_the_stranger_waits_with() {
    let app = App::new().await;
    let mut stranger = app.signed_in(ADA).await;
    let link = moving_link(&app, &mut stranger, "eve@example.com").await;
    let mut owner = recover(&app).await;
    let confirm = |link: &str| json!({ "token": link });
    let path = "/auth/email/change/confirm";
    stranger
        .post(path, confirm(&link))
        .await
        .expect(StatusCode::UNAUTHORIZED);
    let tricked = owner.post(path, confirm(&link)).await;
    assert_eq!(tricked.code(), "invalid_link");
    let profile = owner.get("/auth/profile").await.text();
    assert!(
        profile.contains(ADA) && !profile.contains("eve@example.com"),
        "{profile}"
    );
}
