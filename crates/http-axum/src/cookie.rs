//! Our cookies: reading one by name without picking among several, setting one, deleting one.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use portcullis_backends::Settings;

use crate::credential::HEADER_MAX_BYTES;

/// The longest life of a cookie (RFC 6265bis section 5.5): browsers cut it there anyway.
pub(crate) const MAX_AGE: Duration = Duration::from_secs(400 * 24 * 60 * 60);
/// The most bytes of name and value together (RFC 6265bis section 5.6, SECURITY HT-02).
const MAX_BYTES: usize = 4096;

/// What a request holds under a cookie's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    /// No such cookie.
    None,
    /// One.
    One(&'a str),
    /// More than one: somebody else set one of them, and nobody can say which.
    Several,
    /// More than may be read.
    TooLarge,
}

/// The cookie of exactly this name (RFC 6265 section 5.4, read on bytes: others' cookies need not be text).
pub(crate) fn find<'a>(headers: &'a HeaderMap, name: &str) -> Found<'a> {
    let mut found = Found::None;
    let mut total = 0;
    for value in headers.get_all(header::COOKIE) {
        total += value.len();
        if total > HEADER_MAX_BYTES {
            return Found::TooLarge;
        }
        for pair in value.as_bytes().split(|byte| *byte == b';') {
            let Some(content) = content_of(pair.trim_ascii(), name) else {
                continue;
            };
            if found != Found::None {
                return Found::Several;
            }
            // A value that is no text is none of ours; it stands for one that is wrong.
            found = Found::One(std::str::from_utf8(content).unwrap_or_default());
        }
    }
    found
}

fn content_of<'a>(pair: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let rest = pair.strip_prefix(name.as_bytes())?.trim_ascii_start();
    Some(rest.strip_prefix(b"=")?.trim_ascii_start())
}

/// A `Set-Cookie` that keeps `value` for `max_age`. `None` for a value that no cookie can hold.
pub(crate) fn set(
    settings: &Settings,
    name: &str,
    value: &str,
    max_age: Duration,
) -> Option<HeaderValue> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let fits = value.bytes().all(plain) && name.len() + value.len() <= MAX_BYTES;
    let max_age = max_age.min(MAX_AGE).as_secs();
    let mut header = HeaderValue::try_from(line(settings, name, value, max_age)).ok()?;
    header.set_sensitive(true);
    fits.then_some(header)
}

/// A `Set-Cookie` that deletes: the same name and attributes, or the browser keeps the other one (SECURITY HT-03).
pub(crate) fn delete(settings: &Settings, name: &str) -> Option<HeaderValue> {
    HeaderValue::try_from(line(settings, name, "", 0)).ok()
}

fn line(settings: &Settings, name: &str, value: &str, max_age: u64) -> String {
    // The `__Host-` prefix stands in the name already where the profile asks for it.
    let secure = if settings.is_loopback_profile() {
        ""
    } else {
        "; Secure"
    };
    format!("{name}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(values: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::COOKIE, HeaderValue::from_bytes(value).unwrap());
        }
        headers
    }

    // HT-03
    #[test]
    fn a_cookie_is_found_by_its_exact_name_and_never_picked_among_several() {
        let name = "__Host-portcullis";
        let cases: &[(&[&[u8]], Found<'_>)] = &[
            (&[], Found::None),
            (&[b"a=b"], Found::None),
            (&[b"__Host-portcullis=v"], Found::One("v")),
            (&[b"a=b;__Host-portcullis=v ; c"], Found::One("v")),
            (&[b"a=b", b"__Host-portcullis=v"], Found::One("v")),
            (&[b"__Host-portcullis = v"], Found::One("v")),
            (&[b"__Host-portcullis=v=w"], Found::One("v=w")),
            (&[b"__Host-portcullis="], Found::One("")),
            (&[b"x=\xff; __Host-portcullis=v"], Found::One("v")),
            (&[b"__Host-portcullis=\xff"], Found::One("")),
            (&[b"__host-portcullis=v"], Found::None),
            (&[b"__Host-portcullis-signup=v"], Found::None),
            (&[b"x__Host-portcullis=v"], Found::None),
            (&[b"__Host-portcullis"], Found::None),
            (
                &[b"__Host-portcullis=v; __Host-portcullis=v"],
                Found::Several,
            ),
            (
                &[b"__Host-portcullis=v", b"__Host-portcullis=w"],
                Found::Several,
            ),
        ];
        for (values, expected) in cases {
            assert_eq!(find(&request(values), name), *expected, "{values:?}");
        }
        let long = vec![b'a'; HEADER_MAX_BYTES + 1];
        assert_eq!(find(&request(&[&long]), name), Found::TooLarge);
    }
}
