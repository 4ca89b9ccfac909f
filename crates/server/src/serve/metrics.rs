//! `GET /metrics` on a listener of its own, and nothing else there.

mod text;

use std::future::{Future, pending};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, Response};
use axum::routing::get;
use portcullis_backends::Portcullis;
use portcullis_backends::metrics::Family;
use portcullis_http_axum::{Code, Problem};
use tokio::net::TcpListener;

use super::accept::Acceptor;

/// A Prometheus or two, and somebody who looks.
const CONNECTIONS: usize = 16;
/// Prometheus text exposition format, version 0.0.4.
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Answers until it is dropped, within the bounds of the service's own listener.
pub(super) fn tell(
    listener: TcpListener,
    portcullis: &Portcullis,
) -> impl Future<Output = ()> + use<> {
    let acceptor = Acceptor::new(listener, app(portcullis), CONNECTIONS);
    async move {
        acceptor.run(pending(), Duration::ZERO).await;
    }
}

fn app(portcullis: &Portcullis) -> Router {
    let portcullis = portcullis.clone();
    let started = u64::try_from(portcullis.now().as_secs()).unwrap_or_default();
    let show = move || {
        let page = text::page(&families(&portcullis, started));
        async move { answer(page) }
    };
    let nothing = || async { Problem::new(Code::NotFound) };
    Router::new()
        .route("/metrics", get(show).fallback(nothing))
        .fallback(nothing)
}

/// What the instance counts, and what is known of the process.
fn families(portcullis: &Portcullis, started: u64) -> Vec<Family> {
    let mut families = portcullis.metrics().families;
    families.push(
        Family::gauge(
            "process_start_time_seconds",
            "When the process was started, in seconds since 1970.",
        )
        .with(&[], started),
    );
    families.push(
        Family::gauge("portcullis_build_info", "The version that runs; always 1.")
            .with(&[("version", env!("CARGO_PKG_VERSION"))], 1),
    );
    families
}

fn answer(page: String) -> Response<Body> {
    let mut answer = Response::new(Body::from(page));
    for (name, value) in [
        (CONTENT_TYPE, FORMAT),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        answer
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    answer
}
