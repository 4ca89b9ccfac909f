//! Answers that must not tell who has an account.

use axum::http::StatusCode;
use portcullis_backends::core::state::EntityState;
use serde_json::json;

use crate::app::{ADA, App, PASSWORD};
use crate::identifiers::{STATES, address, everybody};

// TH-01, OT-06
#[tokio::test]
async fn links_that_do_not_work_are_byte_equal_whatever_the_reason() {
    let app = App::new().await;
    let mut ada = app.client();
    ada.register(ADA).await;
    app.advance(1);
    let consumed = app.reset_link(ADA).await;
    ada.reset_password(&consumed, PASSWORD)
        .await
        .expect(StatusCode::NO_CONTENT);
    let expired = app.reset_link(ADA).await;
    app.advance(1800);
    let superseded = app.reset_link(ADA).await;
    let overtaken = app.reset_link(ADA).await;
    app.set_state(ADA, EntityState::Suspended).await;
    app.client()
        .sign_up("new@example.com")
        .await
        .expect(StatusCode::ACCEPTED);
    let other_kind = app.mailed_token("new@example.com").await;
    let mut wrong = consumed.clone();
    wrong.replace_range(40..41, if &wrong[40..41] == "a" { "b" } else { "a" });
    let hashes = app.hasher.hashes();
    for path in ["verify_token", "reset"] {
        let mut answers = Vec::new();
        for token in [
            &consumed,
            &expired,
            &superseded,
            &overtaken,
            &other_kind,
            &wrong,
        ] {
            let mut body = json!({ "token": token });
            if path == "reset" {
                body["password"] = json!("a battery of staple horses");
            }
            let answer = app
                .client()
                .post(&format!("/auth/password/{path}"), body)
                .await;
            assert_eq!(answer.code(), "invalid_link");
            answers.push(answer.expect(StatusCode::BAD_REQUEST).normalized());
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]));
    }
    assert_eq!(app.hasher.hashes(), hashes, "a dead link hashes nothing");
}

// LG-07
#[tokio::test]
async fn what_is_no_identifier_is_refused_like_a_wrong_password() {
    let app = App::new().await;
    let unknown = app
        .client()
        .sign_in("nobody@example.com")
        .await
        .normalized();
    let long = "x".repeat(4000);
    for typed in [
        "",
        " ",
        "not an identifier",
        "a@b@c",
        long.as_str(),
        "\u{0}",
    ] {
        let answer = app
            .client()
            .sign_in(typed)
            .await
            .expect(StatusCode::UNAUTHORIZED);
        assert_eq!(answer.normalized(), unknown, "{typed:?}");
    }
}

// TH-01
#[tokio::test]
async fn where_sign_up_is_not_open_that_is_said_to_everybody_alike() {
    use portcullis_backends::core::along::Along;
    use portcullis_backends::core::policy::{EmailDomains, SignUpMode};
    use portcullis_backends::core::store::AccountStore as _;
    let app = App::new().await;
    everybody(&app).await;
    let tenant = app.portcullis.default_tenant();
    for (mode, code) in [
        (SignUpMode::Closed, "sign_up_closed"),
        (SignUpMode::InviteOnly, "sign_up_invite_only"),
        (SignUpMode::Domains, "email_domain_refused"),
    ] {
        let security = app.store.tenant_security(tenant).await.unwrap();
        let mut security = security.unwrap();
        security.policy.sign_up = Some(mode);
        security.policy.sign_up_domains = Some(EmailDomains::parse(["example.net"]).unwrap());
        let set = app.store.set_tenant_security(&security, Along::default());
        assert!(set.await.unwrap().applied().is_some());
        let before = app.hasher.hashes();
        for path in ["/auth/signup", "/auth/signup/send_link"] {
            let mut answers = Vec::new();
            for state in STATES {
                let mut body = json!({ "email": address(state) });
                if path == "/auth/signup" {
                    body["password"] = json!(PASSWORD);
                }
                let answer = app.client().post(path, body).await;
                assert_eq!(answer.code(), code, "{state}");
                answers.push(answer.expect(StatusCode::FORBIDDEN).normalized());
            }
            assert!(answers.iter().all(|answer| answer == &answers[0]), "{path}");
            // One mailbox is asked for so often in a quarter of an hour.
            app.advance(3600);
        }
        assert_eq!(app.hasher.hashes(), before);
    }
}
