//! What a reset is not: a way in.

use axum::http::{Method, StatusCode};
use portcullis_core::event::{AuthEventStatus, AuthEventType};
use portcullis_core::store::SessionStore as _;
use serde_json::json;

use crate::app::{ADA, App, with_token};

const NEW: &str = "a battery of staple horses";

// PW-17
#[tokio::test]
async fn a_reset_never_takes_the_place_of_a_sign_in_or_of_a_factor_of_it() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let link = app.reset_link(ADA).await;
    let nothing_signs_in = async |when: &str| {
        let mut client = app.client();
        for path in ["/auth/magic-link/verify", "/auth/signup/verify"] {
            let body = json!({ "token": link });
            let answer = client.post(path, body).await;
            assert_eq!(answer.code(), "invalid_link", "{when}: {path}");
        }
        for header in ["authorization", "x-api-key"] {
            let value = if header == "x-api-key" {
                link.clone()
            } else {
                format!("Bearer {link}")
            };
            let path = "/auth/check-auth";
            let answer = with_token(&app, header, &value, Method::POST, path).await;
            answer.expect(StatusCode::UNAUTHORIZED);
        }
        for cookie in ada.jar.keys() {
            let mut client = app.client();
            client.jar.insert(cookie.clone(), link.clone());
            let answer = client.check().await;
            answer.expect(StatusCode::UNAUTHORIZED);
            assert!(!client.step_up(NEW).await.status.is_success(), "{when}");
        }
        #[cfg(feature = "jwt")]
        {
            let refresh = json!({ "refresh_token": link });
            let answer = app.client().post("/auth/refresh", refresh).await;
            assert_eq!(answer.code(), "invalid_grant", "{when}");
        }
    };
    nothing_signs_in("before").await;
    let mut browser = app.client();
    let reset = browser.reset_password(&link, NEW).await;
    let reset = reset.expect(StatusCode::NO_CONTENT);
    // The browser shows from now on that its owner was here, and is nobody by that.
    let cookies: Vec<_> = browser.jar.keys().collect();
    assert_eq!(cookies, ["__Host-portcullis-device"]);
    assert!(reset.body.is_empty(), "no token in the answer");
    assert_eq!(reset.header("authorization"), None);
    nothing_signs_in("after").await;
    browser.check().await.expect(StatusCode::UNAUTHORIZED);
    // The session of before is not raised; it is over.
    ada.check().await.expect(StatusCode::UNAUTHORIZED);
    let (tenant, user) = (app.portcullis.default_tenant(), app.user_id(ADA).await);
    let now = app.portcullis.now();
    let sessions = app.store.list_sessions(tenant, user, now).await.unwrap();
    assert!(sessions.is_empty());
    let events = app.events().await;
    let opened = events.iter().filter(|event| {
        let opens = [AuthEventType::SignIn, AuthEventType::TokensIssued].contains(&event.kind);
        opens && event.status == AuthEventStatus::Success
    });
    assert_eq!(opened.count(), 1, "the sign-in before");
}

// TH-05
#[tokio::test]
async fn after_a_reset_its_owner_signs_in_whatever_strangers_tried() {
    let app = App::new().await;
    app.client().register(ADA).await;
    let link = app.reset_link(ADA).await;
    // Both counts: that of the account, which the reset forgets, and that of the route.
    for _ in 0..20 {
        crate::protection::lock_out(&app, ADA).await;
        app.advance(1);
    }
    let locked = app.client().sign_in(ADA).await;
    locked.expect(StatusCode::TOO_MANY_REQUESTS);
    let mut ada = app.client();
    let reset = ada.reset_password(&link, NEW).await;
    reset.expect(StatusCode::NO_CONTENT);
    ada.sign_in_with(ADA, NEW).await.expect(StatusCode::OK);
}
