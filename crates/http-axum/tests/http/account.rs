//! Closing one's account, and asking what is kept about oneself.

use axum::http::{Method, StatusCode};

use crate::app::{ADA, App, PASSWORD, with_token};

const CLOSE: &str = "/auth/account/close";
const EXPORT: &str = "/auth/account/export";
const COOKIE: &str = "__Host-portcullis";

#[tokio::test]
async fn a_closed_account_is_refused_like_one_that_never_was() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let mut phone = app.client();
    phone.sign_in(ADA).await.expect(StatusCode::OK);
    let kept = ada.jar.clone();
    let closed = ada.post_empty(CLOSE).await.expect(StatusCode::NO_CONTENT);
    let cookies = closed.set_cookies();
    let deleted = cookies.iter().find(|cookie| cookie.name == COOKIE).unwrap();
    assert_eq!((deleted.max_age, deleted.value.as_str()), (Some(0), ""));
    assert!(closed.header("clear-site-data").is_some(), "{closed:?}");
    ada.jar = kept;
    ada.check().await.expect(StatusCode::UNAUTHORIZED);
    phone.check().await.expect(StatusCode::UNAUTHORIZED);
    let refused = app.client().sign_in_with(ADA, PASSWORD).await;
    let unknown = app.client().sign_in_with("eve@example.com", PASSWORD).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert_eq!(refused.normalized(), unknown.normalized());
    let again = ada.post_empty(CLOSE).await;
    again.expect(StatusCode::UNAUTHORIZED);
}

// SE-07, AK-05
#[tokio::test]
async fn an_account_is_closed_or_given_out_only_shortly_after_signing_in() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let token = ada.api_token(&["deploy"]).await;
    for (method, path) in [(Method::POST, CLOSE), (Method::GET, EXPORT)] {
        let refused = with_token(&app, "x-api-key", &token, method, path).await;
        let code = refused.expect(StatusCode::FORBIDDEN).code();
        assert_eq!(code, "credential_not_allowed");
    }
    app.advance(5 * 60);
    for (method, path) in [(Method::POST, CLOSE), (Method::GET, EXPORT)] {
        let refused = ada.request(method, path, None).await;
        let code = refused.expect(StatusCode::FORBIDDEN).code();
        assert_eq!(code, "step_up_required");
    }
    ada.check().await.expect(StatusCode::OK);
}

#[tokio::test]
async fn what_is_kept_is_given_out_as_a_file_without_secrets() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let token = ada.api_token(&["deploy"]).await;
    let export = ada.get(EXPORT).await.expect(StatusCode::OK);
    let disposition = export.header("content-disposition").unwrap();
    assert!(disposition.starts_with("attachment"), "{disposition}");
    assert_eq!(export.header("cache-control"), Some("no-store"));
    let json = export.json();
    assert_eq!(json["account"]["state"], "active");
    assert_eq!(json["identifiers"][0]["value"], ADA);
    assert_eq!(json["api_tokens"].as_array().unwrap().len(), 1);
    let text = String::from_utf8_lossy(&export.body);
    for secret in [PASSWORD, &token[30..], &ada.jar[COOKIE][30..]] {
        assert!(!text.contains(secret));
    }
}
