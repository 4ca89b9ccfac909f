//! Signing in with a code, over HTTP.

use axum::http::{Method, StatusCode};
use portcullis_backends::core::policy::PolicyOverrides;
use portcullis_backends::core::state::EntityState;
use portcullis_http_axum::{LimitMode, RoutesConfig, routes_with};
use serde_json::json;

use crate::app::{ADA, Answer, App, Client};

const COOKIE: &str = "__Host-portcullis-code";

/// Codes sign in.
pub(crate) fn policy() -> PolicyOverrides {
    PolicyOverrides {
        email_code: Some(true),
        ..Default::default()
    }
}

async fn app() -> App {
    App::with(|builder| builder.policy(policy()), |router, _| router).await
}

async fn send(client: &mut Client<'_>, email: &str) -> Answer {
    let body = json!({ "email": email });
    client.post("/auth/email-code/send", body).await
}

async fn mailed_code(app: &App, email: &str) -> String {
    app.portcullis.run_due().await.unwrap();
    let mail = app.mailbox.last_to(email).unwrap();
    mail.code().unwrap().to_owned()
}

async fn enter(client: &mut Client<'_>, code: &str) -> Answer {
    let body = json!({ "code": code });
    client.post("/auth/email-code/verify", body).await
}

async fn form(client: &mut Client<'_>, path: &str, form: &str) -> Answer {
    let form = form.as_bytes().to_vec();
    let form = Some(("application/x-www-form-urlencoded", form));
    client.request(Method::POST, path, form).await
}

/// Another code than this.
fn wrong(code: &str) -> String {
    let last = if code.ends_with('0') { "1" } else { "0" };
    format!("{}{last}", &code[..code.len() - 1])
}

/// The answer without its ticket.
pub(crate) fn normalized(answer: &Answer) -> String {
    let ticket = answer.json()["ticket"].as_str().unwrap().to_owned();
    answer
        .normalized()
        .replace(&ticket, &"x".repeat(ticket.len()))
}

#[tokio::test]
async fn a_code_signs_in_over_http_once() {
    let app = app().await;
    app.client().register(ADA).await;
    let mut ada = app.client();
    let sent = send(&mut ada, ADA).await.expect(StatusCode::ACCEPTED);
    assert_eq!(sent.json()["expires_in"], 600);
    let cookies = sent.set_cookies();
    let cookie = cookies.iter().find(|cookie| cookie.name == COOKIE).unwrap();
    assert_eq!(sent.json()["ticket"], cookie.value.as_str());
    assert_eq!(cookie.max_age, Some(600));
    assert!(cookie.attributes.contains(&"HttpOnly".to_owned()));
    let code = mailed_code(&app, ADA).await;
    let caller = enter(&mut ada, &code).await.expect(StatusCode::OK);
    assert!(
        caller
            .set_cookies()
            .iter()
            .any(|c| c.name == "__Host-portcullis-device")
    );
    let caller = caller.json();
    assert_eq!(caller["handle"], ADA);
    assert_eq!(caller["assurance"]["level"], "aal1");
    assert_eq!(caller["assurance"]["factors"], json!(["email"]));
    assert!(!ada.jar.contains_key(COOKIE), "it has done its work");
    ada.check().await.expect(StatusCode::OK);
    let ticket = sent.json()["ticket"].clone();
    let body = json!({ "ticket": ticket, "code": code });
    let again = app.client().post("/auth/email-code/verify", body).await;
    assert_eq!(again.expect(StatusCode::BAD_REQUEST).code(), "invalid_code");
}

#[tokio::test]
async fn a_program_gives_the_ticket_in_the_body() {
    let app = app().await;
    app.client().register(ADA).await;
    let sent = send(&mut app.client(), ADA).await;
    let ticket = sent.json()["ticket"].clone();
    let code = mailed_code(&app, ADA).await;
    let body = json!({ "email": ADA, "ticket": ticket });
    let again = app.client().post("/auth/email-code/send", body).await;
    assert_eq!(again.expect(StatusCode::ACCEPTED).json()["ticket"], ticket);
    let body = json!({ "ticket": ticket, "code": code.replace(' ', "-") });
    let verified = app.client().post("/auth/email-code/verify", body).await;
    verified.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_code_that_was_asked_for_elsewhere_does_not_work() {
    let app = app().await;
    app.client().register(ADA).await;
    app.client().register("eve@example.com").await;
    let (mut ada, mut eve) = (app.client(), app.client());
    send(&mut ada, ADA).await.expect(StatusCode::ACCEPTED);
    let code = mailed_code(&app, ADA).await;
    let mut elsewhere = app.client();
    let refused = enter(&mut elsewhere, &code).await;
    assert_eq!(
        refused.expect(StatusCode::BAD_REQUEST).code(),
        "invalid_code"
    );
    send(&mut eve, "eve@example.com").await;
    enter(&mut eve, &code).await.expect(StatusCode::BAD_REQUEST);
    enter(&mut ada, &code).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn forms_lead_from_the_address_to_the_code_and_in() {
    let app = app().await;
    app.client().register(ADA).await;
    let mut ada = app.client();
    let page = form(&mut ada, "/auth/email-code/send", "email=ada%40example.com").await;
    let text = page.expect(StatusCode::ACCEPTED).text();
    assert!(text.contains("autocomplete=\"one-time-code\""), "{text}");
    assert!(!text.contains("pcl_tkt_"), "the ticket stays in its cookie");
    let code = mailed_code(&app, ADA).await;
    let typed = format!("code={}", wrong(&code).replace(' ', "+"));
    let page = form(&mut ada, "/auth/email-code/verify", &typed).await;
    let text = page.expect(StatusCode::BAD_REQUEST).text();
    assert!(
        text.contains("role=\"alert\"") && text.contains("name=\"code\""),
        "{text}"
    );
    let typed = format!("code={}", code.replace(' ', "+"));
    let page = form(&mut ada, "/auth/email-code/verify", &typed).await;
    let page = page.expect(StatusCode::OK);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    ada.check().await.expect(StatusCode::OK);
}

// SE-10
#[tokio::test]
async fn another_site_signs_nobody_in_with_a_code() {
    let app = app().await;
    app.client().register(ADA).await;
    let mut ada = app.client();
    send(&mut ada, ADA).await;
    let code = mailed_code(&app, ADA).await;
    let origin = "https://evil.example".parse().unwrap();
    ada.headers.insert("origin", origin);
    enter(&mut ada, &code).await.expect(StatusCode::FORBIDDEN);
    send(&mut ada, ADA).await.expect(StatusCode::FORBIDDEN);
    ada.headers.clear();
    enter(&mut ada, &code).await.expect(StatusCode::OK);
}

// TH-01, TH-02, OT-12
#[tokio::test]
async fn asking_for_a_code_and_typing_wrong_ones_is_byte_equal_and_does_the_same_work() {
    let app = app().await;
    for state in ["active", "suspended"] {
        app.client().register(&format!("{state}@example.com")).await;
    }
    app.set_state("suspended@example.com", EntityState::Suspended)
        .await;
    app.client().sign_up("pending@example.com").await;
    app.portcullis.run_due().await.unwrap();
    app.advance(3600);
    let hashes = app.hasher.hashes();
    let mut stories = Vec::new();
    for state in ["unknown", "pending", "active", "suspended"] {
        let email = format!("{state}@example.com");
        let (mut client, mut story) = (app.client(), Vec::new());
        for _ in 0..2 {
            let calls = app.store.calls();
            let sent = send(&mut client, &email).await;
            let sent = sent.expect(StatusCode::ACCEPTED);
            story.push((normalized(&sent), app.store.calls() - calls));
            for _ in 0..7 {
                let calls = app.store.calls();
                let refused = enter(&mut client, "0000 0000").await;
                assert_ne!(refused.status, StatusCode::OK);
                story.push((refused.normalized(), app.store.calls() - calls));
            }
            app.advance(31);
        }
        stories.push(story);
    }
    assert_eq!(app.hasher.hashes(), hashes);
    for story in &stories {
        assert_eq!(*story, stories[0]);
    }
    // Whatever is wrong, there is one answer.
    let unknown = enter(&mut app.client(), "0000 0000").await.normalized();
    let (refused, _calls) = &stories[0][1];
    assert_eq!(*refused, unknown);
    for body in [
        json!({ "code": "" }),
        json!({ "code": "not a code" }),
        json!({ "code": "0000 0000", "ticket": "" }),
        json!({ "code": "0000 0000", "ticket": "pcl_tkt_nothing" }),
        json!({ "code": "0".repeat(60_000) }),
    ] {
        let mut client = app.client();
        let answer = client.post("/auth/email-code/verify", body).await;
        assert_eq!(answer.normalized(), unknown);
    }
}

// TH-08
#[tokio::test]
async fn a_thousand_requests_for_one_address_send_few_mails() {
    for limits in [LimitMode::Standard, LimitMode::Off] {
        let app = App::with(
            |builder| builder.policy(policy()),
            |_, portcullis| {
                let mut config = RoutesConfig::default();
                config.limits = limits;
                axum::Router::new().merge(routes_with(portcullis, config))
            },
        )
        .await;
        app.client().register(ADA).await;
        let before = app.mailbox.all().len();
        for _ in 0..1000 {
            let answer = send(&mut app.client(), ADA).await;
            assert!(
                answer.status == StatusCode::ACCEPTED
                    || answer.status == StatusCode::TOO_MANY_REQUESTS
            );
        }
        app.portcullis.run_due().await.unwrap();
        assert_eq!(app.mailbox.all().len() - before, 1, "{limits:?}");
    }
}

#[tokio::test]
async fn where_the_policy_is_not_told_of_codes_none_is_sent() {
    let app = App::new().await;
    app.client().register(ADA).await;
    let before = app.mailbox.all().len();
    let mut ada = app.client();
    send(&mut ada, ADA).await.expect(StatusCode::ACCEPTED);
    app.portcullis.run_due().await.unwrap();
    assert_eq!(app.mailbox.all().len(), before);
    enter(&mut ada, "0000 0000")
        .await
        .expect(StatusCode::BAD_REQUEST);
}
