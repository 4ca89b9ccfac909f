//! The strict decoder: from a text to claims, by way of one signature.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::{AccessClaims, JwtConfig, JwtKeys, JwtRejection, SigningKey, json};

/// The most bytes of a token, signed or verified.
pub const JWT_MAX_BYTES: usize = 8 * 1024;

/// The shortest that a signed header, payload and signature could be; far below any real one.
const JWT_MIN_BYTES: usize = 64;
const KID_MAX_BYTES: usize = 64;
const MEDIA_TYPE: &str = "at+jwt";

/// Whether `text` is worth trying as a JWT, by its length, its two dots and its alphabet alone; nothing is decoded and
/// nothing allocated. For telling token classes apart, not for trusting one.
#[must_use]
pub fn looks_like_jwt(text: &str) -> bool {
    if !(JWT_MIN_BYTES..=JWT_MAX_BYTES).contains(&text.len()) {
        return false;
    }
    segments(text).is_some_and(|segments| segments.into_iter().all(is_base64url))
}

/// The claims of a token that a key in use has signed. Times are not compared with any clock here.
pub(super) fn decode(
    text: &str,
    keys: &JwtKeys,
    config: &JwtConfig,
) -> Result<AccessClaims, JwtRejection> {
    let (header, payload, signature) = split(text)?;
    let key = key_of(header, keys)?;
    let signature = base64url(signature)?;
    if !key.verifies(message(text), &signature) {
        return Err(JwtRejection::Signature);
    }
    // Only what a key of ours has signed is looked into.
    AccessClaims::from_payload(json::object(&base64url(payload)?)?, config)
}

/// The header of every token that `key` signs.
pub(super) fn header(key: &SigningKey) -> Map<String, Value> {
    let member = |name: &str, value: &str| (name.to_owned(), value.into());
    Map::from_iter([
        member("alg", key.algorithm().as_str()),
        member("kid", key.kid()),
        member("typ", MEDIA_TYPE),
    ])
}

/// The key that the header names, where the header says no more than that, the key's algorithm and the type.
fn key_of<'a>(header: &str, keys: &'a JwtKeys) -> Result<&'a SigningKey, JwtRejection> {
    let mut header = json::object(&base64url(header)?)?;
    let mut take = |name| match header.remove(name) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(JwtRejection::Header),
    };
    let (alg, kid, typ) = (take("alg")?, take("kid")?, take("typ")?);
    // Whatever else it says asks for something that is not done here: `crit`, `jku`, `x5u`, `b64` and all others.
    if !header.is_empty() || kid.len() > KID_MAX_BYTES {
        return Err(JwtRejection::Header);
    }
    if !is_access_token(&typ) {
        return Err(JwtRejection::Type);
    }
    let key = keys.find(&kid).ok_or(JwtRejection::UnknownKey)?;
    if alg != key.algorithm().as_str() {
        return Err(JwtRejection::Algorithm);
    }
    Ok(key)
}

/// RFC 9068 section 4; media types have no case (RFC 7515 section 4.1.9).
fn is_access_token(typ: &str) -> bool {
    typ.eq_ignore_ascii_case(MEDIA_TYPE)
        || typ.split_once('/').is_some_and(|(tree, name)| {
            tree.eq_ignore_ascii_case("application") && name.eq_ignore_ascii_case(MEDIA_TYPE)
        })
}

fn split(text: &str) -> Result<(&str, &str, &str), JwtRejection> {
    if text.len() > JWT_MAX_BYTES {
        return Err(JwtRejection::TooLong);
    }
    let [header, payload, signature] = segments(text).ok_or(JwtRejection::Malformed)?;
    Ok((header, payload, signature))
}

/// Exactly three, none of them empty.
fn segments(text: &str) -> Option<[&str; 3]> {
    let mut segments = text.split('.');
    let three = [segments.next()?, segments.next()?, segments.next()?];
    let whole = segments.next().is_none() && three.iter().all(|segment| !segment.is_empty());
    whole.then_some(three)
}

/// Header and payload, as they were signed.
fn message(text: &str) -> &[u8] {
    text.rsplit_once('.')
        .map_or(&[][..], |(message, _)| message.as_bytes())
}

fn is_base64url(segment: &str) -> bool {
    segment
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Without padding, white space or bits that mean nothing: one text for every byte string.
fn base64url(segment: &str) -> Result<Vec<u8>, JwtRejection> {
    URL_SAFE_NO_PAD
        .decode(segment)
        .map_err(|_| JwtRejection::Malformed)
}
