//! The header: it names a key of ours and a type, and has no other say.

use std::io::ErrorKind;
use std::net::TcpListener;

use portcullis_tokens::jwt::{JwtAlgorithm, JwtRejection};
use serde_json::{Value, json};

use super::forge::*;
use crate::support::NOW;

// JW-02
#[test]
fn a_key_that_the_token_brings_is_never_looked_at() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    let jwk = codec_for(JwtAlgorithm::EdDsa).keys().jwks()["keys"][0].clone();
    for (name, member) in [
        ("jku", json!(url)),
        ("x5u", json!(url)),
        ("jwk", jwk),
        ("x5c", json!(["MIIB"])),
        ("x5t", json!("AAAA")),
        ("x5t#S256", json!("AAAA")),
    ] {
        let header = with(header(), name, member);
        assert_eq!(with_header(&header), Err(JwtRejection::Header), "{name}");
        // Also where the key is not known, so that theirs would be the only one.
        let header = with(header, "kid", json!("theirs"));
        assert_eq!(with_header(&header), Err(JwtRejection::Header), "{name}");
    }
    let nobody = listener.accept().unwrap_err();
    assert_eq!(nobody.kind(), ErrorKind::WouldBlock);
}

// JW-04
#[test]
fn a_header_says_three_things_and_no_more() {
    for (name, member) in [
        ("crit", json!([])),
        ("crit", json!(["exp"])),
        ("b64", json!(true)),
        ("cty", json!("JWT")),
        ("zip", json!("DEF")),
        ("enc", json!("A128GCM")),
        ("epk", json!({})),
        ("ppt", json!("shaken")),
        ("alg ", json!("HS256")),
        ("note", json!("")),
        ("", json!("")),
    ] {
        let header = with(header(), name, member);
        assert_eq!(with_header(&header), Err(JwtRejection::Header), "{name}");
    }
    for name in ["alg", "kid", "typ"] {
        for member in [
            Value::Null,
            json!(1),
            json!(true),
            json!(["at+jwt"]),
            json!({}),
        ] {
            let header = with(header(), name, member);
            assert_eq!(with_header(&header), Err(JwtRejection::Header), "{name}");
        }
        // `null` itself, which is a member too.
        let member = format!("\"{name}\":{}", header()[name]);
        let null = header()
            .to_string()
            .replace(&member, &format!("\"{name}\":null"));
        let refused = codec().verify(&forge(&null, &payload().to_string()), NOW);
        assert_eq!(refused, Err(JwtRejection::Header), "{name}");
    }
}

// JW-12
#[test]
fn a_header_member_that_stands_twice_is_refused() {
    let good = header().to_string();
    for twice in [
        format!("{{\"alg\":\"none\",{}", &good[1..]),
        format!("{{\"typ\":\"at+jwt\",{}", &good[1..]),
        format!("{{\"\\u0061lg\":\"HS256\",{}", &good[1..]),
        format!("{{\"x\":1,\"x\":1,{}", &good[1..]),
        format!("{{\"x\":[{{\"y\":1,\"y\":1}}],{}", &good[1..]),
    ] {
        let refused = codec().verify(&forge(&twice, &payload().to_string()), NOW);
        assert_eq!(refused, Err(JwtRejection::DuplicateMember), "{twice}");
    }
}

// JW-03
#[test]
fn a_key_is_found_by_its_name_in_a_fixed_map_or_not_at_all() {
    let own = kid(&codec());
    assert!(own.len() <= 64);
    for kid in [
        "",
        "../../dev/null",
        "/dev/null",
        "..\\..\\windows\\win.ini",
        "' OR 1=1",
        "' UNION SELECT 'secret' --",
        "| cat /etc/passwd",
        "file:///etc/passwd",
        "\0",
        "0",
        "1",
        "*",
        &own[1..],
        &own.to_lowercase(),
        &format!("{own} "),
        &"k".repeat(64),
    ] {
        let header = with(header(), "kid", json!(kid));
        assert_eq!(with_header(&header), Err(JwtRejection::UnknownKey), "{kid}");
    }
    for length in [65, 4096] {
        let header = with(header(), "kid", json!("k".repeat(length)));
        assert_eq!(with_header(&header), Err(JwtRejection::Header));
    }
    let megabyte = with(header(), "kid", json!("k".repeat(1 << 20)));
    assert_eq!(with_header(&megabyte), Err(JwtRejection::TooLong));
}

// JW-05
#[test]
fn only_access_tokens_are_accepted_as_access_tokens() {
    for typ in [
        "at+jwt",
        "AT+JWT",
        "At+Jwt",
        "application/at+jwt",
        "Application/AT+JWT",
    ] {
        let header = with(header(), "typ", json!(typ));
        assert_eq!(with_header(&header), Ok(claims()), "{typ}");
    }
    for typ in [
        "JWT",
        "jwt",
        "verify+jwt",
        "logout+jwt",
        "refresh+jwt",
        "rt+jwt",
        "dpop+jwt",
        "secevent+jwt",
        "id+jwt",
        "JOSE",
        "",
        "at+jwt ",
        " at+jwt",
        "at+jwt\0",
        "at+jwtx",
        "at",
        "at jwt",
        "application/",
        "application/jwt",
        "application/application/at+jwt",
        "text/at+jwt",
        "/at+jwt",
        "at+jwt;charset=utf-8",
        "ａt+jwt",
    ] {
        let header = with(header(), "typ", json!(typ));
        assert_eq!(with_header(&header), Err(JwtRejection::Type), "{typ}");
    }
}
