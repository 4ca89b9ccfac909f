//! Routes that ask for a CAPTCHA: which, when, and what a request without one costs.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::http::{Method, StatusCode};
use portcullis_backends::Builder;
use portcullis_backends::captcha::{Captcha, CaptchaError, CaptchaFailure};
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::secret::{Password, SecretText};
use portcullis_http_axum::{
    AsksCaptcha, Limits, Pages, Per, ROUTES, RoutePolicy, RouteSpec, Switch,
};
use portcullis_stores_kv::MemoryStore;
use serde_json::{Value, json};

use crate::app::{ADA, App, PASSWORD};

/// Knows one good response, which is good as often as it is shown.
#[derive(Clone, Default)]
struct Widget {
    shown: Arc<Mutex<Vec<String>>>,
    is_out: bool,
}

const GOOD: &str = "made-by-a-person";

#[async_trait]
impl Captcha for Widget {
    async fn passes(
        &self,
        response: &SecretText,
        client: Option<IpAddr>,
    ) -> Result<bool, CaptchaError> {
        assert!(client.is_some());
        self.shown
            .lock()
            .unwrap()
            .push(response.expose().to_owned());
        match self.is_out {
            true => Err(CaptchaError::Malformed),
            false => Ok(response.expose() == GOOD),
        }
    }
}

impl Widget {
    fn shown(&self) -> Vec<String> {
        std::mem::take(&mut self.shown.lock().unwrap())
    }
}

async fn app(change: impl FnOnce(Builder<MemoryStore>) -> Builder<MemoryStore>) -> (App, Widget) {
    let widget = Widget::default();
    let app = App::with(
        |builder| change(with_codes(builder).captcha(widget.clone())),
        |router, _| router,
    )
    .await;
    (app, widget)
}

fn with_codes(builder: Builder<MemoryStore>) -> Builder<MemoryStore> {
    builder.policy(crate::email_code::policy())
}

/// Routes that take somebody's word for who they are: those of the table that count by it and are open to everybody.
fn asking() -> impl Iterator<Item = &'static RouteSpec> {
    ROUTES
        .iter()
        .filter(|route| cfg!(feature = "jwt") || route.switch != Switch::Tokens)
        .filter(|route| route.captcha != AsksCaptcha::Never)
}

fn body(route: &RouteSpec, email: &str, captcha: Option<&str>) -> Value {
    let mut body = match route.path {
        "/signup" => json!({ "email": email, "password": PASSWORD }),
        "/sign-in" | "/token" => json!({ "identifier": email, "password": PASSWORD }),
        _ => json!({ "email": email }),
    };
    if let Some(captcha) = captcha {
        body["captcha"] = captcha.into();
    }
    body
}

async fn sent(app: &App, route: &RouteSpec, captcha: Option<&str>) -> crate::app::Answer {
    sent_for(app, route, ADA, captcha).await
}

async fn sent_for(
    app: &App,
    route: &RouteSpec,
    email: &str,
    captcha: Option<&str>,
) -> crate::app::Answer {
    let body = body(route, email, captcha);
    app.client()
        .post(&format!("/auth{}", route.path), body)
        .await
}

#[test]
fn every_open_route_that_counts_by_whom_it_is_about_asks() {
    for route in ROUTES {
        let by_whom = match &route.limits {
            Limits::Of(limits, _) => limits.iter().any(|limit| limit.per == Per::Identifier),
            _ => false,
        };
        let asks = route.captcha != AsksCaptcha::Never;
        assert_eq!(
            asks,
            by_whom && route.policy == RoutePolicy::Public,
            "{route:?}"
        );
    }
}

// TH-01
#[tokio::test]
async fn without_a_good_response_nothing_is_looked_up_hashed_written_or_mailed() {
    let (app, widget) = app(Builder::captcha_at_sign_in).await;
    for route in asking() {
        for captcha in [None, Some(""), Some("made-by-a-robot")] {
            let before = (app.store.calls(), app.hasher.hashes());
            let answer = sent(&app, route, captcha).await;
            assert_eq!(answer.code(), "captcha_required", "{route:?}");
            answer.expect(StatusCode::FORBIDDEN);
            // The limit of the client's address is asked before the provider is.
            let after = (app.store.calls() - 1, app.hasher.hashes());
            assert_eq!(after, before, "{route:?} {captcha:?}");
        }
        assert_eq!(widget.shown(), ["made-by-a-robot"], "{route:?}");
    }
    app.portcullis.run_due().await.unwrap();
    assert!(app.mailbox.last_to(ADA).is_none());
}

#[tokio::test]
async fn with_a_good_one_every_route_does_what_it_is_for_and_shows_it_once() {
    let (app, widget) = app(Builder::captcha_at_sign_in).await;
    for route in asking() {
        app.advance(3600);
        let answer = sent(&app, route, Some(GOOD)).await;
        let status = match route.path {
            "/sign-in" | "/token" => StatusCode::UNAUTHORIZED,
            _ => StatusCode::ACCEPTED,
        };
        answer.expect(status);
        assert_eq!(widget.shown(), [GOOD], "{route:?}");
    }
}

#[tokio::test]
async fn a_form_brings_it_too() {
    let (app, _) = app(|builder| builder).await;
    for (captcha, status) in [
        ("", StatusCode::FORBIDDEN),
        ("&captcha=made-by-a-person", StatusCode::ACCEPTED),
    ] {
        let form = format!("email=ada%40example.com{captcha}");
        let body = ("application/x-www-form-urlencoded", form.into_bytes());
        let path = "/auth/password/forgot";
        let answer = app.client().request(Method::POST, path, Some(body)).await;
        answer.expect(status);
    }
}

// TH-07
#[tokio::test]
async fn a_robot_uses_up_its_own_limit_and_nobody_elses() {
    let (app, _) = app(|builder| builder).await;
    let forgot = asking().find(|route| route.path == "/password/forgot");
    let forgot = forgot.unwrap();
    for _ in 0..20 {
        let answer = sent(&app, forgot, None).await;
        assert_eq!(answer.code(), "captcha_required");
    }
    sent(&app, forgot, Some(GOOD))
        .await
        .expect(StatusCode::ACCEPTED);
    let mut robot = app.client();
    robot.peer = Some("192.0.2.1".to_owned());
    let mut codes = Vec::new();
    for _ in 0..11 {
        let body = body(forgot, ADA, None);
        codes.push(robot.post("/auth/password/forgot", body).await.code());
    }
    assert_eq!(codes[9..], ["captcha_required", "rate_limited"]);
}

#[tokio::test]
async fn at_sign_in_it_is_asked_for_where_that_is_said() {
    let (app, widget) = app(|builder| builder).await;
    for route in asking() {
        let always = route.captcha == AsksCaptcha::Always;
        let answer = sent(&app, route, None).await;
        assert_eq!(answer.code() == "captcha_required", always, "{route:?}");
    }
    assert!(widget.shown().is_empty());
}

#[tokio::test]
async fn an_outage_of_the_provider_is_503_or_no_obstacle_as_is_said() {
    for (failure, status) in [
        (CaptchaFailure::Closed, StatusCode::SERVICE_UNAVAILABLE),
        (CaptchaFailure::Open, StatusCode::ACCEPTED),
    ] {
        let out = Widget {
            is_out: true,
            ..Widget::default()
        };
        let app = App::with(
            |builder| with_codes(builder).captcha(out).captcha_failure(failure),
            |router, _| router,
        )
        .await;
        for route in asking().filter(|route| route.captcha == AsksCaptcha::Always) {
            app.advance(3600);
            let answer = sent(&app, route, Some(GOOD)).await.expect(status);
            let waits = answer.header("retry-after").is_some();
            assert_eq!(waits, failure == CaptchaFailure::Closed, "{route:?}");
            let none = sent(&app, route, None).await;
            assert_eq!(none.code(), "captcha_required", "{route:?}");
        }
    }
}

#[tokio::test]
async fn without_one_in_the_service_the_field_may_come_and_is_not_read() {
    let app = App::with(with_codes, |router, _| router).await;
    let long = "x".repeat(20_000);
    for route in asking() {
        app.advance(3600);
        let with = sent(&app, route, Some(&long)).await;
        let without = sent(&app, route, None).await;
        assert_eq!(with.status, without.status, "{route:?}");
    }
}

// TH-01
#[tokio::test]
async fn what_is_missing_is_said_alike_whoever_has_the_address() {
    let (app, widget) = app(Builder::captcha_at_sign_in).await;
    let opened = app.portcullis.admin_open_account(
        app.portcullis.default_tenant(),
        Identifier::email(ADA).unwrap(),
        Password::new(PASSWORD).unwrap(),
    );
    opened.await.unwrap();
    for route in asking() {
        let mut answers = Vec::new();
        for email in [ADA, "nobody@example.com"] {
            let answer = sent_for(&app, route, email, Some("made-by-a-robot")).await;
            answers.push(answer.expect(StatusCode::FORBIDDEN).normalized());
        }
        assert_eq!(answers[0], answers[1], "{route:?}");
    }
    assert!(!widget.shown().is_empty());
}

#[tokio::test]
async fn a_browser_that_wants_a_page_gets_one_that_says_what_is_missing() {
    let (app, _) = app(Builder::captcha_at_sign_in).await;
    for route in asking().filter(|route| route.pages == Pages::ForForms) {
        let mut browser = app.client();
        let accept = "text/html,application/xhtml+xml".parse().unwrap();
        browser.headers.insert("accept", accept);
        let form = body(route, ADA, None);
        let form: Vec<_> = form.as_object().unwrap().iter().collect();
        let form: Vec<_> = form
            .into_iter()
            .map(|(name, value)| format!("{name}={}", value.as_str().unwrap()))
            .collect();
        let form = form.join("&").replace(' ', "+");
        let form = ("application/x-www-form-urlencoded", form.into_bytes());
        let path = format!("/auth{}", route.path);
        let answer = browser.request(Method::POST, &path, Some(form)).await;
        let answer = answer.expect(StatusCode::FORBIDDEN);
        let kind = answer.header("content-type").unwrap();
        assert!(kind.starts_with("text/html"), "{route:?}: {kind}");
        assert!(answer.text().contains("Show that you are a person"));
        assert!(answer.set_cookies().is_empty(), "{route:?}");
    }
}
