//! Cross-origin reads by the pages that were allowed, by exact origin (Fetch standard section 3.2; SECURITY HT-06).
//!
//! Nobody is granted anything but the origins that [`RoutesConfig::allow_origin`](crate::RoutesConfig::allow_origin)
//! names, compared to the letter with what the browser sent: nothing is reflected, `null` is never one of them, and there
//! is no wildcard. Where none is allowed, no answer has any of these headers.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use crate::csrf::AllowedOrigins;

/// What a page may send with a request.
const REQUEST_HEADERS: HeaderValue =
    HeaderValue::from_static("authorization, content-type, x-api-key, x-request-id");
/// What a page may read of an answer besides the headers that it always may.
const ANSWER_HEADERS: HeaderValue =
    HeaderValue::from_static("retry-after, www-authenticate, x-request-id");
/// How long a browser may remember a preflight. Short: an origin that is taken away is to lose its access soon.
const REMEMBER_SECS: HeaderValue = HeaderValue::from_static("600");
const YES: HeaderValue = HeaderValue::from_static("true");

/// The one origin that a request names, where it is allowed.
fn allowed_origin<'a>(headers: &'a HeaderMap, allowed: &AllowedOrigins) -> Option<&'a HeaderValue> {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let (Some(origin), None) = (origins.next(), origins.next()) else {
        return None;
    };
    allowed.contains(origin.as_bytes()).then_some(origin)
}

/// Which page may read the answer. Taken from the request before its parts are used up.
#[derive(Clone, Debug)]
pub(crate) struct Readers {
    /// Answers differ by origin, so a cache must not give one origin's to another.
    varies: bool,
    origin: Option<HeaderValue>,
}

impl Readers {
    pub(crate) fn of(headers: &HeaderMap, allowed: &AllowedOrigins) -> Self {
        Self {
            varies: !allowed.is_empty(),
            origin: allowed_origin(headers, allowed).cloned(),
        }
    }

    /// Lets the page read the answer, cookies included.
    pub(crate) fn grant(self, answer: &mut HeaderMap) {
        if self.varies {
            answer.append(header::VARY, HeaderValue::from_static("origin"));
        }
        if let Some(origin) = self.origin {
            answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, YES);
            answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, ANSWER_HEADERS);
        }
    }
}

/// What a preflight is answered with, beside what every answer has: `None` for what is no preflight of an allowed page.
pub(crate) fn preflight(
    method: &Method,
    request: &HeaderMap,
    allowed: &AllowedOrigins,
    methods: &HeaderValue,
) -> Option<[(HeaderName, HeaderValue); 3]> {
    let asks = method == Method::OPTIONS
        && request.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
        && allowed_origin(request, allowed).is_some();
    asks.then(|| {
        [
            (header::ACCESS_CONTROL_ALLOW_METHODS, methods.clone()),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS),
            (header::ACCESS_CONTROL_MAX_AGE, REMEMBER_SECS),
        ]
    })
}
