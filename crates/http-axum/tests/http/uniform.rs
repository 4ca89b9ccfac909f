//! Answers that must not tell who has an account.

use axum::http::StatusCode;
use portcullis_backends::core::state::EntityState;
use serde_json::json;

use crate::app::{ADA, App, PASSWORD};

const STATES: [&str; 6] = [
    "unknown",
    "pending",
    "active",
    "suspended",
    "terminated",
    "passwordless",
];

/// One account in each state, at `<state>@example.com`; nobody at `unknown@example.com`.
async fn app_with_every_state() -> App {
    use portcullis_backends::core::along::Along;
    use portcullis_backends::core::factor::FactorKind;
    use portcullis_backends::core::store::FactorStore as _;
    let app = App::new().await;
    app.client()
        .sign_up("pending@example.com")
        .await
        .expect(StatusCode::ACCEPTED);
    for state in ["active", "suspended", "terminated", "passwordless"] {
        app.client().register(&format!("{state}@example.com")).await;
    }
    app.set_state("suspended@example.com", EntityState::Suspended)
        .await;
    app.set_state("terminated@example.com", EntityState::Terminated)
        .await;
    let (tenant, user) = (
        app.portcullis.default_tenant(),
        app.user_id("passwordless@example.com").await,
    );
    let removed = app
        .store
        .remove_factor(tenant, user, FactorKind::Password, Along::default())
        .await
        .unwrap();
    assert!(removed.applied().is_some());
    app.portcullis.run_due().await.unwrap();
    app.advance(3600);
    app
}

// TH-01, TH-02
#[tokio::test]
async fn refused_sign_ins_are_byte_equal_and_cost_one_hash_each() {
    let app = app_with_every_state().await;
    let mut answers = Vec::new();
    for state in STATES {
        let before = app.hasher.hashes();
        // Whoever is active is refused for the wrong password; everybody else whatever the password.
        let password = if state == "active" {
            "wrong horse battery staple"
        } else {
            PASSWORD
        };
        let answer = app
            .client()
            .sign_in_with(&format!("{state}@example.com"), password)
            .await;
        assert_eq!(app.hasher.hashes() - before, 1, "{state}");
        assert_eq!(answer.code(), "invalid_credentials", "{state}");
        answers.push(answer.expect(StatusCode::UNAUTHORIZED).normalized());
    }
    for (state, answer) in STATES.iter().zip(&answers) {
        assert_eq!(answer, &answers[0], "{state}");
    }
}

// TH-01, TH-02
#[tokio::test]
async fn sign_ups_are_byte_equal_and_cost_one_hash_each() {
    let app = app_with_every_state().await;
    let mut answers = Vec::new();
    for state in STATES {
        let before = app.hasher.hashes();
        let answer = app.client().sign_up(&format!("{state}@example.com")).await;
        assert_eq!(app.hasher.hashes() - before, 1, "{state}");
        answers.push(answer.expect(StatusCode::ACCEPTED).normalized());
    }
    for (state, answer) in STATES.iter().zip(&answers) {
        assert_eq!(answer, &answers[0], "{state}");
    }
}

// TH-01
#[tokio::test]
async fn asking_for_the_mail_again_is_byte_equal_and_hashes_nothing() {
    let app = app_with_every_state().await;
    let before = app.hasher.hashes();
    let mut answers = Vec::new();
    for state in STATES {
        let email = format!("{state}@example.com");
        let answer = app
            .client()
            .post("/auth/signup/send_link", json!({ "email": email }))
            .await;
        answers.push(answer.expect(StatusCode::ACCEPTED).normalized());
    }
    assert_eq!(app.hasher.hashes(), before);
    for (state, answer) in STATES.iter().zip(&answers) {
        assert_eq!(answer, &answers[0], "{state}");
    }
}

// TH-01, TH-02
#[tokio::test]
async fn asking_for_a_magic_link_is_byte_equal_hashes_nothing_and_does_the_same_work() {
    let app = app_with_every_state().await;
    let before = app.hasher.hashes();
    let (mut answers, mut work) = (Vec::new(), Vec::new());
    for state in STATES {
        let email = format!("{state}@example.com");
        let calls = app.store.calls();
        let answer = app
            .client()
            .post("/auth/magic-link/send", json!({ "email": email }))
            .await;
        work.push(app.store.calls() - calls);
        answers.push(answer.expect(StatusCode::ACCEPTED).normalized());
    }
    assert_eq!(app.hasher.hashes(), before);
    assert!(
        work.iter().all(|calls| *calls == work[0]),
        "store calls: {work:?}"
    );
    for (state, answer) in STATES.iter().zip(&answers) {
        assert_eq!(answer, &answers[0], "{state}");
    }
}

// TH-01, TH-02
#[tokio::test]
async fn asking_for_a_new_password_is_byte_equal_hashes_nothing_and_costs_the_same_calls() {
    let app = app_with_every_state().await;
    let (mut answers, mut work) = (Vec::new(), Vec::new());
    let hashes = app.hasher.hashes();
    for state in STATES {
        let email = format!("{state}@example.com");
        let before = (app.store.calls(), app.store.writes());
        let answer = app.client().forgot_password(&email).await;
        work.push((app.store.calls() - before.0, app.store.writes() - before.1));
        answers.push(answer.expect(StatusCode::ACCEPTED).normalized());
    }
    assert_eq!(app.hasher.hashes(), hashes);
    assert!(work.iter().all(|calls| *calls == work[0]), "{work:?}");
    for (state, answer) in STATES.iter().zip(&answers) {
        assert_eq!(answer, &answers[0], "{state}");
    }
}

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

// TH-01, TH-04
#[tokio::test]
async fn locked_answers_are_byte_equal_for_known_and_unknown_identifiers() {
    let app = app_with_every_state().await;
    let (mut answers, mut work) = (Vec::new(), Vec::new());
    for state in STATES {
        let who = format!("{state}@example.com");
        for _ in 0..5 {
            app.client()
                .sign_in_with(&who, "wrong horse battery staple")
                .await
                .expect(StatusCode::UNAUTHORIZED);
        }
        let (before, calls) = (app.hasher.hashes(), app.store.calls());
        let answer = app
            .client()
            .sign_in(&who)
            .await
            .expect(StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(
            app.hasher.hashes(),
            before,
            "a locked attempt hashes nothing"
        );
        assert_eq!(answer.header("retry-after"), Some("1"));
        work.push(app.store.calls() - calls);
        answers.push(answer.normalized());
    }
    assert!(
        work.iter().all(|calls| *calls == work[0]),
        "store calls: {work:?}"
    );
    for (state, answer) in STATES.iter().zip(&answers) {
        assert_eq!(answer, &answers[0], "{state}");
    }
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
    let app = app_with_every_state().await;
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
                let mut body = json!({ "email": format!("{state}@example.com") });
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
