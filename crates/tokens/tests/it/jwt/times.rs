//! Times, compared in integers with the moment that the caller gives.

use std::time::Duration;

use portcullis_core::time::Timestamp;
use portcullis_tokens::jwt::{JwtCodec, JwtRejection};
use serde_json::{Value, json};

use super::forge::*;
use crate::support::NOW;

const S: i64 = NOW.as_secs();

fn times(iat: impl Into<Value>, nbf: impl Into<Value>, exp: impl Into<Value>) -> Value {
    let payload = with(payload(), "iat", iat.into());
    let payload = with(payload, "nbf", nbf.into());
    with(payload, "exp", exp.into())
}

// JW-07: seconds relative to now, with 5 s of leeway and 900 s of lifetime.
#[test]
fn a_token_is_good_in_its_time_alone() {
    use JwtRejection::{Expired, IssuedInFuture, Lifetime, NotYetValid};

    let table: [(i64, i64, i64, Result<(), JwtRejection>); 24] = [
        (0, 0, 900, Ok(())),
        (0, 0, 1, Ok(())),
        (-899, -899, 1, Ok(())),
        (-900, -900, 0, Ok(())),
        (-904, -904, -4, Ok(())),
        (-905, -905, -5, Err(Expired)),
        (-906, -906, -6, Err(Expired)),
        (-1800, -1800, -900, Err(Expired)),
        (0, 0, 901, Err(Lifetime)),
        (-1, 0, 900, Err(Lifetime)),
        (0, 0, 0, Err(Lifetime)),
        (0, 0, -1, Err(Lifetime)),
        (10, 0, 5, Err(Lifetime)),
        (-10, 100, 100, Err(Lifetime)),
        (-10, 200, 100, Err(Lifetime)),
        (5, 5, 900, Ok(())),
        (6, 6, 900, Err(IssuedInFuture)),
        (6, 0, 900, Err(IssuedInFuture)),
        (900, 900, 1800, Err(IssuedInFuture)),
        (0, 5, 900, Ok(())),
        (0, 6, 900, Err(NotYetValid)),
        (0, 899, 900, Err(NotYetValid)),
        (0, -S, 900, Ok(())),
        (-S, -S, 900, Err(Lifetime)),
    ];
    for (iat, nbf, exp, expected) in table {
        let verdict = with_payload(&times(S + iat, S + nbf, S + exp)).map(|_| ());
        assert_eq!(verdict, expected, "iat {iat} nbf {nbf} exp {exp}");
    }
}

// JW-07
#[test]
fn a_time_is_a_whole_number_of_seconds_in_this_era() {
    let wrong = [
        json!(u64::MAX),
        json!(i64::MAX),
        json!(i64::MAX / 1_000_000 + 1),
        json!(1_000_000_000_000_000_000_u64),
        json!(S * 1_000),
        json!(S * 1_000_000),
        json!(253_402_300_800_i64),
        json!(-1),
        json!(i64::MIN),
        json!(1e300),
        json!(S as f64),
        json!(S as f64 + 0.5),
        json!(S.to_string()),
        json!(""),
        json!(true),
        json!([S]),
        json!({ "s": S }),
    ];
    for wrong in wrong {
        for name in ["iat", "nbf", "exp"] {
            let refused = with_payload(&with(payload(), name, wrong.clone()));
            assert_eq!(refused, Err(JwtRejection::Claim(name)), "{wrong}");
        }
    }
    for raw in [
        "-0",
        "1e9",
        "1.0",
        "0x10",
        "01",
        "99999999999999999999",
        "1e400",
    ] {
        for name in ["iat", "nbf", "exp"] {
            let text = with(payload(), name, json!("?")).to_string();
            let text = text.replace("\"?\"", raw);
            let refused = codec().verify(&forge(&header().to_string(), &text), NOW);
            assert!(refused.is_err(), "{name} {raw}");
        }
    }
}

// JW-07
#[test]
fn the_boundary_is_exact_to_the_microsecond() {
    let payload = payload();
    let end = claims().expires_at.plus(Duration::from_secs(5));
    let micro = Duration::from_micros(1);
    assert!(at(end.minus(micro), &payload).is_ok());
    assert_eq!(at(end, &payload), Err(JwtRejection::Expired));
    let start = NOW.minus(Duration::from_secs(5));
    assert!(at(start, &payload).is_ok());
    let early = at(start.minus(micro), &payload);
    assert_eq!(early, Err(JwtRejection::IssuedInFuture));
}

// JW-07
#[test]
fn without_leeway_the_token_ends_when_it_says() {
    let mut config = config();
    config.leeway = Duration::ZERO;
    let codec = JwtCodec::new(config, codec().keys()).unwrap();
    let token = codec.sign(&claims()).unwrap();
    let end = claims().expires_at;
    let micro = Duration::from_micros(1);
    assert!(codec.verify(token.expose(), end.minus(micro)).is_ok());
    let refused = codec.verify(token.expose(), end);
    assert_eq!(refused, Err(JwtRejection::Expired));
    assert!(codec.verify(token.expose(), NOW).is_ok());
    let refused = codec.verify(token.expose(), NOW.minus(micro));
    assert_eq!(refused, Err(JwtRejection::IssuedInFuture));
}

// CC-04
#[test]
fn no_moment_makes_the_arithmetic_fail() {
    let latest = 253_402_300_799_i64;
    let payloads = [
        payload(),
        times(0, 0, 1),
        times(latest - 900, latest - 900, latest),
    ];
    for now in [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX] {
        for payload in &payloads {
            let _verdict = at(Timestamp::from_micros(now), payload);
        }
    }
    let end_of_time = at(Timestamp::MAX, &payload());
    assert_eq!(end_of_time, Err(JwtRejection::Expired));
    let before_time = at(Timestamp::from_micros(i64::MIN), &payload());
    assert_eq!(before_time, Err(JwtRejection::IssuedInFuture));
}
