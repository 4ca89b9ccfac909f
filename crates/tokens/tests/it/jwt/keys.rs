//! Keys: what may be one, and what is shown of it.

use portcullis_core::entropy::EntropyError;
use portcullis_tokens::OsEntropy;
use portcullis_tokens::jwt::{JwtAlgorithm, JwtCodec, JwtKeys, SigningKey, SigningKeyError};
use portcullis_tokens::jwt::{JwtConfigError, VerifiedMemory};
use serde_json::Value;

use super::forge::*;
use crate::support::{NOW, NoEntropy, StuckEntropy};

// JW-09
#[test]
fn a_secret_that_is_short_or_not_random_is_refused() {
    for length in [0, 1, 16, 31, 1025] {
        let mut secret = secret().repeat(33);
        secret.truncate(length);
        let refused = JwtKeys::hs256(&secret).unwrap_err();
        assert_eq!(refused, SigningKeyError::SecretLength, "{length}");
    }
    let pattern: Vec<u8> = (0..=255).collect();
    for weak in [
        &[0; 32][..],
        &[0xff; 64],
        &pattern,
        &secret()[..8].repeat(8),
        b"your-256-bit-secret-your-256-bit-secret",
        b"correct horse battery staple correct horse",
        b"6f1ed002ab5595859014ebf0951522d9a1b2c3d4e5f60718293a4b5c6d7e8f90",
        b"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T",
        vectors().public["RS256"].as_bytes(),
    ] {
        let refused = JwtKeys::hs256(weak).unwrap_err();
        assert_eq!(refused, SigningKeyError::WeakSecret, "{weak:?}");
    }
    assert!(JwtKeys::hs256(&secret()).is_ok());
}

// JW-01, JW-09
#[test]
fn a_key_of_another_kind_is_no_secret() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    for pem in vectors().public.values().cloned().chain([
        pem(JwtAlgorithm::EdDsa),
        pem(JwtAlgorithm::Es256),
        pem(JwtAlgorithm::Rs256),
    ]) {
        let lines: Vec<&str> = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = STANDARD.decode(lines.concat()).unwrap();
        if der.len() <= 1024 {
            let refused = JwtKeys::hs256(&der).unwrap_err();
            assert_eq!(refused, SigningKeyError::WeakSecret);
        }
    }
}

// CR-01, FT-28
#[test]
fn no_key_is_made_without_randomness() {
    for algorithm in [
        JwtAlgorithm::EdDsa,
        JwtAlgorithm::Es256,
        JwtAlgorithm::Hs256,
    ] {
        for refused in [
            JwtKeys::generate(algorithm, &NoEntropy, NOW),
            JwtKeys::generate(algorithm, &StuckEntropy, NOW),
        ] {
            let refused = refused.unwrap_err();
            assert_eq!(refused, SigningKeyError::Entropy(EntropyError));
        }
    }
}

#[test]
fn anything_but_a_private_key_for_the_algorithm_is_refused() {
    let refused = vectors().refused;
    assert_eq!(refused.len(), 14);
    for (name, key) in refused {
        let algorithm = key.algorithm;
        let error = SigningKey::from_pem(algorithm, &key.pem).unwrap_err();
        assert_eq!(error, SigningKeyError::NotAKey { algorithm }, "{name}");
    }
    let good = pem(JwtAlgorithm::EdDsa);
    let algorithm = JwtAlgorithm::EdDsa;
    for text in [
        String::new(),
        "-----BEGIN PRIVATE KEY-----".to_owned(),
        "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n".to_owned(),
        format!("{good}{good}"),
        format!("a comment\n{good}"),
        good.replace("PRIVATE", "SECRET"),
        good.replacen("PRIVATE", "RSA PRIVATE", 1),
        good.replace("PRIVATE", "RSA PRIVATE"),
        good.replacen("MC", "MC=", 1),
        good.replace("MC", "M*"),
        " ".repeat(20_000) + &good,
    ] {
        let error = SigningKey::from_pem(algorithm, &text).unwrap_err();
        assert_eq!(error, SigningKeyError::NotAKey { algorithm }, "{text}");
    }
    // HS256 has no PEM form.
    assert!(SigningKey::from_pem(JwtAlgorithm::Hs256, &good).is_err());
    // Line ends of another system are the same key.
    let windows = SigningKey::from_pem(algorithm, &good.replace('\n', "\r\n")).unwrap();
    assert_eq!(windows.kid(), key(algorithm).kid());
}

// JW-03
#[test]
fn a_key_is_named_by_its_thumbprint() {
    // RFC 8037 appendix A.3.
    let published = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
    assert_eq!(key(JwtAlgorithm::EdDsa).kid(), published);
    for algorithm in JwtAlgorithm::ALL {
        let one = SigningKey::generate(algorithm, &OsEntropy).unwrap();
        assert_eq!(one.kid().len(), 43);
        assert_ne!(one.kid(), key(algorithm).kid());
        assert_eq!(key(algorithm).kid(), key(algorithm).kid());
    }
    // A secret's name is not its hash, which anyone with a guess could compare.
    use base64::Engine as _;
    use sha2::Digest as _;
    let hash = sha2::Sha256::digest(secret());
    let hash = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hash);
    assert_ne!(key(JwtAlgorithm::Hs256).kid(), hash);
}

#[test]
fn a_key_set_has_public_keys_alone() {
    let mut keys = JwtKeys::new(key(JwtAlgorithm::Hs256), NOW);
    assert_eq!(keys.jwks()["keys"], Value::Array(vec![]));
    for algorithm in [
        JwtAlgorithm::EdDsa,
        JwtAlgorithm::Es256,
        JwtAlgorithm::Rs256,
    ] {
        keys = keys.rotate(key(algorithm), NOW).unwrap();
    }
    let jwks = keys.jwks();
    let members = |jwk: &Value| -> Vec<String> {
        let mut names: Vec<_> = jwk.as_object().unwrap().keys().cloned().collect();
        names.sort();
        names
    };
    let all = jwks["keys"].as_array().unwrap();
    let expected: [(&str, &[&str]); 3] = [
        ("EdDSA", &["alg", "crv", "kid", "kty", "use", "x"]),
        ("ES256", &["alg", "crv", "kid", "kty", "use", "x", "y"]),
        ("RS256", &["alg", "e", "kid", "kty", "n", "use"]),
    ];
    assert_eq!(all.len(), expected.len());
    for (jwk, (alg, names)) in all.iter().zip(expected) {
        assert_eq!(jwk["alg"], alg);
        assert_eq!(jwk["use"], "sig");
        assert_eq!(members(jwk), names);
    }
    // The published coordinates: RFC 7515 appendix A.3 and RFC 8037 appendix A.2.
    assert_eq!(all[0]["x"], "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    assert_eq!(all[1]["x"], "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU");
    assert_eq!(all[1]["y"], "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
    assert_eq!(all[2]["e"], "AQAB");
    // A retired key is published no more.
    let fewer = keys.retire(2, NOW).unwrap().jwks();
    assert_eq!(fewer["keys"].as_array().unwrap().len(), 2);
}

// CR-05
#[test]
fn keys_and_codecs_print_redacted() {
    for algorithm in JwtAlgorithm::ALL {
        let keys = JwtKeys::new(key(algorithm), NOW);
        let memory = VerifiedMemory::default();
        let codec = JwtCodec::with_memory(config(), keys.clone(), memory).unwrap();
        let printed = [
            format!("{:#?}", key(algorithm)),
            format!("{keys:#?}"),
            format!("{codec:#?}"),
            format!("{:#?}", codec.sign(&claims()).unwrap()),
        ];
        for text in printed {
            assert!(text.contains("[redacted]"), "{text}");
            // A byte of a key would print as a number in a list; a token has two dots.
            assert!(!text.contains("[\n"), "{text}");
            assert!(!text.contains("eyJ"), "{text}");
        }
    }
}

// CR-05
#[test]
fn an_error_never_quotes_a_key() {
    let secret = "hunter2 hunter2 hunter2 hunter2 hunter2";
    let errors = [
        SigningKey::hs256(secret.as_bytes()).unwrap_err(),
        SigningKey::from_pem(JwtAlgorithm::EdDsa, secret).unwrap_err(),
    ];
    for error in errors {
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}

#[test]
fn settings_out_of_bounds_are_refused() {
    use std::time::Duration;

    let refused = |edit: fn(&mut portcullis_tokens::jwt::JwtConfig)| {
        let mut config = config();
        edit(&mut config);
        JwtCodec::new(config, codec().keys()).unwrap_err()
    };
    use JwtConfigError::{Audience, Issuer, Leeway, Lifetime};
    assert_eq!(refused(|config| config.issuer = "".into()), Issuer);
    assert_eq!(refused(|config| config.issuer = "a b".into()), Issuer);
    assert_eq!(refused(|config| config.issuer = "a\n".into()), Issuer);
    assert_eq!(
        refused(|config| config.issuer = "a".repeat(257).into()),
        Issuer
    );
    assert_eq!(refused(|config| config.audience = "".into()), Audience);
    for lifetime in [
        Duration::ZERO,
        Duration::from_millis(1500),
        Duration::from_secs(86_401),
        Duration::MAX,
    ] {
        let mut config = config();
        config.max_lifetime = lifetime;
        let refused = JwtCodec::new(config, codec().keys()).unwrap_err();
        assert_eq!(refused, Lifetime);
    }
    assert_eq!(
        refused(|config| config.leeway = Duration::from_millis(5001)),
        Leeway
    );
}
