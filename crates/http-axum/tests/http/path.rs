//! The whole path through the library, mounted in an app on the memory store.

use axum::http::{Method, StatusCode};
use portcullis_backends::core::state::EntityState;

use crate::app::{ADA, App, bearer, with_token};

#[tokio::test]
async fn from_sign_up_to_sign_out_through_a_mounted_app() {
    let app = App::new().await;
    let mut ada = app.client();
    ada.sign_up(ADA).await.expect(StatusCode::ACCEPTED);
    ada.sign_in(ADA).await.expect(StatusCode::UNAUTHORIZED);
    let link = app.mailed_token(ADA).await;
    assert!(ada.verify(&link).await.status.is_success());
    ada.sign_in(ADA).await.expect(StatusCode::OK);

    let profile = ada.get("/auth/profile").await.expect(StatusCode::OK).json();
    assert_eq!(profile["handle"], ADA);
    assert_eq!(profile["identifiers"][0]["verified"], true);

    let mut phone = app.client();
    phone.sign_in(ADA).await.expect(StatusCode::OK);
    let sessions = ada
        .get("/auth/sessions")
        .await
        .expect(StatusCode::OK)
        .json();
    let sessions = sessions["sessions"]
        .as_array()
        .unwrap_or_else(|| panic!("{sessions}"))
        .clone();
    assert_eq!(sessions.len(), 2);
    let other = sessions
        .iter()
        .find(|session| session["current"] == false)
        .unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();

    let token = ada.api_token(&["deploy"]).await;
    bearer(&app, &token).await.expect(StatusCode::OK);
    with_token(&app, "x-api-key", &token, Method::POST, "/auth/check-auth")
        .await
        .expect(StatusCode::OK);
    let listed = ada
        .get("/auth/api-tokens")
        .await
        .expect(StatusCode::OK)
        .json();
    let id = listed["api_tokens"][0]["id"].as_str().unwrap().to_owned();
    assert!(
        ada.delete(&format!("/auth/api-tokens/{id}"))
            .await
            .status
            .is_success()
    );
    bearer(&app, &token).await.expect(StatusCode::UNAUTHORIZED);

    assert!(
        ada.delete(&format!("/auth/sessions/{other}"))
            .await
            .status
            .is_success()
    );
    phone.check().await.expect(StatusCode::UNAUTHORIZED);
    ada.check().await.expect(StatusCode::OK);

    let second = ada.api_token(&["deploy"]).await;
    app.set_state(ADA, EntityState::Suspended).await;
    ada.check().await.expect(StatusCode::UNAUTHORIZED);
    bearer(&app, &second).await.expect(StatusCode::UNAUTHORIZED);
    ada.sign_in(ADA).await.expect(StatusCode::UNAUTHORIZED);

    app.set_state(ADA, EntityState::Active).await;
    ada.sign_in(ADA).await.expect(StatusCode::OK);
    ada.check().await.expect(StatusCode::OK);
    let cookie = ada.jar.clone();
    assert!(ada.post_empty("/auth/logout").await.status.is_success());
    assert!(
        ada.jar.iter().all(|(name, _)| name != "__Host-portcullis"),
        "{:?}",
        ada.jar
    );
    ada.jar = cookie;
    ada.check().await.expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn cookie_bearer_and_api_key_end_in_the_same_principal() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let token = ada.api_token(&["deploy"]).await;
    let by_cookie = ada.check().await.expect(StatusCode::OK).json();
    let by_bearer = bearer(&app, &token).await.expect(StatusCode::OK).json();
    let by_key = with_token(&app, "x-api-key", &token, Method::POST, "/auth/check-auth")
        .await
        .json();
    for field in ["user", "handle", "tenant"] {
        assert!(!by_cookie[field].is_null(), "{by_cookie}");
        assert_eq!(by_cookie[field], by_bearer[field], "{field}");
    }
    assert_eq!(by_bearer, by_key);
}
