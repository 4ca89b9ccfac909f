//! Hashes that other systems made.

mod bounds;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::entropy::SeededEntropy;
use portcullis_core::secret::{PasswordHash, SecretText};
use portcullis_tokens::OsEntropy;
use portcullis_tokens::keys::Purpose;
use portcullis_tokens::password::{
    AdoptHashes, Argon2Pool, ForeignHash, ForeignRefusal, HashError, HashPoolConfig,
    PasswordHasher, Verification,
};
use serde::Deserialize;
use tokio::task::JoinSet;

use super::{MATCHES, NO_MATCH, OUTDATED, password, pool};
use crate::support::{NOW, keys};

#[derive(Deserialize)]
struct Vectors {
    source: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    system: String,
    password: String,
    hash: String,
    pepper: Option<String>,
}

fn cases() -> Vec<Case> {
    let vectors: Vectors =
        serde_json::from_str(include_str!("../../vectors/foreign-hashes.json")).unwrap();
    assert!(vectors.source.contains("made by the systems themselves"));
    vectors.cases
}

impl Case {
    fn read(&self) -> ForeignHash {
        let foreign = ForeignHash::parse(&self.hash).unwrap_or_else(|refusal| {
            panic!("{}: {refusal}: {}", self.system, self.hash);
        });
        match &self.pepper {
            Some(pepper) => foreign.with_pepper(SecretText::new(pepper)).unwrap(),
            None => foreign,
        }
    }

    fn is_of(&self, start: &str) -> bool {
        self.system.starts_with(start)
    }
}

fn find(system: &str) -> Case {
    let found = cases().into_iter().find(|case| case.system == system);
    found.unwrap()
}

// PW-12
#[tokio::test]
async fn every_systems_hashes_verify_and_are_outdated() {
    let pool = pool(keys(1));
    let mut schemes = HashSet::new();
    for case in cases() {
        let foreign = case.read();
        schemes.insert(foreign.scheme());
        let stored = pool.adopt(&foreign).unwrap();
        let verify = async |text: &str| pool.verify(&password(text), Some(&stored)).await;
        assert_eq!(
            verify(&case.password).await,
            Ok(OUTDATED),
            "{}",
            case.system
        );
        let wrong = format!("x{}", case.password);
        assert_eq!(verify(&wrong).await, Ok(NO_MATCH), "{}", case.system);
    }
    assert_eq!(schemes.len(), 8, "{schemes:?}");
}

// PW-12
#[tokio::test]
async fn a_verified_hash_is_replaced_by_one_that_is_current() {
    let pool = pool(keys(1));
    let case = find("Werkzeug scrypt");
    let stored = pool.adopt(&case.read()).unwrap();
    let before = pool.hashes_computed();
    let right = password(&case.password);
    assert_eq!(pool.verify(&right, Some(&stored)).await, Ok(OUTDATED));
    assert_eq!(pool.hashes_computed() - before, 1);
    let renewed = pool.hash(&right).await.unwrap();
    assert_eq!(pool.verify(&right, Some(&renewed)).await, Ok(MATCHES));
}

// PW-13
#[tokio::test]
async fn without_the_pepper_an_adopted_hash_verifies_nothing() {
    for system in ["pyca bcrypt 4.0.1", "Django pbkdf2_sha256", "argon2-cffi"] {
        let case = find(system);
        let stored = pool(keys(1)).adopt(&case.read()).unwrap();
        let (other, right) = (pool(keys(2)), password(&case.password));
        assert_eq!(other.verify(&right, Some(&stored)).await, Ok(NO_MATCH));
    }
}

// PW-13
#[test]
fn a_stored_hash_holds_neither_the_digest_nor_the_pepper() {
    let pool = pool(keys(1));
    for case in cases() {
        let stored = pool.adopt(&case.read()).unwrap();
        let digest = case.hash.rsplit(['$', ':']).next().unwrap();
        // Of a bcrypt hash the last field is salt and digest.
        let digest = &digest[digest.len().saturating_sub(31)..];
        assert!(!stored.phc.contains(digest), "{}", case.system);
        assert!(!stored.phc.contains("pepper of"), "{}", case.system);
        assert!(stored.phc.starts_with("$imported$v=1$"));
    }
}

// CR-04
#[tokio::test]
async fn an_adopted_hash_lives_as_long_as_its_pepper() {
    let (v1, case) = (keys(1), find("libxcrypt 2b"));
    let right = password(&case.password);
    let stored = pool(v1.clone()).adopt(&case.read()).unwrap();
    let v2 = v1
        .rotate(Purpose::PasswordPepper, &SeededEntropy::new(2), NOW)
        .unwrap();
    let answer = pool(v2.clone()).verify(&right, Some(&stored)).await;
    assert_eq!(answer, Ok(OUTDATED));
    let retired = pool(v2.retire(Purpose::PasswordPepper, 1, NOW).unwrap());
    let answer = retired.verify(&right, Some(&stored)).await;
    let no = Verification {
        matches: false,
        outdated: false,
    };
    assert_eq!(answer, Ok(no));
    assert_eq!(retired.hashes_computed(), 1);
}

#[tokio::test]
async fn another_systems_pepper_belongs_to_its_hash() {
    let pool = pool(keys(1));
    let devise = find("Devise (bcrypt of password and pepper)");
    let right = password(&devise.password);
    let bare = ForeignHash::parse(&devise.hash).unwrap();
    let without = pool.adopt(&bare).unwrap();
    assert_eq!(pool.verify(&right, Some(&without)).await, Ok(NO_MATCH));
    let other = bare.with_pepper(SecretText::new("another pepper")).unwrap();
    let other = pool.adopt(&other).unwrap();
    assert_eq!(pool.verify(&right, Some(&other)).await, Ok(NO_MATCH));

    // Moved to another hash, the sealed pepper does not open.
    let stored = pool.adopt(&devise.read()).unwrap();
    let (_, sealed) = stored.phc.rsplit_once('$').unwrap();
    let moved = PasswordHash {
        phc: format!(
            "{}${sealed}",
            pool.adopt(&find("libxcrypt 2b").read()).unwrap().phc
        ),
        pepper_version: 1,
    };
    let answer = pool.verify(&right, Some(&moved)).await;
    assert_eq!(answer, Err(HashError::Malformed));
}

#[tokio::test]
async fn argon2_takes_a_pepper_as_its_secret() {
    // github.com/P-H-C/phc-winner-argon2 has no encoded form with a secret; RustCrypto's argon2 on the same input.
    let mut digest = [0; 32];
    argon2::Argon2::new_with_secret(
        b"a secret",
        argon2::Algorithm::Argon2id,
        argon2::Version::V0x13,
        argon2::Params::new(64, 1, 1, Some(32)).unwrap(),
    )
    .unwrap()
    .hash_password_into(b"pass", b"somesalt", &mut digest)
    .unwrap();
    let digest = base64::Engine::encode(&base64::engine::general_purpose::STANDARD_NO_PAD, digest);
    let text = format!("$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ${digest}");
    let foreign = ForeignHash::parse(&text).unwrap();
    let peppered = foreign.clone().with_pepper(SecretText::new("a secret"));
    let pool = pool(keys(1));
    for (foreign, expected) in [(peppered.unwrap(), OUTDATED), (foreign, NO_MATCH)] {
        let stored = pool.adopt(&foreign).unwrap();
        let answer = pool.verify(&password("pass"), Some(&stored)).await;
        assert_eq!(answer, Ok(expected));
    }
}

#[tokio::test]
async fn bcrypt_reads_72_bytes_and_no_password_with_a_nul() {
    let pool = pool(keys(1));
    let case = find("libxcrypt 2b, more than 72 bytes");
    let stored = pool.adopt(&case.read()).unwrap();
    let verify = async |text: &str| pool.verify(&password(text), Some(&stored)).await;
    let first = &case.password[..72];
    assert_eq!(verify(first).await, Ok(OUTDATED));
    assert_eq!(verify(&format!("{first}anything")).await, Ok(OUTDATED));
    assert_eq!(verify(&case.password[..71]).await, Ok(NO_MATCH));

    let hash = ForeignHash::parse(&find("libxcrypt 2b").hash).unwrap();
    let stored = pool.adopt(&hash).unwrap();
    let before = pool.hashes_computed();
    let behind_a_nul = password("correct horse battery staple\0x");
    assert_eq!(
        pool.verify(&behind_a_nul, Some(&stored)).await,
        Ok(NO_MATCH)
    );
    // It costs what every other refused one costs.
    assert_eq!(pool.hashes_computed() - before, 1);

    // Django hashes before bcrypt, so that nothing is cut off.
    let case = find("Django bcrypt_sha256, more than 72 bytes");
    let stored = pool.adopt(&case.read()).unwrap();
    let cut = password(&case.password[..72]);
    assert_eq!(pool.verify(&cut, Some(&stored)).await, Ok(NO_MATCH));
}

// CC-05
#[tokio::test]
async fn only_one_hash_at_a_time_takes_more_memory_than_the_workers_keep() {
    let config = HashPoolConfig {
        threads: 4,
        queue: 64,
        max_wait: Duration::from_secs(3600),
        ..HashPoolConfig::default()
    };
    let pool = Arc::new(Argon2Pool::start(config, keys(1), Arc::new(OsEntropy)).unwrap());
    let mut calls = JoinSet::new();
    for case in cases() {
        if case.is_of("Werkzeug scrypt") || case.is_of("argon2-cffi 64 MiB") {
            let stored = pool.adopt(&case.read()).unwrap();
            for _ in 0..3 {
                let (pool, stored) = (Arc::clone(&pool), stored.clone());
                let right = password(&case.password);
                calls.spawn(async move { pool.verify(&right, Some(&stored)).await });
            }
        }
    }
    assert_eq!(calls.len(), 18);
    while let Some(call) = calls.join_next().await {
        assert_eq!(call.unwrap(), Ok(OUTDATED));
    }
    assert_eq!(pool.large_hashes_at_once(), 1);
}

// CR-05
#[test]
fn a_foreign_hash_prints_its_scheme_only() {
    for case in cases() {
        let foreign = case.read();
        assert_eq!(
            format!("{foreign:?}"),
            format!("ForeignHash({}, [redacted])", foreign.scheme())
        );
    }
}

#[test]
fn a_pepper_is_refused_where_the_scheme_has_none() {
    for (system, pepper, taken) in [
        ("libxcrypt 2b", "a pepper", true),
        ("argon2-cffi", "a pepper", true),
        ("argon2-cffi", "", false),
        ("Django bcrypt_sha256", "a pepper", false),
        ("Django pbkdf2_sha256", "a pepper", false),
        ("better-auth", "a pepper", false),
    ] {
        let foreign = find(system).read();
        let scheme = foreign.scheme();
        let peppered = foreign.with_pepper(SecretText::new(pepper));
        assert_eq!(peppered.is_ok(), taken, "{system}");
        if !taken {
            assert_eq!(peppered.unwrap_err(), ForeignRefusal::Pepper { scheme });
        }
    }
    let long = SecretText::new("x".repeat(257));
    assert!(find("libxcrypt 2b").read().with_pepper(long).is_err());
}
