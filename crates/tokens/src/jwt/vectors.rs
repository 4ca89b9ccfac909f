//! Signatures and thumbprints as published.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::jwk::PublicKey;
use super::{JwtAlgorithm, SigningKey};

#[derive(Deserialize)]
struct Vectors {
    source: String,
    cases: Vec<Case>,
    thumbprints: Vec<Thumbprint>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    algorithm: JwtAlgorithm,
    key: String,
    input: String,
    signature: String,
    deterministic: bool,
}

#[derive(Deserialize)]
struct Thumbprint {
    name: String,
    jwk: serde_json::Value,
    thumbprint: String,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../tests/vectors/jws.json")).unwrap()
}

fn bytes(base64url: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(base64url).unwrap()
}

#[test]
fn signatures_are_the_published_ones() {
    let vectors = vectors();
    assert!(vectors.source.contains("RFC 7515") && vectors.source.contains("RFC 8037"));
    assert_eq!(vectors.cases.len(), 4);
    for case in vectors.cases {
        let name = &case.name;
        let key = match case.algorithm {
            JwtAlgorithm::Hs256 => SigningKey::hs256(&bytes(&case.key)).unwrap(),
            algorithm => SigningKey::from_pem(algorithm, &case.key).unwrap(),
        };
        let (input, signature) = (case.input.as_bytes(), bytes(&case.signature));
        assert!(key.verifies(input, &signature), "{name}");
        let own = key.sign(input).unwrap();
        assert!(key.verifies(input, &own), "{name}");
        assert_eq!(own == signature, case.deterministic, "{name}");
        for at in 0..signature.len() * 8 {
            let mut flipped = signature.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            assert!(!key.verifies(input, &flipped), "{name} bit {at}");
        }
        let mut longer = signature.clone();
        longer.push(0);
        assert!(!key.verifies(input, &longer), "{name}");
        assert!(!key.verifies(&input[1..], &signature), "{name}");
    }
}

#[test]
fn thumbprints_are_the_published_ones() {
    let vectors = vectors();
    assert_eq!(vectors.thumbprints.len(), 2);
    for vector in vectors.thumbprints {
        let member = |name: &str| bytes(vector.jwk[name].as_str().unwrap());
        let key = match vector.jwk["kty"].as_str() {
            Some("RSA") => PublicKey::Rsa {
                n: member("n"),
                e: member("e"),
            },
            _ => PublicKey::Ed25519 { x: member("x") },
        };
        assert_eq!(key.thumbprint(), vector.thumbprint, "{}", vector.name);
    }
}
