//! The answer to a request that took too long.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE};
use axum::http::{HeaderValue, Response, StatusCode};

/// RFC 9457, as every other error; the rest of the request is not waited for.
const BODY: &str = r#"{"type":"urn:portcullis:problem:timeout","title":"The request was not complete in time","status":408,"code":"timeout"}"#;

pub(super) fn answer() -> Response<Body> {
    let mut answer = Response::new(Body::from(BODY));
    *answer.status_mut() = StatusCode::REQUEST_TIMEOUT;
    for (name, value) in [
        (CONTENT_TYPE, "application/problem+json"),
        (CACHE_CONTROL, "no-store"),
        (CONNECTION, "close"),
    ] {
        answer
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    answer
}
