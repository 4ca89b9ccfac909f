//! Which credential a request presents: one header of its own, or the session cookie, never both and never the URL.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use portcullis_core::backend::Credential;

use crate::body::form;
use crate::code::Code;
use crate::cookie::{self, Found};
use crate::problem::Problem;

/// The most bytes of a header that carries a credential, and of all cookies together.
pub(crate) const HEADER_MAX_BYTES: usize = 8 * 1024;
/// `X-API-Key`.
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// What RFC 6750 section 2.3 and common habit call a credential in a query. URLs end in logs and histories.
const QUERY_CREDENTIALS: [&str; 2] = ["access_token", "api_key"];

/// What a request presents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Presentation<'a> {
    /// The standard credential, where there is one.
    pub(crate) credential: Option<Credential<'a>>,
    /// Whether a header of its own was there, known scheme or not: then somebody has to accept it.
    pub(crate) is_explicit: bool,
}

/// Reads what a request presents: a header of its own, or else the first of these cookies that is there.
pub(crate) fn read<'a>(
    headers: &'a HeaderMap,
    uri: &Uri,
    cookies: [&str; 2],
) -> Result<Presentation<'a>, Problem> {
    refuse_in_url(uri)?;
    let authorization = single(headers, &header::AUTHORIZATION)?;
    let api_key = single(headers, &API_KEY)?;
    let explicit = |credential| Presentation {
        credential,
        is_explicit: true,
    };
    match (authorization, api_key) {
        (Some(_), Some(_)) => Err(Problem::new(Code::ConflictingCredentials)
            .with_detail("send Authorization or X-API-Key, not both")),
        (Some(value), None) => Ok(explicit(authorized(value)?)),
        (None, Some(value)) => Ok(explicit(Some(Credential::ApiKey(token(value)?)))),
        (None, None) => match by_cookie(headers, cookies) {
            Found::None => Ok(Presentation {
                credential: None,
                is_explicit: false,
            }),
            Found::One(value) => Ok(Presentation {
                credential: Some(Credential::Cookie(value)),
                is_explicit: false,
            }),
            Found::Several => Err(Problem::new(Code::CredentialRejected)
                .with_detail("the session cookie came more than once")),
            Found::TooLarge => Err(too_large("the cookies are longer than 8 KiB")),
        },
    }
}

fn by_cookie<'a>(headers: &'a HeaderMap, cookies: [&str; 2]) -> Found<'a> {
    let found = |name: &&str| cookie::find(headers, name);
    let mut there = cookies
        .iter()
        .map(found)
        .filter(|found| *found != Found::None);
    there.next().unwrap_or(Found::None)
}

/// Refuses a credential in the URL, good or not, whatever else there is (SECURITY HT-15).
pub(crate) fn refuse_in_url(uri: &Uri) -> Result<(), Problem> {
    if uri.query().is_some_and(names_a_credential) {
        let detail = "a credential in the URL is never read; send it in the Authorization header";
        return Err(Problem::new(Code::CredentialRejected).with_detail(detail));
    }
    Ok(())
}

/// Whether a header of its own carries a credential that we know, so that the cookie is not looked at.
pub(crate) fn is_header_based(headers: &HeaderMap) -> bool {
    let known = |value: &HeaderValue| matches!(authorized(value), Ok(Some(Credential::Bearer(_))));
    headers.contains_key(API_KEY) || headers.get(header::AUTHORIZATION).is_some_and(known)
}

/// Names are compared as the application would read them, after percent-decoding.
fn names_a_credential(query: &str) -> bool {
    query.split('&').any(|pair| {
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        let is = |name: &[u8]| QUERY_CREDENTIALS.iter().any(|c| c.as_bytes() == name);
        is(name.as_bytes()) || (name.contains('%') && is(&form::decode(name.as_bytes())))
    })
}

fn single<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a HeaderValue>, Problem> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        let detail = "a header that carries a credential came more than once";
        return Err(Problem::new(Code::ConflictingCredentials).with_detail(detail));
    }
    if first.is_some_and(|value| value.len() > HEADER_MAX_BYTES) {
        return Err(too_large("the header is longer than 8 KiB"));
    }
    Ok(first)
}

/// What stands behind `Bearer` or `Basic`, in any case (RFC 6750 section 2.1, RFC 7617 section 2, RFC 9110 section 11.1);
/// `None` for another scheme.
fn authorized(value: &HeaderValue) -> Result<Option<Credential<'_>>, Problem> {
    let text = value.as_bytes().trim_ascii();
    let end = text.iter().position(|b| *b == b' ').unwrap_or(text.len());
    let Some((scheme, rest)) = text.split_at_checked(end) else {
        return Ok(None);
    };
    let credential = if scheme.eq_ignore_ascii_case(b"Bearer") {
        Credential::Bearer
    } else if scheme.eq_ignore_ascii_case(b"Basic") {
        Credential::Basic
    } else {
        return Ok(None);
    };
    printable(rest.trim_ascii()).map(|text| Some(credential(text)))
}

fn token(value: &HeaderValue) -> Result<&str, Problem> {
    printable(value.as_bytes().trim_ascii())
}

/// One word of visible ASCII, which every token is.
fn printable(bytes: &[u8]) -> Result<&str, Problem> {
    let visible = !bytes.is_empty() && bytes.iter().all(u8::is_ascii_graphic);
    std::str::from_utf8(bytes)
        .ok()
        .filter(|_| visible)
        .ok_or_else(|| Problem::new(Code::CredentialRejected))
}

fn too_large(detail: &'static str) -> Problem {
    Problem::new(Code::HeaderTooLarge).with_detail(detail)
}

#[cfg(test)]
mod tests;
