//! The headers that every answer carries, whatever it says and to whomever.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use portcullis_backends::core::error::StoreErrorKind;
use portcullis_backends::tokens::password::HashError;
use portcullis_http_axum::{
    BodyKind, Pages, ROUTES, RoutePolicy, RouteSpec, RoutesConfig, health_routes, routes_with,
};
use serde_json::json;

use crate::app::{ADA, Answer, App, PASSWORD};
use crate::samples::{FORM, Sample};

const A_YEAR: u64 = 365 * 24 * 60 * 60;

/// The one value of a header.
#[track_caller]
fn only<'a>(answer: &'a Answer, name: &str, what: &str) -> &'a str {
    let mut values = answer.headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        panic!("{what} has not one {name}: {answer:?}")
    };
    value.to_str().unwrap()
}

/// What no answer of ours goes without.
#[track_caller]
fn is_guarded(answer: &Answer, what: &str) {
    let only = |name| only(answer, name, what);
    assert_eq!(only("cache-control"), "no-store", "{what}");
    assert_eq!(only("x-content-type-options"), "nosniff", "{what}");
    assert_eq!(only("referrer-policy"), "no-referrer", "{what}");
    assert!(!only("x-request-id").is_empty(), "{what}");

    let transport = only("strict-transport-security");
    let max_age = transport
        .split(';')
        .find_map(|directive| directive.trim().strip_prefix("max-age="));
    let max_age: u64 = max_age.unwrap().parse().unwrap();
    assert!(max_age >= A_YEAR, "{what}: {transport}");

    let policy = only("content-security-policy");
    let directives: Vec<_> = policy.split(';').map(str::trim).collect();
    for needed in [
        "default-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ] {
        assert!(directives.contains(&needed), "{what}: {policy}");
    }
    assert!(
        !policy.contains("unsafe") && !policy.contains("script-src"),
        "{what}: {policy}"
    );
    if is_page(answer) {
        assert!(
            directives.contains(&"form-action 'self'"),
            "{what}: {policy}"
        );
    } else if !answer.body.is_empty() {
        assert!(only("content-type").contains("json"), "{what}");
    }
}

fn is_page(answer: &Answer) -> bool {
    answer.header("content-type") == Some("text/html; charset=utf-8")
}

/// Whoever these are done for keeps nothing of this origin.
fn signs_out(route: &RouteSpec) -> bool {
    matches!(route.path, "/logout" | "/logout/all" | "/account/close")
}

// HT-08, HT-09
#[tokio::test]
async fn every_success_and_refusal_of_every_route_is_kept_out_of_caches_frames_and_sniffing() {
    let (mut statuses, mut pages) = (BTreeSet::new(), BTreeSet::new());
    for sample in Sample::done().into_iter().chain(Sample::refused()) {
        let route = sample.route();
        let app = sample.app().await;
        let mut asked = sample.prepare(&app).await;
        let what = format!("{sample:?}");
        if route.verb.as_str() == "GET" {
            asked.method = Method::HEAD;
            is_guarded(&asked.send().await, &format!("HEAD of {what}"));
            asked.method = Method::GET;
        }
        let answer = asked.send().await;
        assert_eq!(answer.status, sample.status(), "{what}: {answer:?}");
        is_guarded(&answer, &what);
        assert_eq!(is_page(&answer), route.pages == Pages::Only, "{what}");
        if answer.status.is_success() {
            let cleared = answer.header("clear-site-data");
            let expected = signs_out(route).then_some("\"cache\", \"storage\"");
            assert_eq!(cleared, expected, "{what}");
        }
        statuses.insert(answer.status.as_u16());

        if route.body == BodyKind::JsonOrForm {
            let app = sample.app().await;
            let answer = sample.prepare(&app).await.send_form().await;
            let what = format!("{sample:?} as a form");
            is_guarded(&answer, &what);
            statuses.insert(answer.status.as_u16());
            let has_body = answer.status != StatusCode::SEE_OTHER;
            assert!(
                !has_body || is_page(&answer) == (route.pages == Pages::ForForms),
                "{what}: {answer:?}"
            );
            if is_page(&answer) {
                pages.insert((route.path, answer.status.as_u16()));
            }
        }
    }
    let all = [200, 201, 202, 204, 303, 400, 401, 403];
    assert_eq!(statuses, all.into_iter().collect());
    for route in ROUTES.iter().filter(|route| route.pages == Pages::ForForms) {
        let has_page = pages.iter().any(|(path, _)| *path == route.path);
        assert!(
            has_page || route.path == "/sign-in",
            "{route:?} shows no page"
        );
    }
}

/// An app with health routes, and an origin of a single-page application beside its own.
async fn app() -> App {
    App::with(
        |builder| builder,
        |_, portcullis| {
            let mut config = RoutesConfig::default();
            config.allow_origin("https://app.example.com").unwrap();
            axum::Router::new()
                .merge(routes_with(portcullis, config))
                .merge(health_routes(portcullis))
        },
    )
    .await
}

// HT-08, HT-09
#[tokio::test]
async fn whatever_is_refused_before_its_route_is_asked_is_guarded_too() {
    let app = app().await;
    let jar = app.signed_in(ADA).await.jar;
    let json = |bytes: Vec<u8>| Some(("application/json", bytes));
    let mut statuses = BTreeSet::new();
    let mut note = |answer: Answer, what: String| {
        is_guarded(&answer, &what);
        statuses.insert(answer.status.as_u16());
        answer
    };
    for route in ROUTES {
        let method: Method = route.verb.as_str().parse().unwrap();
        let id = "0190b5a4-6f00-7000-8000-000000000000";
        let path = format!("/auth{}", route.path.replace("{id}", id));
        let ask = async |headers: &[(&'static str, String)], method: &Method, body| {
            // A page for a browser where there is one.
            let mut answers = Vec::new();
            for accept in ["application/json", "text/html"] {
                let mut client = app.client();
                client.headers.insert("accept", accept.parse().unwrap());
                for (name, value) in headers {
                    client.headers.insert(*name, value.parse().unwrap());
                }
                let body: Option<(&str, Vec<u8>)> = Option::clone(&body);
                let answer = client.request(method.clone(), &path, body).await;
                answers.push((answer, format!("{method} {path} {headers:?} {accept}")));
            }
            answers
        };
        let mut answers = ask(&[], &method, None).await;
        answers.extend(ask(&[], &Method::PUT, None).await);
        answers.extend(ask(&[], &method, json(b"{".to_vec())).await);
        answers.extend(ask(&[], &method, json(vec![b' '; 65 << 10])).await);
        answers.extend(ask(&[], &method, json(b"{\"x\":1}".to_vec())).await);
        answers.extend(ask(&[], &method, Some(("text/plain", b"x".to_vec()))).await);
        let evil = [("origin", "https://evil.example".to_owned())];
        answers.extend(ask(&evil, &method, None).await);
        let friend = [
            ("origin", "https://app.example.com".to_owned()),
            ("access-control-request-method", method.to_string()),
        ];
        answers.extend(ask(&friend, &Method::OPTIONS, None).await);
        answers.extend(ask(&friend, &method, None).await);
        let two = [
            ("authorization", "Bearer x".to_owned()),
            ("x-api-key", "y".to_owned()),
        ];
        answers.extend(ask(&two, &method, None).await);
        let long = [("cookie", format!("a={}", "x".repeat(20_000)))];
        answers.extend(ask(&long, &method, None).await);
        for (answer, what) in answers {
            note(answer, what);
        }
        if route.policy != RoutePolicy::Public {
            app.store.fail_next(StoreErrorKind::Unavailable);
            let mut client = app.client();
            client.jar = jar.clone();
            let down = client.request(method, &path, None).await;
            let down = down.expect(StatusCode::SERVICE_UNAVAILABLE);
            note(down, format!("{path} in an outage"));
        }
    }

    let elsewhere = ["/auth/nothing-here", "/auth/", "/auth/sign-in/"];
    for path in elsewhere {
        let answer = app.client().get(path).await;
        note(answer.expect(StatusCode::NOT_FOUND), path.to_owned());
    }
    for path in ["/health/live", "/health/ready"] {
        let answer = app.client().get(path).await;
        note(answer.expect(StatusCode::OK), path.to_owned());
    }
    app.store.fail_next(StoreErrorKind::Unavailable);
    let unready = app.client().get("/health/ready").await;
    let unready = unready.expect(StatusCode::SERVICE_UNAVAILABLE);
    note(unready, "not ready".to_owned());
    let mut ada = app.client();
    ada.peer = Some("192.0.2.1".to_owned());
    app.store.fail_next(StoreErrorKind::Unavailable);
    let down = ada.sign_in(ADA).await;
    note(
        down.expect(StatusCode::SERVICE_UNAVAILABLE),
        "an outage".to_owned(),
    );
    app.hasher.fail_next(HashError::Malformed);
    let broken = ada.sign_in(ADA).await;
    let broken = broken.expect(StatusCode::INTERNAL_SERVER_ERROR);
    note(broken, "what broke".to_owned());
    for accept in ["application/json", "text/html"] {
        ada.headers.insert("accept", accept.parse().unwrap());
        let limited = loop {
            let body = json!({ "identifier": ADA, "password": format!("not {PASSWORD}") });
            let form = format!("identifier={ADA}&password=wrong").into_bytes();
            let answer = match accept {
                "text/html" => {
                    ada.request(Method::POST, "/auth/sign-in", Some((FORM, form)))
                        .await
                }
                _ => ada.post("/auth/sign-in", body).await,
            };
            if answer.status == StatusCode::TOO_MANY_REQUESTS {
                break answer;
            }
        };
        note(limited, format!("too many, {accept}"));
    }
    let all = [
        200, 204, 400, 401, 403, 404, 405, 413, 415, 422, 429, 431, 500, 503,
    ];
    assert_eq!(statuses, all.into_iter().collect());
}

// HT-09
#[tokio::test]
async fn on_plain_loopback_no_answer_asks_for_tls_and_every_other_header_stays() {
    let app = App::with(
        |builder| builder.public_url("http://127.0.0.1:8080"),
        |router, _| router,
    )
    .await;
    for path in [
        "/auth/jwks.json",
        "/auth/profile",
        "/auth/x",
        "/auth/signup/verify?token=x",
    ] {
        let answer = app.client().get(path).await;
        assert_eq!(answer.header("strict-transport-security"), None, "{path}");
        assert_eq!(only(&answer, "cache-control", path), "no-store");
        assert_eq!(only(&answer, "x-content-type-options", path), "nosniff");
        assert!(only(&answer, "content-security-policy", path).contains("frame-ancestors 'none'"));
    }
}
