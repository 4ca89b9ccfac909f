//! When parts fail.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use portcullis_backends::core::error::StoreErrorKind;
use portcullis_backends::tokens::password::HashError;
use portcullis_http_axum::{RoutePolicy, Verb};
use portcullis_testing::{Fault, How};
use serde_json::json;

use crate::app::{ADA, App};
use crate::audit::left_since;
use crate::samples::Sample;

/// A store that is away, one whose rows are damaged, and one that does its work and is away then.
const HOWS: [How; 3] = [
    How::FailBefore(StoreErrorKind::Unavailable),
    How::FailBefore(StoreErrorKind::Corrupt),
    How::FailAfter,
];

// LG-06
#[tokio::test]
async fn a_store_outage_is_503_on_every_route() {
    for sample in Sample::done() {
        let route = sample.route();
        let asks_nothing = (route.verb == Verb::Get && route.policy == RoutePolicy::Public)
            || sample == Sample::LogoutOfNobody;
        let calls = fail_in_every_way(sample).await;
        assert_eq!(calls == 0, asks_nothing, "{sample:?} makes {calls} calls");
    }
}

// LG-06
#[tokio::test]
async fn a_store_outage_makes_no_success_of_a_refusal_and_no_other_refusal() {
    for sample in Sample::refused() {
        assert!(fail_in_every_way(sample).await > 0, "{sample:?}");
    }
}

async fn fail_in_every_way(sample: Sample) -> u64 {
    let mut calls = 0;
    for how in HOWS {
        calls = calls.max(fail_at_every_call(sample, how).await);
    }
    calls
}

/// The request, once for every call it makes, which fails; and once more past its end. Returns how many calls it makes.
async fn fail_at_every_call(sample: Sample, how: How) -> u64 {
    for at in 1..100 {
        let (app, faults) = sample.app_that_fails().await;
        let mut asked = sample.prepare(&app).await;
        let before = app.events().await;
        faults.arm(Fault { at, how });
        let answer = asked.send().await;
        faults.disarm();
        let fired = faults.fired();
        let what = match &fired {
            Some(fired) => format!("{sample:?}, {fired}: {answer:?}"),
            None => format!("{sample:?}, unharmed: {answer:?}"),
        };
        if answer.status == sample.status() {
            // What is acknowledged has happened; a note of a refusal may be missing.
            let left = left_since(&before, &app.events().await);
            let is_refused = sample.leaves().iter().any(|(_, reason)| reason.is_some());
            assert!(
                left == sample.leaves() || (is_refused && fired.is_some()),
                "{left:?} {what}"
            );
        } else {
            assert!(fired.is_some(), "{what}");
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{what}");
            assert_eq!(answer.code(), "unavailable", "{what}");
            let retry_after = answer.header("retry-after").map(str::parse::<u64>);
            assert!(
                matches!(retry_after, Some(Ok(1..))),
                "no time to come again: {what}"
            );
            assert!(answer.set_cookies().is_empty(), "{what}");
            assert!(!answer.text().contains("pcl_"), "{what}");
        }
        if fired.is_none() {
            return at - 1;
        }
    }
    panic!("{sample:?} makes calls without end")
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
