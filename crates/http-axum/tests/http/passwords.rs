//! Changing a password and setting a new one, as a client sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use axum::http::{Method, StatusCode};
use portcullis_backends::breach::{BreachCheck, BreachError};
use portcullis_core::secret::Password;
use serde_json::json;

use crate::app::{ADA, App, PASSWORD, bearer, with_token};

const NEW: &str = "a battery of staple horses";

// SE-06, PW-08
#[tokio::test]
async fn a_change_leaves_one_session_with_a_new_cookie() {
    let app = App::new().await;
    let mut here = app.signed_in(ADA).await;
    let mut others = [app.client(), app.client()];
    for other in &mut others {
        other.sign_in(ADA).await.expect(StatusCode::OK);
    }
    let before = here.jar.clone();
    let answer = here.change_password("the wrong horse", NEW).await;
    assert_eq!(answer.code(), "current_password_refused");
    answer.expect(StatusCode::FORBIDDEN);
    here.change_password(PASSWORD, NEW)
        .await
        .expect(StatusCode::NO_CONTENT);
    assert_ne!(here.jar, before);
    here.check().await.expect(StatusCode::OK);
    for other in &mut others {
        other.check().await.expect(StatusCode::UNAUTHORIZED);
    }
    here.jar = before;
    here.check().await.expect(StatusCode::UNAUTHORIZED);
    here.sign_in(ADA).await.expect(StatusCode::UNAUTHORIZED);
    here.sign_in_with(ADA, NEW).await.expect(StatusCode::OK);
}

// AK-05
#[tokio::test]
async fn a_program_changes_no_password_and_keeps_its_token_over_a_change() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let token = ada.api_token(&["a"]).await;
    let path = "/auth/password/change";
    let answer = with_token(&app, "x-api-key", &token, Method::POST, path).await;
    assert_eq!(answer.code(), "credential_not_allowed");
    ada.change_password(PASSWORD, NEW)
        .await
        .expect(StatusCode::NO_CONTENT);
    bearer(&app, &token).await.expect(StatusCode::OK);
}

#[cfg(feature = "jwt")]
// SE-06, RT-05
#[tokio::test]
async fn a_change_and_a_reset_end_every_refresh_family_and_access_token() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    for round in ["change", "reset"] {
        let password = if round == "change" { PASSWORD } else { NEW };
        let mut pairs = Vec::new();
        for _ in 0..2 {
            let body = json!({ "identifier": ADA, "password": password });
            let pair = app.client().post("/auth/token", body).await;
            pairs.push(pair.expect(StatusCode::OK).json());
        }
        if round == "change" {
            ada.change_password(PASSWORD, NEW)
                .await
                .expect(StatusCode::NO_CONTENT);
        } else {
            let link = app.reset_link(ADA).await;
            ada.reset_password(&link, PASSWORD)
                .await
                .expect(StatusCode::NO_CONTENT);
        }
        for pair in pairs {
            let access = pair["access_token"].as_str().unwrap();
            bearer(&app, access).await.expect(StatusCode::UNAUTHORIZED);
            let body = json!({ "refresh_token": pair["refresh_token"] });
            let refreshed = app.client().post("/auth/refresh", body).await;
            assert_eq!(refreshed.code(), "invalid_grant");
        }
    }
}

// PW-18
#[tokio::test]
async fn a_reset_signs_nobody_in() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let link = app.reset_link(ADA).await;
    let mut mail_client = app.client();
    let answer = mail_client
        .reset_password(&link, NEW)
        .await
        .expect(StatusCode::NO_CONTENT);
    let cookies = answer.set_cookies().into_iter().map(|cookie| cookie.name);
    assert_eq!(cookies.collect::<Vec<_>>(), ["__Host-portcullis-device"]);
    ada.check().await.expect(StatusCode::UNAUTHORIZED);
    app.portcullis.run_due().await.unwrap();
    let notice = app.mailbox.last_to(ADA).unwrap();
    assert!(notice.subject.contains("was changed") && !notice.text.contains(NEW));
    mail_client
        .sign_in_with(ADA, NEW)
        .await
        .expect(StatusCode::OK);
}

// OT-09, OT-10
#[tokio::test]
async fn the_link_of_a_reset_opens_a_form_that_acts_when_it_is_sent() {
    let app = App::new().await;
    app.client().register(ADA).await;
    let link = app.reset_link(ADA).await;
    let text = app.mailbox.last_to(ADA).unwrap().text;
    assert!(text.contains("https://auth.example.com/auth/password/reset?token="));
    let path = format!("/auth/password/reset?token={link}");
    for method in [Method::GET, Method::HEAD, Method::GET] {
        let answer = app.client().request(method, &path, None).await;
        let answer = answer.expect(StatusCode::OK);
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    let looked = app
        .client()
        .post("/auth/password/verify_token", json!({ "token": link }))
        .await;
    let looked = looked.expect(StatusCode::OK).json();
    assert!(looked["expires_at"].is_string(), "{looked}");
    let mut browser = app.client();
    let form = |password: &str| format!("token={link}&password={password}").into_bytes();
    let kind = "application/x-www-form-urlencoded";
    let path = "/auth/password/reset";
    let answer = browser
        .request(Method::POST, path, Some((kind, form("short"))))
        .await
        .expect(StatusCode::UNPROCESSABLE_ENTITY);
    let page = String::from_utf8(answer.body).unwrap();
    assert!(
        page.contains("<form") && page.contains("at least 15"),
        "{page}"
    );
    browser
        .request(
            Method::POST,
            path,
            Some((kind, form("long+enough+to+be+good"))),
        )
        .await
        .expect(StatusCode::OK);
    browser
        .sign_in_with(ADA, "long enough to be good")
        .await
        .expect(StatusCode::OK);
    let answer = browser
        .request(
            Method::POST,
            path,
            Some((kind, form("long+enough+to+be+good"))),
        )
        .await
        .expect(StatusCode::BAD_REQUEST);
    assert!(!answer.body.is_empty());
}

// TH-08
#[tokio::test]
async fn one_mailbox_gets_few_links_however_often_they_are_asked_for() {
    let app = App::new().await;
    app.client().register(ADA).await;
    app.advance(3600);
    let before = app.mailbox.to(ADA).len();
    let mut accepted = 0;
    for _ in 0..1000 {
        let answer = app.client().forgot_password(ADA).await;
        accepted += usize::from(answer.status == StatusCode::ACCEPTED);
    }
    app.portcullis.run_due().await.unwrap();
    let mails = app.mailbox.to(ADA).len() - before;
    assert_eq!(mails, accepted);
    assert_eq!(mails, 5);
    // And one client asks for few mailboxes.
    let mut client = app.client();
    client.peer = Some("192.0.2.9".to_owned());
    let mut accepted = 0;
    for n in 0..50 {
        let answer = client.forgot_password(&format!("a{n}@example.com")).await;
        accepted += usize::from(answer.status == StatusCode::ACCEPTED);
    }
    assert_eq!(accepted, 10);
}

// TH-03
#[tokio::test]
async fn trouble_with_mail_does_not_show_in_the_answer() {
    let app = App::new().await;
    app.client().register(ADA).await;
    app.advance(3600);
    let well = app.client().forgot_password(ADA).await.normalized();
    app.portcullis.run_due().await.unwrap();
    app.mailbox.fail_next(1);
    app.advance(1);
    let badly = app.client().forgot_password(ADA).await.normalized();
    assert_eq!(well, badly);
    app.portcullis.run_due().await.unwrap();
    assert_eq!(app.store.outbox_len(), 1, "the mail waits");
}

// PW-14
#[tokio::test]
async fn no_route_asks_for_or_shows_a_hint_or_a_secret_question() {
    let app = App::new().await;
    let document = app.client().get("/auth/openapi.json").await.json();
    let text = document.to_string().to_lowercase();
    for word in ["hint", "question", "maiden", "pet_name"] {
        assert!(!text.contains(&format!("{word}\"")), "{word}");
    }
}

// PW-01, PW-06, PW-07
#[tokio::test]
async fn every_route_that_takes_a_new_password_refuses_the_same_ones_with_the_same_answer() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let link = app.reset_link(ADA).await;
    app.client()
        .sign_up("ada.new@example.com")
        .await
        .expect(StatusCode::ACCEPTED);
    let verification = app.mailed_token("ada.new@example.com").await;
    let emoji = "\u{1f980}".repeat(14);
    let cases = [
        ("1234567", "min_length"),
        ("12345678", "min_length"),
        ("hungry-jackdaw", "min_length"),
        (emoji.as_str(), "min_length"),
        ("PasswordPassword1", "common"),
        ("iloveyou12345678", "common"),
        ("ada@example.com", "similar"),
        ("ada-example-2024", "similar"),
        ("portcullis+ada.1", "similar"),
    ];
    let before = app.hasher.hashes();
    for (password, rule) in cases {
        // One mailbox may be written to every three minutes.
        app.advance(181);
        let answers = [
            app.client()
                .post(
                    "/auth/signup",
                    json!({ "email": "ada@example.com", "password": password }),
                )
                .await,
            app.client()
                .post(
                    "/auth/signup/verify",
                    json!({ "token": verification, "password": password }),
                )
                .await,
            app.client().reset_password(&link, password).await,
            ada.change_password(PASSWORD, password).await,
        ];
        for (at, answer) in answers.into_iter().enumerate() {
            assert_eq!(answer.code(), "password_refused", "{password} {at}");
            let error = answer.expect(StatusCode::UNPROCESSABLE_ENTITY).json()["errors"][0].clone();
            assert_eq!(error["rule"], rule, "{password} {at}: {error}");
        }
    }
    assert_eq!(
        app.hasher.hashes(),
        before,
        "a refused password is not hashed"
    );
    // 15 code points are enough, of whatever sort, and the link is still good.
    app.client()
        .reset_password(&link, &"\u{1f980}".repeat(15))
        .await
        .expect(StatusCode::NO_CONTENT);
}

/// Every password is in it.
#[derive(Clone, Default)]
struct Everything(Arc<AtomicUsize>);

#[async_trait]
impl BreachCheck for Everything {
    async fn is_breached(&self, _password: &Password) -> Result<bool, BreachError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(true)
    }
}

// PW-07, TH-06
#[tokio::test]
async fn a_breached_password_is_refused_by_its_rule_and_past_the_limit_the_list_is_not_asked() {
    let list = Everything::default();
    let asked = Arc::clone(&list.0);
    let app = App::with(|builder| builder.breach_check(list), |router, _| router).await;
    let mut eve = app.client();
    eve.peer = Some("192.0.2.66".to_owned());
    let mut refused = 0;
    loop {
        let body = json!({ "email": format!("eve{refused}@example.com"), "password": PASSWORD });
        let answer = eve.post("/auth/signup", body).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            break;
        }
        assert_eq!(answer.code(), "password_refused");
        let answer = answer.expect(StatusCode::UNPROCESSABLE_ENTITY).json();
        assert_eq!(answer["errors"][0]["rule"], "breached", "{answer}");
        refused += 1;
        assert!(refused < 10_000, "never limited");
    }
    assert!(refused > 0);
    assert_eq!(asked.load(Ordering::SeqCst), refused);
}
