//! What is signed is verified, and what would not be is not signed.

use std::time::Duration;

use portcullis_core::time::Timestamp;
use portcullis_tokens::OsEntropy;
use portcullis_tokens::jwt::{
    AccessClaims, JwtAlgorithm, JwtCodec, JwtKeys, JwtRejection, JwtSignError,
};
use serde_json::{Value, json};

use super::forge::*;
use crate::support::NOW;

fn refused(edit: impl FnOnce(&mut AccessClaims)) -> JwtSignError {
    let mut claims = claims();
    edit(&mut claims);
    codec().sign(&claims).unwrap_err()
}

#[test]
fn every_algorithm_signs_what_it_verifies() {
    for algorithm in JwtAlgorithm::ALL {
        let codec = codec_for(algorithm);
        let token = codec.sign(&claims()).unwrap();
        assert_eq!(codec.verify(token.expose(), NOW), Ok(claims()));
        // Another key of the same algorithm has another name.
        let other = JwtKeys::generate(algorithm, &OsEntropy, NOW).unwrap();
        let other = JwtCodec::new(config(), other).unwrap();
        let refused = other.verify(token.expose(), NOW);
        assert_eq!(refused, Err(JwtRejection::UnknownKey));
        let token = other.sign(&claims()).unwrap();
        assert_eq!(other.verify(token.expose(), NOW), Ok(claims()));
    }
}

#[test]
fn a_token_says_what_rfc_9068_asks_for() {
    let token = codec_for(JwtAlgorithm::EdDsa).sign(&claims()).unwrap();
    let read = |segment: &str| -> Value {
        use base64::Engine as _;
        let json = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(segment);
        serde_json::from_slice(&json.unwrap()).unwrap()
    };
    let mut segments = token.expose().split('.').map(str::to_owned);
    let header = read(&segments.next().unwrap());
    let kid = kid(&codec_for(JwtAlgorithm::EdDsa));
    let expected = json!({ "alg": "EdDSA", "kid": kid, "typ": "at+jwt" });
    assert_eq!(header, expected);
    let payload = read(&segments.next().unwrap());
    let expected = json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "70636c2d-696e-8000-0000-00000000002a",
        "tenant": "70636c2d-696e-8000-0000-000000000007",
        "epoch": 3,
        "family": "CQkJCQkJCQkJCQkJCQkJCQ",
        "iat": 1_767_225_600,
        "nbf": 1_767_225_600,
        "exp": 1_767_226_500,
        "jti": "BQUFBQUFBQUFBQUFBQUFBQ",
    });
    assert_eq!(payload, expected);
}

#[test]
fn times_are_rounded_towards_the_past() {
    let mut exact = claims();
    let part = Duration::from_micros(999_999);
    exact.issued_at = NOW.plus(part);
    exact.not_before = NOW.plus(part);
    exact.expires_at = claims().expires_at.plus(part);
    let token = codec().sign(&exact).unwrap();
    let read = codec().verify(token.expose(), NOW.plus(part));
    assert_eq!(read, Ok(claims()));
}

#[test]
fn a_reserved_name_is_not_the_applications() {
    for name in [
        "iss", "aud", "sub", "exp", "iat", "nbf", "jti", "tenant", "epoch", "family", "scope",
        "cnf", "act",
    ] {
        let error = refused(|claims| {
            claims.extra.insert(name.to_owned(), json!(1));
        });
        assert_eq!(error, JwtSignError::ReservedClaim(name));
    }
}

#[test]
fn a_token_that_would_be_refused_is_not_signed() {
    let lifetime = |seconds| NOW.plus(Duration::from_secs(seconds));
    use JwtRejection::{Audience, Claim, Issuer, Lifetime, TooLong};
    let cases: [(JwtSignError, JwtRejection); 10] = [
        (refused(|claims| claims.issuer = "other".into()), Issuer),
        (refused(|claims| claims.audience = "other".into()), Audience),
        (
            refused(|claims| claims.expires_at = lifetime(901)),
            Lifetime,
        ),
        (refused(|claims| claims.expires_at = NOW), Lifetime),
        (
            refused(|claims| claims.expires_at = NOW.plus(Duration::from_micros(1))),
            Lifetime,
        ),
        (
            refused(|claims| claims.not_before = lifetime(900)),
            Lifetime,
        ),
        (
            refused(|claims| claims.not_before = Timestamp::from_secs(-1)),
            Claim("nbf"),
        ),
        (
            refused(|claims| claims.expires_at = Timestamp::MAX),
            Claim("exp"),
        ),
        (
            refused(|claims| {
                let more = (0..33).map(|number| (format!("c{number}"), json!(number)));
                claims.extra = more.collect();
            }),
            Claim("extra"),
        ),
        (
            refused(|claims| {
                let long = "x".repeat(8000);
                claims.extra.insert("note".to_owned(), json!(long));
            }),
            TooLong,
        ),
    ];
    for (error, rejection) in cases {
        assert_eq!(error, JwtSignError::Refused(rejection));
    }
    // Even where the payload alone fits, the whole must.
    let mut longest = claims();
    for length in 5000..6200 {
        longest
            .extra
            .insert("note".to_owned(), json!("x".repeat(length)));
        match codec().sign(&longest) {
            Ok(token) => assert!(codec().verify(token.expose(), NOW).is_ok()),
            Err(error) => assert_eq!(error, JwtSignError::Refused(TooLong)),
        }
    }
}
