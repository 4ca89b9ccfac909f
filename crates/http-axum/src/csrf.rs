//! Whether a browser sent a request from another site (SECURITY HT-04).
//!
//! | the request says | answer |
//! |---|---|
//! | a safe method, and no `Upgrade` | passes: it changes nothing |
//! | `Origin`, one, the public origin or an allowed one | passes |
//! | `Origin: null` with `Sec-Fetch-Site: same-origin` | passes: a form of a page of ours that sends no referrer |
//! | any other `Origin`, or two | refused |
//! | no `Origin`, `Sec-Fetch-Site: same-origin` or `none` | passes |
//! | no `Origin`, any other `Sec-Fetch-Site` | refused |
//! | neither | passes: browsers send at least one of them with unsafe methods, so it is none |
//!
//! A page whose `Referrer-Policy` is `no-referrer` sends its forms with `Origin: null`, to its own origin too (Fetch
//! standard, "append a request `Origin` header"). Scripts cannot set `Sec-Fetch-Site`, and what comes from a sandbox or
//! a file, whose origin really is `null`, is never `same-origin` in it.

mod layer;

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, Method, header};
use portcullis_backends::Portcullis;
use url::{Origin, Url};

pub use layer::{CsrfLayer, CsrfService, csrf_layer};

use crate::code::Code;
use crate::problem::Problem;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// An origin that is none: `allow_origin` takes `https://host[:port]` alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an allowed origin is a scheme, a host and a port alone, such as https://app.example.com")]
pub struct OriginError;

/// The origins that may send unsafe requests: the public one and those that were allowed beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AllowedOrigins(Arc<[Box<str>]>);

impl AllowedOrigins {
    /// Adds one, such as that of a single-page application on another host.
    ///
    /// # Errors
    /// [`OriginError`] for a text with a path, user, query or fragment, and for an opaque origin.
    pub(crate) fn allow(&mut self, origin: &str) -> Result<(), OriginError> {
        let url = Url::parse(origin).map_err(|_| OriginError)?;
        let parsed = url.origin();
        let text = parsed.ascii_serialization();
        // Written in full and in its canonical form: what a browser will send, to the letter.
        if !matches!(parsed, Origin::Tuple(..)) || text != origin || text.contains('*') {
            return Err(OriginError);
        }
        self.0 = self.0.iter().cloned().chain([text.into()]).collect();
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// To the letter: nothing here ever looks at a part of an origin.
    pub(crate) fn contains(&self, origin: &[u8]) -> bool {
        self.0.iter().any(|allowed| allowed.as_bytes() == origin)
    }
}

/// Left on a request that was checked against more origins than the public one, so that nothing behind refuses it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checked;

/// Refuses what a browser sent from another site.
pub(crate) fn check(
    method: &Method,
    headers: &HeaderMap,
    portcullis: &Portcullis,
    allowed: &AllowedOrigins,
) -> Result<(), Problem> {
    let public = portcullis.settings().public_url().origin();
    // A WebSocket begins with a GET, and another site may begin one.
    let is_safe = method.is_safe() && !headers.contains_key(header::UPGRADE);
    if is_safe || is_same_site(headers, public, allowed) {
        return Ok(());
    }
    let detail = "the request's Origin is neither the configured public origin nor an allowed one";
    Err(Problem::new(Code::CrossSiteRequest).with_detail(detail))
}

fn is_same_site(headers: &HeaderMap, public: &str, allowed: &AllowedOrigins) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let mut sites = headers.get_all(SEC_FETCH_SITE).iter();
    let site = sites.next().map(|value| value.as_bytes());
    if sites.next().is_some() {
        return false;
    }
    match (origins.next().map(|value| value.as_bytes()), origins.next()) {
        (Some(b"null"), None) => site == Some(b"same-origin"),
        (Some(origin), None) => origin == public.as_bytes() || allowed.contains(origin),
        (Some(_), Some(_)) => false,
        (None, _) => matches!(site, None | Some(b"same-origin" | b"none")),
    }
}

#[cfg(test)]
mod tests;
