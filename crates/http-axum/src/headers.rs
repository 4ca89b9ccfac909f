//! Headers that every answer of ours carries.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use portcullis_backends::Settings;

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");
/// Nothing may be loaded, framed or sent anywhere by what we answer that is no page.
const CSP_DATA: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; base-uri 'none'");
/// Two years. Subdomains and the preload list are the application's to decide.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=63072000");

/// What keeps an answer out of caches, other sites and the wrong parser (SECURITY HT-08, HT-09, OT-10).
pub(crate) fn guard(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
        (
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ),
    ] {
        headers.insert(name, value);
    }
    // A page sets its own.
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(CSP_DATA);
}

/// Tells browsers to come by TLS only; says nothing on loopback, where there is none.
pub(crate) fn transport(headers: &mut HeaderMap, settings: &Settings) {
    if !settings.is_loopback_profile() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
}

/// After signing out: what this origin left in the browser's cache and storage goes. `"cookies"` is not among it, since
/// that takes the application's own cookies too, and those of every host beside it; our cookie is deleted by name.
pub(crate) fn clear_site_data(headers: &mut HeaderMap) {
    headers.insert(
        CLEAR_SITE_DATA,
        HeaderValue::from_static("\"cache\", \"storage\""),
    );
}
