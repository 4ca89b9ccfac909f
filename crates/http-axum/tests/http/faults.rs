//! When parts fail.

use axum::Router;
use axum::http::{Method, StatusCode};
use axum::routing::get;
use portcullis_backends::core::error::StoreErrorKind;
use portcullis_backends::tokens::password::HashError;
use serde_json::json;

use crate::app::{ADA, App, PASSWORD};

// LG-06
#[tokio::test]
async fn a_store_outage_is_503_on_every_route() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let token = ada.api_token(&["a"]).await;
    let id = "0190b5a4-6f00-7000-8000-000000000000";
    let requests = [
        (Method::GET, "/auth/profile".to_owned(), None),
        (Method::POST, "/auth/check-auth".to_owned(), None),
        (Method::GET, "/auth/sessions".to_owned(), None),
        (Method::DELETE, "/auth/sessions".to_owned(), None),
        (Method::DELETE, format!("/auth/sessions/{id}"), None),
        (Method::GET, "/auth/api-tokens".to_owned(), None),
        (
            Method::POST,
            "/auth/api-tokens".to_owned(),
            Some(json!({ "name": "x", "scopes": ["a"] })),
        ),
        (Method::DELETE, "/auth/api-tokens".to_owned(), None),
        (Method::DELETE, format!("/auth/api-tokens/{id}"), None),
        (
            Method::POST,
            "/auth/sign-in".to_owned(),
            Some(json!({ "identifier": ADA, "password": PASSWORD })),
        ),
        (
            Method::POST,
            "/auth/signup".to_owned(),
            Some(json!({ "email": "new@example.com", "password": PASSWORD })),
        ),
        (
            Method::POST,
            "/auth/signup/send_link".to_owned(),
            Some(json!({ "email": ADA })),
        ),
    ];
    for (method, path, body) in requests {
        for kind in [StoreErrorKind::Unavailable, StoreErrorKind::Indeterminate] {
            app.store.fail_next(kind);
            let body = body
                .as_ref()
                .map(|body| ("application/json", body.to_string().into_bytes()));
            let answer = ada.request(method.clone(), &path, body).await;
            assert_eq!(
                answer.status,
                StatusCode::SERVICE_UNAVAILABLE,
                "{method} {path} {kind:?}: {answer:?}"
            );
            assert!(answer.header("retry-after").is_some(), "{method} {path}");
            assert_eq!(answer.code(), "unavailable");
        }
    }
    app.store.fail_next(StoreErrorKind::Unavailable);
    crate::app::bearer(&app, &token)
        .await
        .expect(StatusCode::SERVICE_UNAVAILABLE);
    ada.check().await.expect(StatusCode::OK);
}

// TH-12
#[tokio::test]
async fn a_route_whose_limits_are_without_their_store_counts_in_its_process() {
    let app = App::new().await;
    let mut here = app.client();
    here.peer = Some("192.0.2.1".to_owned());
    let body = json!({ "token": "pcl_vfy_nothing" });
    let mut answers = Vec::new();
    for _ in 0..31 {
        app.store.fail_next(StoreErrorKind::Unavailable);
        let answer = here.post("/auth/signup/verify", body.clone()).await;
        answers.push(answer.status);
    }
    let (granted, limited) = answers.split_at(30);
    assert!(
        granted
            .iter()
            .all(|status| *status == StatusCode::BAD_REQUEST)
    );
    assert_eq!(limited, [StatusCode::TOO_MANY_REQUESTS]);
    // Others are counted apart, and where the store answers again, so does it.
    app.store.fail_next(StoreErrorKind::Unavailable);
    let elsewhere = app.client().post("/auth/signup/verify", body.clone()).await;
    elsewhere.expect(StatusCode::BAD_REQUEST);
    here.post("/auth/signup/verify", body)
        .await
        .expect(StatusCode::BAD_REQUEST);
}

// TH-12
#[tokio::test]
async fn a_route_that_needs_the_store_of_its_limits_hashes_nothing_without_it() {
    let app = App::new().await;
    app.client().register(ADA).await;
    let hashes = app.hasher.hashes();
    for _ in 0..3 {
        app.store.fail_next(StoreErrorKind::Unavailable);
        app.client()
            .sign_in(ADA)
            .await
            .expect(StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(app.hasher.hashes(), hashes);
}

// CC-05
#[tokio::test]
async fn a_full_hash_queue_is_503_with_a_time() {
    let app = App::new().await;
    app.hasher.fail_next(HashError::Busy {
        retry_after: std::time::Duration::from_secs(3),
    });
    let answer = app
        .client()
        .sign_in(ADA)
        .await
        .expect(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.header("retry-after"), Some("3"));
}

// FT-26
#[tokio::test]
async fn a_panic_costs_its_own_request_only() {
    use portcullis_backends::Portcullis;
    use portcullis_backends::core::backend::{
        AuthBackend, BackendError, Presented, RequestContext, Verdict,
    };

    #[derive(Debug)]
    struct Panicking;

    #[async_trait::async_trait]
    impl AuthBackend for Panicking {
        fn name(&self) -> &'static str {
            "panicking"
        }

        fn claims(&self, presented: &Presented<'_>) -> bool {
            presented.credential.is_some_and(|c| c.expose() == "boom")
        }

        async fn authenticate(
            &self,
            _: &Presented<'_>,
            _: &RequestContext,
        ) -> Result<Verdict, BackendError> {
            panic!("canary in a backend")
        }
    }
    fn mount(router: Router, _: &Portcullis) -> Router {
        router.route("/open", get(async || "open"))
    }
    let app = App::with(
        |builder| builder.backend(std::sync::Arc::new(Panicking)),
        mount,
    )
    .await;
    let mut ada = app.signed_in(ADA).await;
    let answer = crate::app::bearer(&app, "boom")
        .await
        .expect(StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.code(), "internal");
    assert!(!String::from_utf8_lossy(&answer.body).contains("canary"));
    ada.check().await.expect(StatusCode::OK);
    app.client().get("/open").await.expect(StatusCode::OK);
}

#[tokio::test]
async fn readiness_follows_the_store_and_liveness_does_not() {
    let app = App::with(
        |b| b,
        |router, portcullis| router.merge(portcullis_http_axum::health_routes(portcullis)),
    )
    .await;
    app.client()
        .get("/health/ready")
        .await
        .expect(StatusCode::OK);
    app.store.fail_next(StoreErrorKind::Unavailable);
    app.client()
        .get("/health/live")
        .await
        .expect(StatusCode::OK);
    app.client()
        .get("/health/ready")
        .await
        .expect(StatusCode::SERVICE_UNAVAILABLE);
    app.client()
        .get("/health/ready")
        .await
        .expect(StatusCode::OK);
}
