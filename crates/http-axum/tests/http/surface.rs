//! What every answer and every body must hold to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::json;

use crate::app::{ADA, App, ORIGIN, PASSWORD, SetCookie, with_token};

// HT-01, HT-02
#[tokio::test]
async fn every_cookie_is_a_host_cookie_that_no_script_reads() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    ada.post_empty("/auth/logout").await;
    let seen = app.cookies_seen.lock().unwrap().clone();
    assert!(seen.len() >= 3, "{seen:?}");
    for text in seen {
        let cookie = SetCookie::parse(&text);
        let has = |attribute: &str| {
            cookie
                .attributes
                .iter()
                .any(|a| a.eq_ignore_ascii_case(attribute))
        };
        assert!(cookie.name.starts_with("__Host-"), "{text}");
        assert!(has("Secure") && has("HttpOnly") && has("Path=/"), "{text}");
        assert!(has("SameSite=Lax") || has("SameSite=Strict"), "{text}");
        assert!(!text.to_ascii_lowercase().contains("domain="), "{text}");
        assert!(
            cookie
                .max_age
                .is_some_and(|age| (0..=400 * 24 * 3600).contains(&age)),
            "{text}"
        );
        assert!(text.len() <= 4096);
    }
}

// HT-01
#[tokio::test]
async fn on_plain_loopback_cookies_go_without_prefix_and_secure() {
    let app = App::with(
        |b| b.public_url("http://127.0.0.1:8080"),
        |router, _| router,
    )
    .await;
    app.signed_in(ADA).await;
    for text in app.cookies_seen.lock().unwrap().iter() {
        assert!(
            text.starts_with("portcullis") && !text.contains("Secure") && text.contains("HttpOnly"),
            "{text}"
        );
    }
}

// HT-04
#[tokio::test]
async fn only_the_public_origin_changes_anything() {
    let app = App::new().await;
    let matrix = [
        (Some(ORIGIN), None, true),
        (Some(ORIGIN), Some("cross-site"), true),
        (Some("https://sub.auth.example.com"), None, false),
        (Some("https://auth.example.com.evil.example"), None, false),
        (Some("http://auth.example.com"), None, false),
        (Some("https://auth.example.com:444"), None, false),
        (Some("null"), None, false),
        // Our own page says so itself: its referrer policy makes the origin of its forms null.
        (Some("null"), Some("same-origin"), true),
        (Some("null"), Some("cross-site"), false),
        (Some("null"), Some("none"), false),
        (Some("https://evil.example"), Some("same-origin"), false),
        (None, Some("same-origin"), true),
        (None, Some("none"), true),
        (None, Some("same-site"), false),
        (None, Some("cross-site"), false),
        (None, None, true),
    ];
    let bodies: [(&str, Vec<u8>); 2] = [
        (
            "application/json",
            json!({ "identifier": ADA, "password": PASSWORD })
                .to_string()
                .into_bytes(),
        ),
        (
            "application/x-www-form-urlencoded",
            format!("identifier={ADA}&password=correct+horse").into_bytes(),
        ),
    ];
    let mut ada = app.signed_in(ADA).await;
    for (origin, fetch_site, passes) in matrix {
        ada.headers.clear();
        if let Some(origin) = origin {
            ada.headers.insert("origin", origin.parse().unwrap());
        }
        if let Some(site) = fetch_site {
            ada.headers.insert("sec-fetch-site", site.parse().unwrap());
        }
        for path in [
            "/auth/sign-in",
            "/auth/signup",
            "/auth/signup/verify",
            "/auth/signup/send_link",
            "/auth/password/forgot",
            "/auth/password/verify_token",
            "/auth/password/reset",
        ] {
            for (content_type, body) in &bodies {
                let jar = ada.jar.clone();
                let answer = ada
                    .request(Method::POST, path, Some((content_type, body.clone())))
                    .await;
                ada.jar = jar;
                let refused =
                    answer.status == StatusCode::FORBIDDEN && answer.code() == "cross_site_request";
                assert_eq!(
                    !refused, passes,
                    "{path} {content_type} {origin:?} {fetch_site:?}: {answer:?}"
                );
            }
        }
        if !passes {
            for (method, path) in [
                (Method::POST, "/auth/logout"),
                (Method::POST, "/auth/api-tokens"),
                (Method::POST, "/auth/password/change"),
                (Method::DELETE, "/auth/api-tokens"),
                (Method::DELETE, "/auth/sessions"),
            ] {
                let answer = ada
                    .request(method, path, None)
                    .await
                    .expect(StatusCode::FORBIDDEN);
                assert_eq!(
                    answer.code(),
                    "cross_site_request",
                    "{path} {origin:?} {fetch_site:?}"
                );
            }
        }
    }
    ada.headers.clear();
    ada.sign_in(ADA).await.expect(StatusCode::OK);
}

// HT-10
#[tokio::test]
async fn a_body_over_64_kib_is_refused_with_and_without_its_length() {
    let app = App::new().await;
    let filler =
        |bytes: usize| format!("{{\"identifier\":\"{}\"}}", "x".repeat(bytes)).into_bytes();
    let announced = app
        .client()
        .request(
            Method::POST,
            "/auth/sign-in",
            Some(("application/json", filler(65 << 10))),
        )
        .await;
    announced.expect(StatusCode::PAYLOAD_TOO_LARGE);
    // A mapped body tells no length, as a chunked one does.
    let body = http_body_util::Full::new(axum::body::Bytes::from(filler(65 << 10)));
    let stream = Body::new(body.map_frame(|frame| frame));
    let request = Request::post("/auth/sign-in")
        .header("content-type", "application/json")
        .body(stream)
        .unwrap();
    app.send(request, "192.0.2.7")
        .await
        .expect(StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(app.hasher.hashes(), 0);
}

// PW-04
#[tokio::test]
async fn an_over_long_password_is_refused_before_it_is_hashed() {
    let app = App::new().await;
    let long = "x".repeat(1025);
    let body = json!({ "email": ADA, "password": long });
    app.client()
        .post("/auth/signup", body)
        .await
        .expect(StatusCode::UNPROCESSABLE_ENTITY);
    let answer = app.client().sign_in_with(ADA, &long).await;
    assert!(answer.status.is_client_error());
    assert_eq!(app.hasher.hashes(), 0);
}

// HT-11
#[tokio::test]
async fn a_body_binds_nothing_but_its_own_fields() {
    let app = App::new().await;
    let bodies = [
        (
            "/auth/signup",
            json!({ "email": ADA, "password": PASSWORD }),
        ),
        ("/auth/signup/send_link", json!({ "email": ADA })),
        ("/auth/signup/verify", json!({ "token": "x" })),
        ("/auth/password/forgot", json!({ "email": ADA })),
        ("/auth/password/verify_token", json!({ "token": "x" })),
        (
            "/auth/password/reset",
            json!({ "token": "x", "password": PASSWORD }),
        ),
        (
            "/auth/sign-in",
            json!({ "identifier": ADA, "password": PASSWORD }),
        ),
    ];
    let fields = [
        "role",
        "roles",
        "tenant",
        "tenant_id",
        "id",
        "user_id",
        "verified",
        "hash",
        "epoch",
        "state",
        "scopes",
    ];
    for (path, body) in bodies {
        for field in fields {
            for value in [json!("x"), json!({ "id": "x" }), json!(true)] {
                let mut body = body.clone();
                body[field] = value;
                let answer = app.client().post(path, body).await;
                assert_eq!(
                    answer.status,
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "{path} {field}"
                );
            }
        }
    }
    for path in ["/auth/sign-in", "/auth/signup/verify"] {
        let form = b"identifier=a&password=b&token=c&role=admin".to_vec();
        let answer = app
            .client()
            .request(
                Method::POST,
                path,
                Some(("application/x-www-form-urlencoded", form)),
            )
            .await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
    }
    assert_eq!(app.hasher.hashes(), 0);
}

// HT-12
#[tokio::test]
async fn a_field_that_stands_twice_is_refused() {
    let app = App::new().await;
    let json = br#"{"identifier":"a","identifier":"b","password":"x"}"#.to_vec();
    let answer = app
        .client()
        .request(
            Method::POST,
            "/auth/sign-in",
            Some(("application/json", json)),
        )
        .await;
    assert!(
        answer.status.is_client_error() && answer.status != StatusCode::UNAUTHORIZED,
        "{answer:?}"
    );
    let form = b"identifier=a&identifier=b&password=x".to_vec();
    let answer = app
        .client()
        .request(
            Method::POST,
            "/auth/sign-in",
            Some(("application/x-www-form-urlencoded", form)),
        )
        .await;
    assert!(
        answer.status.is_client_error() && answer.status != StatusCode::UNAUTHORIZED,
        "{answer:?}"
    );
    assert_eq!(app.hasher.hashes(), 0);
}

// HT-14
#[tokio::test]
async fn hostile_bodies_get_generic_errors() {
    let app = App::new().await;
    let corpus: [&[u8]; 10] = [
        b"", b"{", b"[]", b"null", b"\xff\xfe", b"{\"identifier\":1e999,\"password\":\"canary\"}", b"\"canary\"",
        b"{\"identifier\":{\"$ne\":null},\"password\":{\"$ne\":\"canary\"}}", b"{\"canary\":\"' OR 1=1 --\"}",
        b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    ];
    for path in [
        "/auth/sign-in",
        "/auth/signup",
        "/auth/signup/verify",
        "/auth/signup/send_link",
    ] {
        for body in corpus {
            for content_type in [
                "application/json",
                "application/x-www-form-urlencoded",
                "text/plain",
            ] {
                let answer = app
                    .client()
                    .request(Method::POST, path, Some((content_type, body.to_vec())))
                    .await;
                assert!(
                    answer.status.is_client_error(),
                    "{path} {body:?}: {answer:?}"
                );
                let text = String::from_utf8_lossy(&answer.body).to_lowercase();
                for leak in [
                    "canary",
                    "sql",
                    "panick",
                    "serde",
                    "src/",
                    ".rs",
                    "line ",
                    "axum",
                    "portcullis/",
                ] {
                    assert!(!text.contains(leak), "{path} leaks {leak}: {text}");
                }
            }
        }
    }
}

// HT-15
#[tokio::test]
async fn no_secret_is_taken_from_the_url() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let token = ada.api_token(&["a"]).await;
    let session = ada.jar["__Host-portcullis"].clone();
    for query in [
        format!("access_token={token}"),
        format!("api_key={token}"),
        format!("token={token}"),
        format!("session={session}"),
    ] {
        let answer = app
            .client()
            .post_empty(&format!("/auth/check-auth?{query}"))
            .await;
        assert!(
            matches!(
                answer.status,
                StatusCode::UNAUTHORIZED | StatusCode::BAD_REQUEST
            ),
            "{query}: {answer:?}"
        );
    }
}

// HT-13
#[tokio::test]
async fn other_methods_are_refused_with_those_allowed() {
    let app = App::new().await;
    for (method, path) in [
        (Method::GET, "/auth/sign-in"),
        (Method::PUT, "/auth/profile"),
        (Method::PATCH, "/auth/sessions"),
        (Method::TRACE, "/auth/profile"),
        (Method::DELETE, "/auth/signup"),
    ] {
        let answer = app.client().request(method.clone(), path, None).await;
        assert_eq!(
            answer.status,
            StatusCode::METHOD_NOT_ALLOWED,
            "{method} {path}"
        );
        assert!(answer.header("allow").is_some(), "{method} {path}");
        assert_eq!(answer.code(), "method_not_allowed");
    }
}

#[tokio::test]
async fn conflicting_credentials_are_a_bad_request() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let token = ada.api_token(&["a"]).await;
    let mut program = app.client();
    program
        .headers
        .insert("authorization", format!("Bearer {token}").parse().unwrap());
    program.headers.insert("x-api-key", token.parse().unwrap());
    assert_eq!(
        program.check().await.expect(StatusCode::BAD_REQUEST).code(),
        "conflicting_credentials"
    );
    program.headers.remove("x-api-key");
    program
        .headers
        .append("authorization", format!("Bearer {token}").parse().unwrap());
    assert_eq!(
        program.check().await.expect(StatusCode::BAD_REQUEST).code(),
        "conflicting_credentials"
    );
}

#[tokio::test]
async fn an_explicit_header_takes_the_place_of_the_cookie() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    ada.headers
        .insert("authorization", "Bearer foreign".parse().unwrap());
    ada.check().await.expect(StatusCode::UNAUTHORIZED);
    ada.headers.clear();
    ada.check().await.expect(StatusCode::OK);
}

#[tokio::test]
async fn the_bearer_scheme_is_case_insensitive_and_a_401_names_it() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let token = ada.api_token(&["a"]).await;
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let value = format!("{scheme} {token}");
        with_token(
            &app,
            "authorization",
            &value,
            Method::POST,
            "/auth/check-auth",
        )
        .await
        .expect(StatusCode::OK);
    }
    let anonymous = app.client().check().await.expect(StatusCode::UNAUTHORIZED);
    assert!(
        anonymous
            .header("www-authenticate")
            .unwrap()
            .starts_with("Bearer"),
        "{anonymous:?}"
    );
}

// LG-03
#[tokio::test]
async fn a_hostile_user_agent_stays_one_line_of_the_log() {
    let app = App::new().await;
    let mut eve = app.client();
    let agent = axum::http::HeaderValue::from_bytes("x\t\u{1b}[31m\u{2028}\u{202e}y".as_bytes());
    if let Ok(agent) = agent {
        eve.headers.insert("user-agent", agent);
    }
    eve.headers
        .insert("x-request-id", "a b\tc".parse().unwrap());
    eve.sign_in("nobody@example.com")
        .await
        .expect(StatusCode::UNAUTHORIZED);
    for event in app.events().await {
        let line = serde_json::to_string(&event).unwrap();
        assert!(
            !line
                .chars()
                .any(portcullis_backends::core::text::is_deceptive),
            "{line:?}"
        );
    }
}

// HT-04
#[tokio::test]
async fn a_header_of_its_own_is_no_pass_where_no_credential_is_looked_at() {
    let app = App::new().await;
    let mut eve = app.client();
    eve.headers
        .insert("origin", "https://evil.example".parse().unwrap());
    eve.headers
        .insert("authorization", "Bearer x".parse().unwrap());
    eve.sign_in(ADA).await.expect(StatusCode::FORBIDDEN);
    eve.sign_up(ADA).await.expect(StatusCode::FORBIDDEN);
}

// HT-10
#[tokio::test]
async fn a_body_that_a_route_takes_none_of_is_read_so_that_the_connection_stays_usable() {
    let app = App::new().await;
    let read = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&read);
    let body = http_body_util::Full::from("nobody asked").map_frame(move |frame| {
        seen.store(true, Ordering::SeqCst);
        frame
    });
    let body = Body::new(body);
    let request = Request::post("/auth/logout").body(body).unwrap();
    let answer = app.send(request, "192.0.2.1").await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert!(read.load(Ordering::SeqCst));
}
