//! The text of a token: one for each token, and nothing that breaks its reader.

use jsonwebtoken::{Algorithm, EncodingKey};
use portcullis_core::time::Timestamp;
use portcullis_tokens::jwt::{
    AccessClaims, JWT_MAX_BYTES, JwtAlgorithm, JwtKeys, JwtRejection, SigningKey, looks_like_jwt,
};
use proptest::prelude::*;
use serde_json::json;

use super::forge::*;
use crate::support::NOW;

// JW-11
#[test]
fn a_token_that_was_cut_or_extended_is_refused() {
    for algorithm in JwtAlgorithm::ALL {
        let codec = codec_for(algorithm);
        let token = codec.sign(&claims()).unwrap();
        let text = token.expose();
        for length in 0..text.len() {
            assert!(codec.verify(&text[..length], NOW).is_err(), "{length}");
            assert!(codec.verify(&text[length + 1..], NOW).is_err(), "{length}");
        }
        for tail in [
            "A", "AA", "AAA", "AAAA", "=", "==", ".", ".A", " ", "\n", "\0", "-", "é", ".AAAA",
        ] {
            assert!(codec.verify(&format!("{text}{tail}"), NOW).is_err());
            assert!(codec.verify(&format!("{tail}{text}"), NOW).is_err());
        }
        let doubled = format!("{text}.{text}");
        assert_eq!(codec.verify(&doubled, NOW), Err(JwtRejection::Malformed));
    }
}

/// What the codec says to a token with one of its segments changed before it was signed; the signature itself after.
fn with_segment(token: &str, at: usize, changed: &str) -> Result<AccessClaims, JwtRejection> {
    let mut segments: Vec<&str> = token.split('.').collect();
    segments[at] = changed;
    let token = if at == 2 {
        segments.join(".")
    } else {
        let key = EncodingKey::from_secret(&secret());
        signed(Algorithm::HS256, &key, &segments[..2].join("."))
    };
    codec().verify(&token, NOW)
}

// JW-12
#[test]
fn a_segment_has_one_spelling() {
    let token = codec().sign(&claims()).unwrap();
    for (at, segment) in token.expose().split('.').enumerate() {
        assert_eq!(with_segment(token.expose(), at, segment), Ok(claims()));
        for changed in [
            String::new(),
            format!("{segment}="),
            format!("{segment}=="),
            format!(" {segment}"),
            format!("{segment}\n"),
            format!("{}\r\n{}", &segment[..4], &segment[4..]),
            format!("{}+{}", &segment[..4], &segment[5..]),
            format!("{}/{}", &segment[..4], &segment[5..]),
            format!("{}%2D{}", &segment[..4], &segment[5..]),
            format!("{}é{}", &segment[..4], &segment[5..]),
        ] {
            let refused = with_segment(token.expose(), at, &changed);
            assert_eq!(refused, Err(JwtRejection::Malformed), "{changed}");
        }
    }
}

// JW-12: bits that mean nothing are zero, in every segment and with either count of them.
#[test]
fn spare_bits_are_refused() {
    let mut tried = 0;
    for spaces in 0..3 {
        let pad = " ".repeat(spaces);
        let token = forge(
            &format!("{pad}{}", header()),
            &format!("{pad}{}", payload()),
        );
        assert_eq!(codec().verify(&token, NOW), Ok(claims()));
        for (at, segment) in token.split('.').enumerate() {
            if segment.len() % 4 == 0 {
                continue;
            }
            let (start, last) = segment.split_at(segment.len() - 1);
            let next = format!("{start}{}", char::from(last.as_bytes()[0] + 1));
            let refused = with_segment(&token, at, &next);
            assert_eq!(refused, Err(JwtRejection::Malformed), "{next}");
            tried += 1;
        }
    }
    assert_eq!(tried, 7);
}

#[test]
fn an_oversized_token_is_refused_unread() {
    let payload = payload().to_string();
    let room = |spaces: usize| {
        forge(
            &header().to_string(),
            &(payload.clone() + &" ".repeat(spaces)),
        )
    };
    let base = room(0).len();
    // Four characters for three bytes.
    let fits = (JWT_MAX_BYTES - base) / 4 * 3;
    let longest = room(fits);
    assert!(longest.len() <= JWT_MAX_BYTES && longest.len() > JWT_MAX_BYTES - 8);
    assert_eq!(codec().verify(&longest, NOW), Ok(claims()));
    let refused = codec().verify(&room(fits + 8), NOW);
    assert_eq!(refused, Err(JwtRejection::TooLong));
    let refused = codec().verify(&"A".repeat(1 << 20), NOW);
    assert_eq!(refused, Err(JwtRejection::TooLong));
}

#[test]
fn a_jwt_is_told_from_other_tokens_by_its_looks() {
    let token = codec().sign(&claims()).unwrap();
    assert!(looks_like_jwt(token.expose()));
    let long = "A".repeat(40);
    assert!(looks_like_jwt(&format!("{long}.{long}.{long}")));
    for other in [
        String::new(),
        "..".to_owned(),
        "a.b.c".to_owned(),
        format!("pcl_pat_{long}{long}"),
        format!("{long}.{long}"),
        format!("{long}.{long}."),
        format!(".{long}.{long}"),
        format!("{long}..{long}"),
        format!("{long}.{long}.{long}.{long}"),
        format!("{long}.{long}.{long}="),
        format!("{long}.{long} .{long}"),
        format!("{long}.{long}.{long}é"),
        format!("{long}.{long}.{}", "A".repeat(JWT_MAX_BYTES)),
    ] {
        assert!(!looks_like_jwt(&other), "{other}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,200}", now in any::<i64>()) {
        let codec = codec();
        let now = Timestamp::from_micros(now);
        prop_assert!(codec.verify(&text, now).is_err());
        let _looks = looks_like_jwt(&text);
        prop_assert!(JwtKeys::from_json(&text).is_err());
        for algorithm in JwtAlgorithm::ALL {
            prop_assert!(SigningKey::from_pem(algorithm, &text).is_err());
        }
    }

    #[test]
    fn no_signed_json_panics(
        member in "[a-z]{0,8}|exp|iat|nbf|sub|jti|epoch|scope|iss|aud|tenant|family",
        value in "[-+0-9.eE]{0,24}|\\PC{0,40}|[\\[\\]{}:,\"0-9]{0,40}",
        now in any::<i64>(),
    ) {
        let good = payload().to_string();
        let payloads = [
            format!("{{\"{member}\":{value},{}", &good[1..]),
            with(payload(), &member, json!(value)).to_string(),
            value.clone(),
        ];
        for payload in payloads {
            let token = forge(&header().to_string(), &payload);
            let _verdict = codec().verify(&token, Timestamp::from_micros(now));
            let token = forge(&payload, &good);
            prop_assert!(codec().verify(&token, NOW).is_err());
        }
    }

    #[test]
    fn no_key_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0..1200_usize) {
        use base64::Engine as _;
        let wrap = |bytes: &[u8]| {
            let text = base64::engine::general_purpose::STANDARD.encode(bytes);
            format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
        };
        let rsa = pem(JwtAlgorithm::Rs256);
        let body: String = rsa.lines().filter(|line| !line.starts_with('-')).collect();
        let mut der = base64::engine::general_purpose::STANDARD.decode(body).unwrap();
        der.truncate(cut);
        der.extend(&bytes);
        for algorithm in JwtAlgorithm::ALL {
            let _key = SigningKey::from_pem(algorithm, &wrap(&bytes));
            let _key = SigningKey::from_pem(algorithm, &wrap(&der));
        }
        let _key = SigningKey::hs256(&bytes);
    }
}
