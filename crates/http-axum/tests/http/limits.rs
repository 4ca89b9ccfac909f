//! Limits by address and by identifier.

use axum::http::StatusCode;
use serde_json::json;

use crate::app::{ADA, App, Client, PASSWORD};

const NEW: &str = "a battery of staple horses";

/// Sends sign-ins for ever other identifiers until the address is limited; says how many went through.
async fn until_limited(client: &mut Client<'_>) -> u32 {
    for n in 0..10_000 {
        let answer = client.sign_in(&format!("nobody{n}@example.com")).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            assert_eq!(answer.code(), "rate_limited");
            assert!(
                answer
                    .header("retry-after")
                    .unwrap()
                    .parse::<u64>()
                    .unwrap()
                    >= 1
            );
            return n;
        }
    }
    panic!("never limited");
}

// TH-06
#[tokio::test]
async fn no_forwarding_header_buys_another_address() {
    let app = App::new().await;
    let mut eve = app.client();
    eve.peer = Some("192.0.2.66".to_owned());
    let passed = until_limited(&mut eve).await;
    assert!(passed > 0);
    for name in [
        "x-forwarded-for",
        "x-real-ip",
        "forwarded",
        "cf-connecting-ip",
        "true-client-ip",
    ] {
        eve.headers.clear();
        let value = if name == "forwarded" {
            "for=198.51.100.1"
        } else {
            "198.51.100.1"
        };
        eve.headers.insert(name, value.parse().unwrap());
        eve.sign_in("somebody@example.com")
            .await
            .expect(StatusCode::TOO_MANY_REQUESTS);
    }
    eve.headers.clear();
    eve.peer = Some("192.0.2.67".to_owned());
    eve.sign_in("somebody@example.com")
        .await
        .expect(StatusCode::UNAUTHORIZED);
}

// TH-06
#[tokio::test]
async fn a_configured_proxy_is_walked_through_to_the_first_stranger() {
    let app = App::with(
        |b| b.trusted_proxies(vec!["192.0.2.0/24".parse().unwrap()]),
        |router, _| router,
    )
    .await;
    let mut eve = app.client();
    eve.peer = Some("192.0.2.1".to_owned());
    eve.headers.insert(
        "x-forwarded-for",
        "203.0.113.9, 198.51.100.1, 192.0.2.2".parse().unwrap(),
    );
    until_limited(&mut eve).await;
    // What the client claims in front of its own address changes nothing.
    eve.headers.insert(
        "x-forwarded-for",
        "203.0.113.10, 198.51.100.1, 192.0.2.2".parse().unwrap(),
    );
    eve.sign_in("somebody@example.com")
        .await
        .expect(StatusCode::TOO_MANY_REQUESTS);
    eve.headers
        .insert("x-forwarded-for", "198.51.100.2".parse().unwrap());
    eve.sign_in("somebody@example.com")
        .await
        .expect(StatusCode::UNAUTHORIZED);
}

// TH-07
#[tokio::test]
async fn one_64_and_one_mapped_address_are_one_client() {
    let app = App::new().await;
    for (first, same, other) in [
        (
            "[2001:db8:0:1::1]",
            "[2001:db8:0:1:ffff:ffff:ffff:ffff]",
            "[2001:db8:0:2::1]",
        ),
        ("192.0.2.80", "[::ffff:192.0.2.80]", "192.0.2.81"),
    ] {
        let mut eve = app.client();
        eve.peer = Some(first.to_owned());
        until_limited(&mut eve).await;
        eve.peer = Some(same.to_owned());
        eve.sign_in("somebody@example.com")
            .await
            .expect(StatusCode::TOO_MANY_REQUESTS);
        eve.peer = Some(other.to_owned());
        eve.sign_in("somebody-else@example.com")
            .await
            .expect(StatusCode::UNAUTHORIZED);
    }
}

// TH-08
#[tokio::test]
async fn one_address_is_not_flooded_with_mail() {
    let app = App::new().await;
    app.client().sign_up(ADA).await.expect(StatusCode::ACCEPTED);
    let mut limited = 0;
    for n in 0..200 {
        let answer = if n % 2 == 0 {
            app.client()
                .post("/auth/signup/send_link", json!({ "email": ADA }))
                .await
        } else {
            app.client().sign_up("ADA@Example.com").await
        };
        limited += u32::from(answer.status == StatusCode::TOO_MANY_REQUESTS);
    }
    app.portcullis.run_due().await.unwrap();
    let mails = app.mailbox.all().len();
    assert!(
        limited > 0 && mails <= 20,
        "{mails} mails, {limited} limited"
    );
}

#[tokio::test]
async fn a_limited_request_costs_no_hash() {
    let app = App::new().await;
    let mut eve = app.client();
    eve.peer = Some("192.0.2.66".to_owned());
    until_limited(&mut eve).await;
    let before = app.hasher.hashes();
    eve.sign_in("somebody@example.com")
        .await
        .expect(StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(app.hasher.hashes(), before);
}

// TH-11
#[tokio::test]
async fn no_other_spelling_of_a_path_passes_the_limit() {
    use axum::http::Method;
    let app = App::new().await;
    for path in [
        "/auth//sign-in",
        "/auth/sign-in/",
        "/auth/%73ign-in/",
        "/auth/x/../sign-in",
        "//auth/sign-in",
        "/AUTH/sign-in",
    ] {
        let body = json!({ "identifier": ADA, "password": "x" })
            .to_string()
            .into_bytes();
        let answer = app
            .client()
            .request(Method::POST, path, Some(("application/json", body)))
            .await;
        assert!(
            matches!(
                answer.status,
                StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED
            ),
            "{path}: {answer:?}"
        );
    }
    assert_eq!(app.hasher.hashes(), 0);
}

#[tokio::test]
async fn an_account_of_ones_own_buys_no_more_sign_ins_than_anybodys() {
    let app = App::new().await;
    app.client().register(ADA).await;
    let mut passed = 0;
    while app.client().sign_in(ADA).await.status == StatusCode::OK {
        passed += 1;
        assert!(passed <= 60, "never limited");
    }
    assert_eq!(passed, 60);
    app.client()
        .sign_in(&format!("{ADA}{}", " ".repeat(100)))
        .await
        .expect(StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn many_addresses_together_keep_nobody_else_out() {
    let app = App::new().await;
    for _ in 0..7_000 {
        app.client()
            .post(
                "/auth/sign-in",
                json!({ "identifier": "x", "password": "" }),
            )
            .await;
    }
    app.client()
        .sign_in("somebody@example.com")
        .await
        .expect(StatusCode::UNAUTHORIZED);
}

/// How many of these are answered before the limit is reached, each from an address of its own.
async fn before_the_limit(mut ask: impl AsyncFnMut() -> crate::app::Answer) -> usize {
    for answered in 0..2_000 {
        let answer = ask().await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            assert_eq!(answer.code(), "rate_limited");
            return answered;
        }
    }
    panic!("never limited")
}

// TH-08
#[tokio::test]
async fn one_session_buys_no_more_hashes_from_however_many_addresses() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let passed = before_the_limit(async || ada.step_up(PASSWORD).await).await;
    assert_eq!(passed, 60);
    // The right password and a new one that is no good: nothing is delayed, and hashes are computed all the same.
    let passed = before_the_limit(async || ada.change_password(PASSWORD, PASSWORD).await).await;
    assert_eq!(passed, 20);
    let mut eve = app.signed_in("eve@example.com").await;
    eve.step_up(PASSWORD).await.expect(StatusCode::OK);
}

// TH-08
#[tokio::test]
async fn one_link_tries_no_more_passwords_from_however_many_addresses() {
    let app = App::new().await;
    app.client().register(ADA).await;
    let link = app.reset_link(ADA).await;
    let passed =
        before_the_limit(async || app.client().reset_password(&link, "too short").await).await;
    assert_eq!(passed, 20);
    app.advance(15 * 60);
    let reset = app.client().reset_password(&link, NEW).await;
    reset.expect(StatusCode::NO_CONTENT);
}

// FT-19
#[tokio::test]
async fn nobody_fills_the_log_by_renaming_sessions_or_making_tokens() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let sessions = ada.get("/auth/sessions").await.json();
    let id = sessions["sessions"][0]["id"].as_str().unwrap();
    let path = format!("/auth/sessions/{id}");
    let named = json!({ "name": "here" });
    let passed = before_the_limit(async || ada.patch(&path, named.clone()).await).await;
    assert_eq!(passed, 60);
    let body = json!({ "name": "x", "scopes": ["a"] });
    let passed = before_the_limit(async || ada.post("/auth/api-tokens", body.clone()).await).await;
    assert_eq!(passed, 60);
}

// TH-08
#[tokio::test]
async fn all_together_are_sent_1200_mails_a_minute() {
    let app = App::new().await;
    let mut number = 0;
    let passed = before_the_limit(async || {
        number += 1;
        let email = format!("nobody{number}@example.com");
        app.client().forgot_password(&email).await
    })
    .await;
    assert_eq!(passed, 1200);
}
