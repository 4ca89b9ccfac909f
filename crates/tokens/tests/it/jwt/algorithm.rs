//! The algorithm: the key has it, the token can only agree.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use portcullis_tokens::jwt::{JwtAlgorithm, JwtRejection};
use serde_json::json;

use super::forge::*;
use crate::support::NOW;

// JW-01
#[test]
fn an_unsigned_token_is_refused() {
    for algorithm in JwtAlgorithm::ALL {
        let codec = codec_for(algorithm);
        for alg in ["none", "None", "NONE", "nOnE", "NoNe", "", " none", "none "] {
            let header = json!({ "alg": alg, "kid": kid(&codec), "typ": "at+jwt" });
            let message = message(&header.to_string(), &payload().to_string());
            let refused = codec.verify(&format!("{message}."), NOW);
            assert_eq!(refused, Err(JwtRejection::Malformed), "{alg}");
            for signature in ["AA", "bm9uZQ", &"A".repeat(86)] {
                let refused = codec.verify(&format!("{message}.{signature}"), NOW);
                assert_eq!(refused, Err(JwtRejection::Algorithm), "{alg}");
            }
        }
    }
}

// JW-01
#[test]
fn the_algorithm_is_the_keys_and_not_the_tokens() {
    let algs = [
        "HS256", "HS384", "HS512", "ES256", "ES384", "ES256K", "RS256", "RS384", "PS256", "PS512",
        "EdDSA", "Ed25519", "hs256", "eddsa", "RSA-OAEP", "dir",
    ];
    for algorithm in JwtAlgorithm::ALL {
        let codec = codec_for(algorithm);
        let token = codec.sign(&claims()).unwrap();
        let (_, rest) = token.expose().split_once('.').unwrap();
        for alg in algs.into_iter().filter(|alg| *alg != algorithm.as_str()) {
            let header = json!({ "alg": alg, "kid": kid(&codec), "typ": "at+jwt" });
            let header = URL_SAFE_NO_PAD.encode(header.to_string());
            let refused = codec.verify(&format!("{header}.{rest}"), NOW);
            assert_eq!(refused, Err(JwtRejection::Algorithm), "{algorithm} {alg}");
        }
    }
}

// JW-01
#[test]
fn a_public_key_is_no_secret() {
    for algorithm in [
        JwtAlgorithm::Rs256,
        JwtAlgorithm::Es256,
        JwtAlgorithm::EdDsa,
    ] {
        let codec = codec_for(algorithm);
        let jwks = codec.keys().jwks();
        let jwk = &jwks["keys"][0];
        let pem = vectors().public[algorithm.as_str()].clone();
        let lines: Vec<&str> = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = STANDARD.decode(lines.concat()).unwrap();
        let mut secrets = vec![
            pem.clone().into_bytes(),
            pem.trim_end().as_bytes().to_vec(),
            lines.concat().into_bytes(),
            der,
            jwk.to_string().into_bytes(),
            jwks.to_string().into_bytes(),
        ];
        for member in ["n", "x", "y", "kid"] {
            if let Some(text) = jwk[member].as_str() {
                secrets.push(text.as_bytes().to_vec());
                secrets.push(URL_SAFE_NO_PAD.decode(text).unwrap());
            }
        }
        for secret in secrets {
            let header = json!({ "alg": "HS256", "kid": kid(&codec), "typ": "at+jwt" });
            let secret = EncodingKey::from_secret(&secret);
            let payload = payload().to_string();
            let token = sign(Algorithm::HS256, &secret, &header.to_string(), &payload);
            assert_eq!(codec.verify(&token, NOW), Err(JwtRejection::Algorithm));
            // And with the right name, which only the wrong check would take.
            let header = with(header, "alg", json!(algorithm.as_str()));
            let token = sign(Algorithm::HS256, &secret, &header.to_string(), &payload);
            assert_eq!(codec.verify(&token, NOW), Err(JwtRejection::Signature));
        }
    }
}

// JW-01
#[test]
fn an_ecdsa_signature_of_nothing_is_refused() {
    // The order of P-256 (SP 800-186 section 3.2.1.3): zero, again.
    let order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let number = |hex: &str| -> Vec<u8> {
        (0..64)
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect()
    };
    let (zero, one, order) = (vec![0; 32], number(&format!("{:064}", 1)), number(order));
    let codec = codec_for(JwtAlgorithm::Es256);
    let token = codec.sign(&claims()).unwrap();
    let (message, _) = token.expose().rsplit_once('.').unwrap();
    for r in [&zero, &one, &order] {
        for s in [&zero, &one, &order] {
            let signature = URL_SAFE_NO_PAD.encode([&r[..], s].concat());
            let refused = codec.verify(&format!("{message}.{signature}"), NOW);
            assert_eq!(refused, Err(JwtRejection::Signature));
        }
    }
    // Zero and zero in ASN.1, which other protocols use.
    let asn1 = URL_SAFE_NO_PAD.encode([0x30, 6, 2, 1, 0, 2, 1, 0]);
    let refused = codec.verify(&format!("{message}.{asn1}"), NOW);
    assert_eq!(refused, Err(JwtRejection::Signature));
}

// JW-01
#[test]
fn one_padding_is_not_the_other() {
    // The same RSA key under both names.
    let (rs256, ps256) = (
        codec_for(JwtAlgorithm::Rs256),
        codec_for(JwtAlgorithm::Ps256),
    );
    assert_eq!(kid(&rs256), kid(&ps256));
    for (signs, reads) in [(&rs256, &ps256), (&ps256, &rs256)] {
        let token = signs.sign(&claims()).unwrap();
        let refused = reads.verify(token.expose(), NOW);
        assert_eq!(refused, Err(JwtRejection::Algorithm));
        // Relabelled and signed again with the first one's padding.
        let algorithm = reads.keys().newest().1.algorithm();
        let header = json!({ "alg": algorithm.as_str(), "kid": kid(reads), "typ": "at+jwt" });
        let (_, rest) = token.expose().split_once('.').unwrap();
        let relabelled = format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()));
        let refused = reads.verify(&relabelled, NOW);
        assert_eq!(refused, Err(JwtRejection::Signature));
    }
}
