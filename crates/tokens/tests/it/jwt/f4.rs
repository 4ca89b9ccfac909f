//! Finding F4: what `jsonwebtoken` accepts by its defaults is refused.

use std::time::Duration;

use portcullis_tokens::jwt::{JwtCodec, JwtConfigError, JwtKeys, JwtRejection, SigningKeyError};
use serde_json::{Value, json};

use super::forge::*;
use crate::support::NOW;

/// The control: forged tokens are refused for what is wrong with them, not for being forged.
#[test]
fn a_forged_token_with_nothing_wrong_is_accepted() {
    assert_eq!(with_header(&header()), Ok(claims()));
    assert_eq!(with_payload(&payload()), Ok(claims()));
}

// JW-04
#[test]
fn a_critical_extension_is_refused() {
    for crit in [json!(["bork"]), json!(["b64"]), json!([]), json!("exp")] {
        let header = with(header(), "crit", crit);
        assert_eq!(with_header(&header), Err(JwtRejection::Header));
        let header = with(header, "b64", json!(false));
        assert_eq!(with_header(&header), Err(JwtRejection::Header));
    }
}

// JW-05
#[test]
fn a_token_of_another_type_is_refused() {
    let header = with(header(), "typ", json!("logout+jwt"));
    assert_eq!(with_header(&header), Err(JwtRejection::Type));
}

// JW-06
#[test]
fn a_token_without_issuer_or_audience_is_refused() {
    let neither = with(with(payload(), "iss", Value::Null), "aud", Value::Null);
    assert_eq!(
        with_payload(&neither),
        Err(JwtRejection::MissingClaim("iss"))
    );
    for name in ["iss", "aud"] {
        let without = with(payload(), name, Value::Null);
        assert_eq!(
            with_payload(&without),
            Err(JwtRejection::MissingClaim(name))
        );
    }
}

// JW-07
#[test]
fn a_token_from_the_future_is_refused() {
    let now = NOW.as_secs();
    let payload = with(payload(), "nbf", json!(now + 5000));
    let payload = with(payload, "exp", json!(now + 5001));
    let payload = with(payload, "iat", json!(now + 4500));
    assert_eq!(with_payload(&payload), Err(JwtRejection::IssuedInFuture));
    let payload = with(super::forge::payload(), "nbf", json!(now + 600));
    assert_eq!(with_payload(&payload), Err(JwtRejection::NotYetValid));
}

// JW-07
#[test]
fn a_token_that_expired_30_seconds_ago_is_refused() {
    let now = NOW.as_secs();
    let payload = with(payload(), "exp", json!(now - 30));
    let payload = with(payload, "iat", json!(now - 900));
    let payload = with(payload, "nbf", json!(now - 900));
    assert_eq!(with_payload(&payload), Err(JwtRejection::Expired));
}

// JW-07
#[test]
fn a_token_that_never_expires_is_refused() {
    let payload = with(payload(), "exp", json!(u64::MAX));
    assert_eq!(with_payload(&payload), Err(JwtRejection::Claim("exp")));
}

// JW-09
#[test]
fn an_empty_secret_is_refused() {
    let refused = JwtKeys::hs256(b"").unwrap_err();
    assert_eq!(refused, SigningKeyError::SecretLength);
}

// JW-07, CC-04
#[test]
fn an_endless_leeway_is_refused() {
    for leeway in [Duration::from_secs(u64::MAX), Duration::MAX] {
        let mut config = config();
        config.leeway = leeway;
        let refused = JwtCodec::new(config, codec().keys()).unwrap_err();
        assert_eq!(refused, JwtConfigError::Leeway);
    }
}

// JW-01, JW-07, JW-12: what the defaults refuse as well.
#[test]
fn the_rest_of_the_table_is_refused_too() {
    for alg in ["none", "NoNe", "HS384"] {
        let header = with(header(), "alg", json!(alg));
        assert_eq!(with_header(&header), Err(JwtRejection::Algorithm));
    }
    let exp = payload()["exp"].clone();
    for wrong in [json!(exp.to_string()), json!(-1), json!(1e300)] {
        let payload = with(payload(), "exp", wrong);
        assert_eq!(with_payload(&payload), Err(JwtRejection::Claim("exp")));
    }
    for name in ["exp", "sub"] {
        let good = payload().to_string();
        let twice = format!("{{\"{name}\":{},{}", payload()[name], &good[1..]);
        let token = forge(&header().to_string(), &twice);
        let refused = codec().verify(&token, NOW);
        assert_eq!(refused, Err(JwtRejection::DuplicateMember));
    }
    // One byte past a multiple of three, so that base64 would pad, and has bits to spare.
    let mut header = header().to_string();
    header.push_str(&" ".repeat((4 - header.len() % 3) % 3));
    let token = forge(&header, &payload().to_string());
    assert!(codec().verify(&token, NOW).is_ok());
    let (head, rest) = token.split_once('.').unwrap();
    for head in [format!("{head}=="), format!("{head}="), spare_bits(head)] {
        let refused = codec().verify(&format!("{head}.{rest}"), NOW);
        assert_eq!(refused, Err(JwtRejection::Malformed), "{head}");
    }
}

/// The next letter of the alphabet at the end: the same bytes to a lax decoder.
fn spare_bits(segment: &str) -> String {
    let (start, last) = segment.split_at(segment.len() - 1);
    let next = char::from(last.as_bytes()[0] + 1);
    format!("{start}{next}")
}
