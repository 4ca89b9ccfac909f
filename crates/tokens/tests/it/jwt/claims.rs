//! The payload: every claim, in the one form that it is written in.

use portcullis_core::api_token::Scopes;
use portcullis_tokens::jwt::{EXTRA_MEMBERS_MAX, EXTRA_NAME_MAX_BYTES, JwtRejection};
use serde_json::{Value, json};

use super::forge::*;
use crate::support::NOW;

/// What the codec says to a payload that is not even `Value`.
fn raw(payload: &str) -> Result<(), JwtRejection> {
    let token = forge(&header().to_string(), payload);
    codec().verify(&token, NOW).map(|_| ())
}

// JW-06
#[test]
fn another_issuer_or_audience_is_refused() {
    for (name, own, rejection) in [
        ("iss", ISSUER, JwtRejection::Issuer),
        ("aud", AUDIENCE, JwtRejection::Audience),
    ] {
        for other in [
            String::new(),
            own[..own.len() - 1].to_owned(),
            format!("{own}/"),
            format!("{own}.evil.example"),
            format!(" {own}"),
            format!("{own}\0"),
            own.to_uppercase(),
            own.replace("https", "http"),
            own.replace("example", "EXAMPLE"),
            own.replace('e', "\u{435}"),
        ] {
            let refused = with_payload(&with(payload(), name, json!(other)));
            assert_eq!(refused, Err(rejection), "{other}");
        }
        for wrong in [
            json!([own]),
            json!([own, "other"]),
            json!({ "0": own }),
            json!(1),
        ] {
            let refused = with_payload(&with(payload(), name, wrong.clone()));
            assert_eq!(refused, Err(JwtRejection::Claim(name)), "{wrong}");
        }
        let refused = with_payload(&with(payload(), name, Value::Null));
        assert_eq!(refused, Err(JwtRejection::MissingClaim(name)));
    }
}

// JW-07
#[test]
fn every_required_claim_is_required() {
    for name in [
        "iss", "aud", "sub", "tenant", "epoch", "iat", "nbf", "exp", "jti",
    ] {
        let refused = with_payload(&with(payload(), name, Value::Null));
        assert_eq!(refused, Err(JwtRejection::MissingClaim(name)));
        let null = with(payload(), name, json!("null")).to_string();
        let null = null.replace("\"null\"", "null");
        assert_eq!(raw(&null), Err(JwtRejection::Claim(name)));
    }
}

#[test]
fn optional_claims_may_be_absent() {
    let without = with(payload(), "family", Value::Null);
    let read = with_payload(&without).unwrap();
    assert_eq!((read.family, read.scopes), (None, None));
    let with_scope = with(payload(), "scope", json!("a b"));
    let scopes = with_payload(&with_scope).unwrap().scopes.unwrap();
    assert!(scopes.contains("a") && scopes.contains("b"));
}

#[test]
fn a_claim_has_one_spelling() {
    let subject = claims().subject.to_string();
    let tables: [(&'static str, Vec<Value>); 6] = [
        (
            "sub",
            vec![
                json!(""),
                json!("42"),
                json!(42),
                json!(subject.to_uppercase()),
                json!(subject.replace('-', "")),
                json!(format!("{{{subject}}}")),
                json!(format!("{subject} ")),
            ],
        ),
        (
            "tenant",
            vec![json!(""), json!("default"), json!([subject])],
        ),
        (
            "epoch",
            vec![
                json!("3"),
                json!(-3),
                json!(3.0),
                json!(3.5),
                json!(4_294_967_296_u64),
                json!([3]),
                json!(true),
            ],
        ),
        (
            "jti",
            vec![
                json!(""),
                json!("BQUFBQUFBQUFBQUFBQUFBR"),
                json!("BQUFBQUFBQUFBQUFBQUFBQ=="),
                json!("BQUFBQUFBQUFBQUFBQUF"),
                json!("BQUFBQUFBQUFBQUFBQUFBQUF"),
                json!("+QUFBQUFBQUFBQUFBQUFBQ"),
                json!(5),
            ],
        ),
        (
            "family",
            vec![json!(""), json!("CQkJ"), json!(9), json!([])],
        ),
        (
            "scope",
            vec![
                json!(""),
                json!(" a"),
                json!("a "),
                json!("a  b"),
                json!("b a"),
                json!("a a"),
                json!("a\tb"),
                json!("a\"b"),
                json!(["a", "b"]),
                json!("é"),
            ],
        ),
    ];
    for (name, wrongs) in tables {
        for wrong in wrongs {
            let refused = with_payload(&with(payload(), name, wrong.clone()));
            assert_eq!(refused, Err(JwtRejection::Claim(name)), "{wrong}");
        }
    }
    for raw_epoch in ["-0", "3e0", "0.3e1", "03", "+3"] {
        let odd = payload()
            .to_string()
            .replace("\"epoch\":3", &format!("\"epoch\":{raw_epoch}"));
        assert!(raw(&odd).is_err(), "{raw_epoch}");
    }
}

#[test]
fn a_holder_or_an_actor_that_nobody_checks_is_refused() {
    for name in ["cnf", "act"] {
        let refused = with_payload(&with(payload(), name, json!({ "sub": "x" })));
        assert_eq!(refused, Err(JwtRejection::Claim(name)));
    }
}

#[test]
fn custom_claims_come_through_within_bounds() {
    let role = with(
        payload(),
        "role",
        json!({ "name": "admin", "level": [1, 2.5, null] }),
    );
    let extra = with_payload(&role).unwrap().extra;
    assert_eq!(extra.len(), 1);
    assert_eq!(extra["role"], role["role"]);

    let mut many = payload();
    for number in 0..EXTRA_MEMBERS_MAX {
        many = with(many, &format!("c{number}"), json!(number));
    }
    assert_eq!(with_payload(&many).unwrap().extra.len(), EXTRA_MEMBERS_MAX);
    let refused = Err(JwtRejection::Claim("extra"));
    assert_eq!(with_payload(&with(many, "more", json!(1))), refused);

    let long = "c".repeat(EXTRA_NAME_MAX_BYTES);
    assert!(with_payload(&with(payload(), &long, json!(1))).is_ok());
    assert_eq!(
        with_payload(&with(payload(), &(long + "c"), json!(1))),
        refused
    );
    assert_eq!(with_payload(&with(payload(), "", json!(1))), refused);
}

// JW-12
#[test]
fn a_claim_that_stands_twice_is_refused() {
    let good = payload().to_string();
    let mut twice: Vec<String> = payload()
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| format!("{{\"{name}\":{value},{}", &good[1..]))
        .collect();
    let custom = [
        r#""role":"user","role":"admin""#,
        r#""role":"user","role":"user""#,
        r#""role":"user","r\u006fle":"admin""#,
        r#""nested":{"role":1,"role":2}"#,
        r#""nested":[[{"role":1,"role":2}]]"#,
        r#""":1,"":2"#,
    ];
    twice.extend(custom.map(|members| format!("{{{members},{}", &good[1..])));
    for payload in twice {
        assert_eq!(
            raw(&payload),
            Err(JwtRejection::DuplicateMember),
            "{payload}"
        );
    }
    // The same name at two depths is not the same member.
    let nested = format!("{{\"a\":{{\"a\":{{\"a\":1}}}},{}", &good[1..]);
    assert_eq!(raw(&nested), Ok(()));
}

// JW-12
#[test]
fn a_payload_is_one_json_object_and_nothing_else() {
    let good = payload().to_string();
    for payload in [
        "",
        " ",
        "null",
        "{}{}",
        "[]",
        "\"text\"",
        "1",
        &format!("[{good}]"),
        &format!("{good}{good}"),
        &format!("{good},"),
        &format!("{good}\0"),
        &format!("{good}x"),
        &format!("\u{feff}{good}"),
        &good[..good.len() - 1],
        &good[1..],
        &good.replace(':', "="),
        &good.replace('"', "'"),
        &good.replacen('{', "{,", 1),
        &format!("{{/**/{}", &good[1..]),
        &format!("{{\"a\":NaN,{}", &good[1..]),
        &format!("{{\"a\":\"\\ud800\",{}", &good[1..]),
        &format!("{{\"a\":\"\n\",{}", &good[1..]),
        &format!(
            "{{\"a\":{}{},{}",
            "[".repeat(200),
            "]".repeat(200),
            &good[1..]
        ),
    ] {
        assert_eq!(raw(payload), Err(JwtRejection::Malformed), "{payload}");
    }
    assert_eq!(raw("{}"), Err(JwtRejection::MissingClaim("iss")));
}

// JW-12
#[test]
fn a_payload_that_is_not_utf8_is_refused() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
    use jsonwebtoken::{Algorithm, EncodingKey};

    let good = payload().to_string();
    for bad in [
        &b"\xff"[..],
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xf5\x80\x80\x80",
    ] {
        let payload = [b"{\"a\":\"", bad, b"\",", &good.as_bytes()[1..]].concat();
        let (head, body) = (
            URL_SAFE_NO_PAD.encode(header().to_string()),
            URL_SAFE_NO_PAD.encode(payload),
        );
        let message = format!("{head}.{body}");
        let key = EncodingKey::from_secret(&secret());
        let signer = (DEFAULT_PROVIDER.signer_factory)(&Algorithm::HS256, &key).unwrap();
        let signature = URL_SAFE_NO_PAD.encode(signer.try_sign(message.as_bytes()).unwrap());
        let refused = codec().verify(&format!("{message}.{signature}"), NOW);
        assert_eq!(refused, Err(JwtRejection::Malformed));
    }
}

#[test]
fn scopes_are_written_sorted() {
    let mut claims = claims();
    let scopes = ["write:b", "read:a"].map(|scope| scope.parse().unwrap());
    claims.scopes = Some(Scopes::new(scopes).unwrap());
    let token = codec().sign(&claims).unwrap();
    assert_eq!(codec().verify(token.expose(), NOW), Ok(claims));
}
