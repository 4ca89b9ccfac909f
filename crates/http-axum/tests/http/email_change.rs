//! Changing the address of an account.

use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::app::{ADA, Answer, App, Client};

const NEW: &str = "lovelace@example.com";
const ASK: &str = "/auth/email/change/request";
const CONFIRM: &str = "/auth/email/change/confirm";

async fn ask(app: &App, client: &mut Client<'_>, email: &str) -> Answer {
    app.advance(1);
    client.post(ASK, json!({ "email": email })).await
}

/// The token of a link to an address that is free.
pub(crate) async fn link(app: &App, client: &mut Client<'_>, email: &str) -> String {
    let asked = ask(app, client, email).await;
    asked.expect(StatusCode::ACCEPTED);
    app.mailed_token(email).await
}

// OT-09, OT-11
#[tokio::test]
async fn an_address_is_changed_over_http() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let mut phone = app.client();
    phone.sign_in(ADA).await.expect(StatusCode::OK);
    let token = link(&app, &mut ada, NEW).await;
    let text = app.mailbox.last_to(NEW).unwrap().text;
    let expected = "https://auth.example.com/auth/email/change/confirm?token=pcl_vfy_";
    assert!(text.contains(expected), "{text}");
    let before = ada.jar.clone();
    let confirmed = ada.post(CONFIRM, json!({ "token": token })).await;
    confirmed.expect(StatusCode::NO_CONTENT);
    let caller = ada.check().await.expect(StatusCode::OK).json();
    assert_eq!(caller["handle"], NEW);
    let mut old = app.client();
    old.jar = before;
    old.check().await.expect(StatusCode::UNAUTHORIZED);
    phone.check().await.expect(StatusCode::UNAUTHORIZED);
    app.client().sign_in(NEW).await.expect(StatusCode::OK);
    let again = ada.post(CONFIRM, json!({ "token": token })).await;
    assert_eq!(again.expect(StatusCode::BAD_REQUEST).code(), "invalid_link");
}

// SE-07
#[tokio::test]
async fn another_address_is_asked_for_only_shortly_after_signing_in() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    app.advance(5 * 60);
    let asked = ask(&app, &mut ada, NEW).await;
    let code = asked.expect(StatusCode::FORBIDDEN).code();
    assert_eq!(code, "step_up_required");
    ask(&app, &mut app.client(), NEW)
        .await
        .expect(StatusCode::UNAUTHORIZED);
}

// OT-10
#[tokio::test]
async fn looking_at_a_link_to_a_new_address_changes_nothing() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let token = link(&app, &mut ada, NEW).await;
    let path = format!("{CONFIRM}?token={token}");
    for method in [Method::GET, Method::HEAD, Method::GET, Method::GET] {
        let page = ada.request(method, &path, None).await;
        let page = page.expect(StatusCode::OK);
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(page.header("cache-control"), Some("no-store"));
        assert!(page.set_cookies().is_empty());
    }
    // Without a session of the account it is of no use, and not used up.
    let form = format!("token={token}").into_bytes();
    let form = Some(("application/x-www-form-urlencoded", form));
    let mut nobody = app.client();
    let refused = nobody.request(Method::POST, CONFIRM, form.clone()).await;
    refused.expect(StatusCode::UNAUTHORIZED);
    let mut eve = app.signed_in("eve@example.com").await;
    let refused = eve.request(Method::POST, CONFIRM, form.clone()).await;
    refused.expect(StatusCode::BAD_REQUEST);
    let confirmed = ada.request(Method::POST, CONFIRM, form).await;
    confirmed.expect(StatusCode::OK);
    let caller = ada.check().await.expect(StatusCode::OK).json();
    assert_eq!(caller["handle"], NEW);
}

// TH-01, TH-02
#[tokio::test]
async fn a_taken_address_is_answered_byte_for_byte_like_a_free_one() {
    let app = App::new().await;
    app.client().register("taken@example.com").await;
    app.client().sign_up("pending@example.com").await;
    let mut ada = app.signed_in(ADA).await;
    let hashes = app.hasher.hashes();
    let (mut answers, mut work) = (Vec::new(), Vec::new());
    for name in ["free", "taken", "pending"] {
        let calls = app.store.calls();
        let asked = ask(&app, &mut ada, &format!("{name}@example.com")).await;
        work.push(app.store.calls() - calls);
        answers.push(asked.expect(StatusCode::ACCEPTED).normalized());
    }
    assert_eq!(app.hasher.hashes(), hashes);
    assert!(work.iter().all(|calls| *calls == work[0]), "{work:?}");
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

// TH-08
#[tokio::test]
async fn the_present_address_gets_few_mails_whatever_the_new_ones_are() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let mut limited = 0;
    for n in 0..20 {
        let body = json!({ "email": format!("new{n}@example.com") });
        let answer = ada.post(ASK, body).await;
        limited += u32::from(answer.status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(limited, 15);
}
