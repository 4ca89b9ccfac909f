//! What people call their sessions, as a client sees it.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::app::{ADA, App, Client};

impl Client<'_> {
    /// The path of the session that asks, and its entry in the list.
    async fn own(&mut self) -> (String, Value) {
        let listed = self.get("/auth/sessions").await.expect(StatusCode::OK);
        let listed = listed.json()["sessions"].as_array().unwrap().clone();
        let own = listed.into_iter().find(|entry| entry["current"] == true);
        let own = own.unwrap();
        (
            format!("/auth/sessions/{}", own["id"].as_str().unwrap()),
            own,
        )
    }
}

#[tokio::test]
async fn a_session_is_named_listed_and_exported_by_its_name() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let (path, before) = ada.own().await;
    assert_eq!(before["name"], Value::Null);
    let named = ada.patch(&path, json!({ "name": "  Zoë's phone " })).await;
    assert!(
        named
            .expect(StatusCode::NO_CONTENT)
            .set_cookies()
            .is_empty()
    );
    let (_, own) = ada.own().await;
    assert_eq!(own["name"], "Zoë's phone");
    assert_eq!(own["device"], before["device"]);
    let export = ada.get("/auth/account/export").await.expect(StatusCode::OK);
    assert_eq!(export.json()["sessions"][0]["name"], "Zoë's phone");
    for nothing in [json!(null), json!(""), json!("  ")] {
        let named = ada.patch(&path, json!({ "name": "x" })).await;
        named.expect(StatusCode::NO_CONTENT);
        let gone = ada.patch(&path, json!({ "name": nothing })).await;
        gone.expect(StatusCode::NO_CONTENT);
        assert_eq!(ada.own().await.1["name"], Value::Null);
    }
}

#[tokio::test]
async fn a_text_that_is_no_name_is_refused_by_its_field() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let (path, _) = ada.own().await;
    let bodies = [
        json!({ "name": "x".repeat(101) }),
        json!({ "name": "a\nb" }),
        json!({ "name": "\u{202e}a" }),
    ];
    for body in bodies {
        let answer = ada.patch(&path, body).await;
        let answer = answer.expect(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(answer.code(), "invalid_body");
        assert_eq!(answer.json()["errors"][0]["field"], "name");
    }
    for body in [
        json!({}),
        json!({ "name": 1 }),
        json!({ "name": "a", "id": 1 }),
    ] {
        let answer = ada.patch(&path, body).await;
        answer.expect(StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(ada.own().await.1["name"], Value::Null);
}

// SE-08, SE-04
#[tokio::test]
async fn somebody_elses_an_ended_and_no_session_are_one_answer() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let mut phone = app.client();
    phone.sign_in(ADA).await.expect(StatusCode::OK);
    let mut eve = app.signed_in("eve@example.com").await;
    let (own, _) = ada.own().await;
    let (ended, _) = phone.own().await;
    ada.delete(&ended).await.expect(StatusCode::NO_CONTENT);
    let unknown = "/auth/sessions/0190b5a4-6f00-7000-8000-000000000000";
    let name = || json!({ "name": "mine" });
    let expected = ada.patch(unknown, name()).await;
    let expected = expected.expect(StatusCode::NOT_FOUND).normalized();
    assert_eq!(ada.patch(&ended, name()).await.normalized(), expected);
    assert_eq!(eve.patch(&own, name()).await.normalized(), expected);
    assert_eq!(
        ada.patch("/auth/sessions/1", name()).await.normalized(),
        expected
    );
    phone.check().await.expect(StatusCode::UNAUTHORIZED);
    assert_eq!(ada.own().await.1["name"], Value::Null);
}

#[tokio::test]
async fn another_site_names_nothing_and_the_path_says_what_it_takes() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let (path, _) = ada.own().await;
    let origin = "https://evil.example".parse().unwrap();
    ada.headers.insert("origin", origin);
    let answer = ada.patch(&path, json!({ "name": "x" })).await;
    assert_eq!(answer.code(), "cross_site_request");
    ada.headers.clear();
    let answer = ada.get(&path).await;
    let answer = answer.expect(StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.header("allow"), Some("PATCH, DELETE"));
    assert_eq!(ada.own().await.1["name"], Value::Null);
}

#[tokio::test]
async fn a_list_says_in_words_what_each_session_is_used_with_and_from_where() {
    let app = App::new().await;
    app.client().register(ADA).await;
    let mut laptop = app.client();
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0";
    laptop.headers.insert("user-agent", agent.parse().unwrap());
    laptop.peer = Some("192.0.2.7".to_owned());
    laptop.sign_in(ADA).await.expect(StatusCode::OK);
    let sessions = laptop.get("/auth/sessions").await.json();
    let session = &sessions["sessions"][0];
    assert_eq!(session["device"], "Firefox on Linux");
    assert_eq!(session["ip"], "192.0.2.7");
    assert_eq!(session["user_agent"], agent);
}
