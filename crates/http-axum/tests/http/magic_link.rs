//! Links that sign in.

use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::app::{ADA, Answer, App, Client};

/// The token of a new link to an address that has an account.
pub(crate) async fn link(app: &App, email: &str) -> String {
    app.advance(1);
    let asked = app
        .client()
        .post("/auth/magic-link/send", json!({ "email": email }))
        .await;
    asked.expect(StatusCode::ACCEPTED);
    app.mailed_token(email).await
}

async fn open(client: &mut Client<'_>, token: &str) -> Answer {
    let body = json!({ "token": token });
    client.post("/auth/magic-link/verify", body).await
}

async fn send_form(client: &mut Client<'_>, token: &str) -> Answer {
    let form = format!("token={token}").into_bytes();
    let form = Some(("application/x-www-form-urlencoded", form));
    let path = "/auth/magic-link/verify";
    client.request(Method::POST, path, form).await
}

async fn handle(client: &mut Client<'_>) -> String {
    let caller = client.check().await.expect(StatusCode::OK).json();
    caller["handle"].as_str().unwrap().to_owned()
}

// OT-09
#[tokio::test]
async fn a_magic_link_signs_in_over_http_once() {
    let app = App::new().await;
    app.client().register(ADA).await;
    let token = link(&app, ADA).await;
    let text = app.mailbox.last_to(ADA).unwrap().text;
    let expected = "https://auth.example.com/auth/magic-link/verify?token=pcl_vfy_";
    assert!(text.contains(expected), "{text}");
    let mut ada = app.client();
    let caller = open(&mut ada, &token).await.expect(StatusCode::OK).json();
    assert_eq!(caller["handle"], ADA);
    assert_eq!(caller["assurance"]["level"], "aal1");
    assert_eq!(caller["assurance"]["factors"], json!(["email"]));
    assert_eq!(handle(&mut ada).await, ADA);
    let again = open(&mut app.client(), &token).await;
    assert_eq!(again.expect(StatusCode::BAD_REQUEST).code(), "invalid_link");
}

// OT-10, SE-10
#[tokio::test]
async fn looking_at_a_magic_link_signs_nobody_in_or_out() {
    let app = App::new().await;
    app.client().register(ADA).await;
    let mut eve = app.signed_in("eve@example.com").await;
    let token = link(&app, ADA).await;
    let path = format!("/auth/magic-link/verify?token={token}");
    for method in [Method::GET, Method::HEAD, Method::GET, Method::GET] {
        let answer = eve.request(method, &path, None).await;
        let answer = answer.expect(StatusCode::OK);
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(answer.set_cookies().is_empty());
        assert_eq!(handle(&mut eve).await, "eve@example.com");
    }
    let refused = send_form(&mut eve, "pcl_vfy_nothing").await;
    refused.expect(StatusCode::BAD_REQUEST);
    assert_eq!(handle(&mut eve).await, "eve@example.com");
    let before = eve.jar.clone();
    let page = send_form(&mut eve, &token).await.expect(StatusCode::OK);
    let content_type = page.header("content-type");
    assert_eq!(content_type, Some("text/html; charset=utf-8"));
    assert_eq!(handle(&mut eve).await, ADA);
    let mut old = app.client();
    old.jar = before;
    old.check().await.expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_magic_link_is_not_acted_on_from_another_site() {
    let app = App::new().await;
    app.client().register(ADA).await;
    let token = link(&app, ADA).await;
    let mut elsewhere = app.client();
    let origin = "https://evil.example".parse().unwrap();
    elsewhere.headers.insert("origin", origin);
    let refused = send_form(&mut elsewhere, &token).await;
    refused.expect(StatusCode::FORBIDDEN);
    open(&mut app.client(), &token).await.expect(StatusCode::OK);
}
