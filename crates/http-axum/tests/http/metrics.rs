//! What is counted of requests, and that nothing of a request is among the labels.

use std::future::{Future as _, pending};
use std::pin::pin;
use std::task::{Context, Waker};

use axum::body::{Body, Bytes};
use axum::http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use portcullis_backends::Portcullis;
use portcullis_backends::core::error::StoreErrorKind;
use portcullis_backends::metrics::Value;
use portcullis_http_axum::{HEALTH_ROUTES, ROUTES};

use crate::app::{ADA, App};

/// The number with these labels, in any order.
fn number(portcullis: &Portcullis, family: &str, labels: &[(&str, &str)]) -> u64 {
    let snapshot = portcullis.metrics();
    let family = snapshot.families.iter().find(|f| f.name == family).unwrap();
    let mut found = family
        .samples
        .iter()
        .filter(|sample| labels.iter().all(|label| sample.labels.contains(label)));
    let sample = found.next().unwrap();
    assert!(found.next().is_none(), "more than one: {labels:?}");
    match sample.value {
        Value::Number(number) => number,
        _ => panic!("{sample:?}"),
    }
}

fn requests(app: &App, method: &str, route: &str, status: &str) -> u64 {
    let labels = [("method", method), ("route", route), ("status", status)];
    number(&app.portcullis, "portcullis_http_requests_total", &labels)
}

fn series(portcullis: &Portcullis) -> usize {
    let families = portcullis.metrics().families;
    families.iter().map(|family| family.samples.len()).sum()
}

#[tokio::test]
async fn each_answer_moves_the_number_of_its_route_alone() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    assert_eq!(requests(&app, "POST", "/sign-in", "2xx"), 1);
    ada.get("/auth/profile").await.expect(StatusCode::OK);
    app.client()
        .get("/auth/profile")
        .await
        .expect(StatusCode::UNAUTHORIZED);
    assert_eq!(requests(&app, "GET", "/profile", "2xx"), 1);
    assert_eq!(requests(&app, "GET", "/profile", "4xx"), 1);
    assert_eq!(requests(&app, "POST", "/check-auth", "2xx"), 0);
    let id = "0190b5a4-6f00-7000-8000-000000000000";
    ada.delete(&format!("/auth/sessions/{id}"))
        .await
        .expect(StatusCode::NOT_FOUND);
    assert_eq!(requests(&app, "DELETE", "/sessions/{id}", "4xx"), 1);
    ada.post_empty("/auth/profile")
        .await
        .expect(StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(requests(&app, "none", "none", "4xx"), 1);
}

#[tokio::test]
async fn who_is_told_to_come_back_later_is_counted_by_route() {
    let app = App::new().await;
    let mut eve = app.client();
    eve.peer = Some("192.0.2.66".to_owned());
    let mut refused = 0;
    for n in 0..40 {
        let answer = eve.sign_in(&format!("nobody{n}@example.com")).await;
        refused += u64::from(answer.status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert!(refused > 0);
    let limited = |route| {
        let labels = [("method", "POST"), ("route", route)];
        number(
            &app.portcullis,
            "portcullis_http_rate_limited_total",
            &labels,
        )
    };
    assert_eq!(limited("/sign-in"), refused);
    assert_eq!(limited("/signup"), 0);
}

#[cfg(feature = "jwt")]
#[tokio::test]
async fn a_pair_of_tokens_is_a_sign_in_of_its_own_kind() {
    let app = App::new().await;
    app.client().register(ADA).await;
    let right = serde_json::json!({ "identifier": ADA, "password": crate::app::PASSWORD });
    let wrong = serde_json::json!({ "identifier": ADA, "password": "a wrong password" });
    for (body, status) in [(right, StatusCode::OK), (wrong, StatusCode::UNAUTHORIZED)] {
        app.client().post("/auth/token", body).await.expect(status);
    }
    for outcome in ["signed_in", "refused"] {
        let labels = [("way", "token"), ("outcome", outcome)];
        let counted = number(&app.portcullis, "portcullis_sign_ins_total", &labels);
        assert_eq!(counted, 1, "{outcome}");
    }
}

#[tokio::test]
async fn a_stores_failure_is_counted_once_and_by_its_kind() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let errors = |kind| {
        let labels = [("kind", kind)];
        number(&app.portcullis, "portcullis_store_errors_total", &labels)
    };
    // In a backend, and in a flow.
    app.store.fail_next(StoreErrorKind::Unavailable);
    let answer = ada.get("/auth/profile").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!((errors("unavailable"), errors("indeterminate")), (1, 0));
    app.store.fail_next(StoreErrorKind::Indeterminate);
    let answer = app.client().sign_up("eve@example.com").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!((errors("unavailable"), errors("indeterminate")), (1, 1));
    assert_eq!(requests(&app, "GET", "/profile", "5xx"), 1);
}

#[tokio::test]
async fn a_request_that_is_given_up_is_counted_as_unanswered() {
    use tower::ServiceExt as _;
    let app = App::new().await;
    let unfinished = Full::new(Bytes::from_static(b"{")).with_trailers(pending());
    let request = Request::builder()
        .method(Method::POST)
        .uri("/auth/sign-in")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ORIGIN, crate::app::ORIGIN)
        .body(Body::new(unfinished))
        .unwrap();
    {
        let mut answer = pin!(app.router.clone().oneshot(request));
        let mut context = Context::from_waker(Waker::noop());
        assert!(answer.as_mut().poll(&mut context).is_pending());
        assert_eq!(requests(&app, "POST", "/sign-in", "none"), 0);
    }
    assert_eq!(requests(&app, "POST", "/sign-in", "none"), 1);
}

#[tokio::test]
async fn a_thousand_made_up_paths_add_no_series() {
    let app = App::new().await;
    let before = series(&app.portcullis);
    let mut eve = app.client();
    for n in 0..1000 {
        let path = match n % 4 {
            0 => format!("/auth/made-up-{n}"),
            1 => format!("/auth/sessions/made-up-{n}"),
            2 => format!("/auth/profile?made-up={n}"),
            _ => format!("/auth/sign-in/{n}/../made-up"),
        };
        let method = match n % 3 {
            0 => Method::GET,
            1 => Method::DELETE,
            _ => Method::from_bytes(format!("MADEUP{n}").as_bytes()).unwrap(),
        };
        let answer = eve.request(method, &path, None).await;
        assert!(answer.status.is_client_error(), "{path}: {answer:?}");
    }
    assert_eq!(series(&app.portcullis), before);
    let text = format!("{:?}", app.portcullis.metrics());
    assert!(!text.to_lowercase().contains("made"), "{text}");
}

#[tokio::test]
async fn routes_that_are_mounted_twice_share_their_numbers() {
    let app = App::with(
        |builder| builder,
        |router, portcullis| router.merge(portcullis_http_axum::health_routes(portcullis)),
    )
    .await;
    app.client()
        .get("/health/live")
        .await
        .expect(StatusCode::OK);
    assert_eq!(requests(&app, "GET", "/health/live", "2xx"), 1);
    let families = app.portcullis.metrics().families;
    let names: std::collections::BTreeSet<_> = families.iter().map(|f| f.name).collect();
    assert_eq!(names.len(), families.len(), "a family stands twice");
    let limited = families
        .iter()
        .find(|family| family.name == "portcullis_http_rate_limited_total");
    let routes = ROUTES.len() + HEALTH_ROUTES.len();
    assert_eq!(limited.unwrap().samples.len(), routes + 1);
}
