//! API tokens.

use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::app::{ADA, App, bearer, with_token};

// AK-01
#[tokio::test]
async fn the_owner_of_a_token_comes_from_the_principal_alone() {
    let app = App::new().await;
    app.client().register(ADA).await;
    let ada = app.user_id(ADA).await.to_string();
    let body = json!({ "name": "x", "scopes": ["a"] });
    let mut anonymous = app.client();
    anonymous
        .post("/auth/api-tokens", body.clone())
        .await
        .expect(StatusCode::UNAUTHORIZED);
    anonymous
        .post(&format!("/auth/api-tokens?user={ada}&owner={ada}"), body)
        .await
        .expect(StatusCode::UNAUTHORIZED);
    anonymous.headers.insert("x-user-id", ada.parse().unwrap());
    anonymous
        .post("/auth/api-tokens", json!({ "name": "x", "scopes": ["a"] }))
        .await
        .expect(StatusCode::UNAUTHORIZED);
    let mut eve = app.signed_in("eve@example.com").await;
    for field in ["user", "owner", "user_id", "userId", "tenant"] {
        let mut body = json!({ "name": "x", "scopes": ["a"] });
        body[field] = json!(ada);
        eve.post("/auth/api-tokens", body)
            .await
            .expect(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let tokens = app
        .portcullis
        .admin_list_api_tokens(app.portcullis.default_tenant(), app.user_id(ADA).await)
        .await;
    assert!(tokens.unwrap().is_empty());
}

// AK-02
#[tokio::test]
async fn a_token_is_shown_once_in_a_form_that_scanners_know() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let token = ada.api_token(&["a"]).await;
    assert!(
        token.starts_with("pcl_pat_") && token.len() == 8 + 22 + 43 + 6,
        "{token}"
    );
    let listed = ada.get("/auth/api-tokens").await.expect(StatusCode::OK);
    let text = String::from_utf8(listed.body.clone()).unwrap();
    assert!(
        !text.contains(&token[30..]) && !text.contains("digest") && !text.contains("hash"),
        "{text}"
    );
    for end in 0..token.len() {
        bearer(&app, &token[..end])
            .await
            .expect(StatusCode::UNAUTHORIZED);
    }
    bearer(&app, &format!("{token}0"))
        .await
        .expect(StatusCode::UNAUTHORIZED);
}

// AK-05
#[tokio::test]
async fn an_api_token_manages_no_credentials() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let token = ada.api_token(&["a"]).await;
    let routes = [
        (Method::POST, "/auth/api-tokens"),
        (Method::GET, "/auth/api-tokens"),
        (Method::DELETE, "/auth/api-tokens"),
        (
            Method::DELETE,
            "/auth/api-tokens/0190b5a4-6f00-7000-8000-000000000000",
        ),
        (Method::GET, "/auth/sessions"),
        (Method::DELETE, "/auth/sessions"),
        (
            Method::DELETE,
            "/auth/sessions/0190b5a4-6f00-7000-8000-000000000000",
        ),
    ];
    for (method, path) in routes {
        let answer = with_token(
            &app,
            "authorization",
            &format!("Bearer {token}"),
            method.clone(),
            path,
        )
        .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path}");
        assert_eq!(answer.code(), "credential_not_allowed", "{method} {path}");
    }
    bearer(&app, &token).await.expect(StatusCode::OK);
}

// AK-06
#[tokio::test]
async fn an_allowlist_holds_against_the_true_peer() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    for entry in ["1.2.3.4/33", "010.0.0.1", "localhost", ""] {
        let body = json!({ "name": "x", "scopes": ["a"], "ip_allowlist": [entry] });
        ada.post("/auth/api-tokens", body)
            .await
            .expect(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let body = json!({ "name": "x", "scopes": ["a"], "ip_allowlist": ["198.51.100.0/24"] });
    let token = ada
        .post("/auth/api-tokens", body)
        .await
        .expect(StatusCode::CREATED)
        .json()["token"]
        .clone();
    let mut program = app.client();
    let bearer = format!("Bearer {}", token.as_str().unwrap());
    program
        .headers
        .insert("authorization", bearer.parse().unwrap());
    program
        .headers
        .insert("x-forwarded-for", "198.51.100.7".parse().unwrap());
    for (peer, status) in [
        ("198.51.100.7", StatusCode::OK),
        ("192.0.2.1", StatusCode::UNAUTHORIZED),
    ] {
        program.peer = Some(peer.to_owned());
        program.check().await.expect(status);
    }
}

// AK-07
#[tokio::test]
async fn a_lifetime_that_is_none_is_refused() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let lifetimes = [
        json!(0),
        json!(-1),
        json!(59),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(1e300),
        json!("60"),
        json!(60.5),
    ];
    for lifetime in lifetimes {
        let body = json!({ "name": "x", "scopes": ["a"], "expires_in_secs": lifetime });
        ada.post("/auth/api-tokens", body)
            .await
            .expect(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let body = json!({ "name": "x", "scopes": ["a"], "expires_in_secs": 60 });
    ada.post("/auth/api-tokens", body)
        .await
        .expect(StatusCode::CREATED);
}

#[tokio::test]
async fn a_token_is_made_only_shortly_after_signing_in() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let body = json!({ "name": "x", "scopes": ["a"] });
    app.advance(5 * 60 - 1);
    ada.post("/auth/api-tokens", body.clone())
        .await
        .expect(StatusCode::CREATED);
    app.advance(1);
    let answer = ada
        .post("/auth/api-tokens", body.clone())
        .await
        .expect(StatusCode::FORBIDDEN);
    assert_eq!(answer.code(), "step_up_required");
    ada.sign_in(ADA).await.expect(StatusCode::OK);
    ada.post("/auth/api-tokens", body)
        .await
        .expect(StatusCode::CREATED);
}

#[tokio::test]
async fn the_cap_is_a_conflict_and_revoking_all_makes_room() {
    use portcullis_backends::core::policy::PolicyOverrides;
    let policy = PolicyOverrides {
        api_token_max_per_user: Some(2),
        ..Default::default()
    };
    let app = App::with(|b| b.policy(policy), |router, _| router).await;
    let mut ada = app.signed_in(ADA).await;
    let body = json!({ "name": "x", "scopes": ["a"] });
    for _ in 0..2 {
        ada.post("/auth/api-tokens", body.clone())
            .await
            .expect(StatusCode::CREATED);
    }
    let answer = ada
        .post("/auth/api-tokens", body.clone())
        .await
        .expect(StatusCode::CONFLICT);
    assert_eq!(answer.code(), "limit_reached");
    assert!(ada.delete("/auth/api-tokens").await.status.is_success());
    ada.post("/auth/api-tokens", body)
        .await
        .expect(StatusCode::CREATED);
}
