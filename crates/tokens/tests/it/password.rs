//! Password hashing with the real function.

mod cost;
#[cfg(feature = "foreign-hashes")]
mod foreign;

use std::collections::HashSet;
use std::sync::Arc;

use portcullis_core::entropy::{Entropy, EntropyError, SeededEntropy, random_bytes};
use portcullis_core::secret::Password;
use portcullis_tokens::OsEntropy;
use portcullis_tokens::keys::{KeyRings, Purpose};
use portcullis_tokens::password::{
    Argon2Params, Argon2Pool, HashError, HashPoolConfig, PasswordHasher, PoolError, Verification,
};

use crate::support::{NOW, NoEntropy, keys};

const MATCHES: Verification = Verification {
    matches: true,
    outdated: false,
};
const OUTDATED: Verification = Verification {
    matches: true,
    outdated: true,
};
const NO_MATCH: Verification = Verification {
    matches: false,
    outdated: false,
};

fn pool_with(params: Argon2Params, keys: KeyRings) -> Argon2Pool {
    let config = HashPoolConfig {
        params,
        threads: 1,
        ..HashPoolConfig::default()
    };
    Argon2Pool::start(config, keys, Arc::new(OsEntropy)).unwrap()
}

fn pool(keys: KeyRings) -> Argon2Pool {
    pool_with(Argon2Params::default(), keys)
}

fn password(text: impl Into<String>) -> Password {
    Password::new(text).unwrap()
}

/// What the pool says of each attempt at `right`.
async fn verify_each(right: &str, attempts: &[String]) -> Vec<bool> {
    let pool = pool(keys(1));
    let stored = pool.hash(&password(right)).await.unwrap();
    let mut answers = Vec::new();
    for attempt in attempts {
        let answer = pool.verify(&password(attempt), Some(&stored)).await;
        answers.push(answer.unwrap().matches);
    }
    answers
}

// PW-02
#[tokio::test]
async fn long_passwords_of_wide_characters_round_trip_whole() {
    for length in [64, 128] {
        let right = "\u{1f511}".repeat(length);
        let mut other: Vec<char> = right.chars().collect();
        other[length - 1] = '\u{1f512}';
        let other = other.into_iter().collect();
        let longer = format!("{right}\u{1f511}");
        let answers = verify_each(&right, &[right.clone(), other, longer]).await;
        assert_eq!(answers, [true, false, false]);
    }
}

// PW-03
#[tokio::test]
async fn no_part_of_a_password_is_ignored() {
    let right = format!("Correct\0 horse{}", "x".repeat(80));
    let change = |at: usize, to: &str| {
        let mut text = right.clone();
        text.replace_range(at..=at, to);
        text
    };
    let attempts = [
        right.clone(),
        change(right.len() - 1, "y"),
        change(0, "c"),
        format!("{right} "),
        format!(" {right}"),
        change(72, "y"),
        change(8, "_"),
        right[..72].to_owned(),
        right[..7].to_owned(),
    ];
    let answers = verify_each(&right, &attempts).await;
    let only_the_first: Vec<_> = (0..attempts.len()).map(|at| at == 0).collect();
    assert_eq!(answers, only_the_first);
}

// PW-11
#[test]
fn ten_thousand_salts_are_distinct() {
    let mut seen = HashSet::new();
    for _ in 0..10_000 {
        assert!(seen.insert(random_bytes::<16>(&OsEntropy).unwrap()));
    }
}

// PW-11
#[tokio::test]
async fn one_password_is_never_stored_the_same_way_twice() {
    let pool = pool(keys(1));
    let (mut salts, mut tags) = (HashSet::new(), HashSet::new());
    for _ in 0..20 {
        let stored = pool.hash(&password("pass")).await.unwrap();
        let mut fields = stored.phc.rsplit('$');
        assert!(tags.insert(fields.next().unwrap().to_owned()));
        assert!(salts.insert(fields.next().unwrap().to_owned()));
    }
    assert_eq!(pool.hashes_computed(), 20);
    assert_eq!(pool.memory_allocations(), 1);
}

// PW-12
#[tokio::test]
async fn a_hash_of_older_parameters_verifies_and_says_so() {
    let older = Argon2Params {
        memory_kib: 12_288,
        iterations: 3,
        parallelism: 1,
    };
    let stored = pool_with(older, keys(1))
        .hash(&password("pass"))
        .await
        .unwrap();
    let pool = pool(keys(1));
    let verify = async |text: &str| pool.verify(&password(text), Some(&stored)).await;
    assert_eq!(verify("pass").await, Ok(OUTDATED));
    assert_eq!(verify("Pass").await, Ok(NO_MATCH));
    let renewed = pool.hash(&password("pass")).await.unwrap();
    let again = pool.verify(&password("pass"), Some(&renewed)).await;
    assert_eq!(again, Ok(MATCHES));
}

// PW-12, CR-04
#[tokio::test]
async fn a_hash_of_an_older_pepper_verifies_and_says_so_until_it_is_retired() {
    let v1 = keys(1);
    let stored = pool(v1.clone()).hash(&password("pass")).await.unwrap();
    let v2 = v1
        .rotate(Purpose::PasswordPepper, &SeededEntropy::new(2), NOW)
        .unwrap();
    let rotated = pool(v2.clone());
    let answer = rotated.verify(&password("pass"), Some(&stored)).await;
    assert_eq!(answer, Ok(OUTDATED));
    let retired = v2.retire(Purpose::PasswordPepper, 1, NOW).unwrap();
    let pool = pool(retired);
    let answer = pool.verify(&password("pass"), Some(&stored)).await;
    // Worth nothing, at the cost of a wrong password.
    let no = Verification {
        matches: false,
        outdated: false,
    };
    assert_eq!(answer, Ok(no));
    assert_eq!(pool.hashes_computed(), 1);
}

// FT-30
#[tokio::test]
async fn a_missing_pepper_is_an_error_and_not_an_answer() {
    let v2 = keys(1)
        .rotate(Purpose::PasswordPepper, &SeededEntropy::new(2), NOW)
        .unwrap();
    let stored = pool(v2).hash(&password("pass")).await.unwrap();
    let pool = pool(keys(1));
    let answer = pool.verify(&password("pass"), Some(&stored)).await;
    assert_eq!(answer, Err(HashError::UnknownPepper { version: 2 }));
}

// PW-13
#[tokio::test]
async fn without_the_pepper_the_true_password_does_not_verify() {
    let stored = pool(keys(1)).hash(&password("pass")).await.unwrap();
    let answer = pool(keys(2)).verify(&password("pass"), Some(&stored)).await;
    assert_eq!(answer, Ok(NO_MATCH));
}

// AK-03
#[tokio::test]
async fn an_unknown_person_costs_one_hash_and_never_matches() {
    let pool = pool(keys(1));
    for text in ["pass", "\0"] {
        let before = pool.hashes_computed();
        let answer = pool.verify(&password(text), None).await;
        assert_eq!(answer, Ok(NO_MATCH));
        assert_eq!(pool.hashes_computed() - before, 1);
    }
}

/// Gives the pool its dummy, and then fails.
#[derive(Debug, Default)]
struct FailsLater(std::sync::atomic::AtomicU32);

impl Entropy for FailsLater {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        match self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 | 1 => OsEntropy.fill(buffer),
            _ => Err(EntropyError),
        }
    }
}

// CR-01, FT-28
#[tokio::test]
async fn nothing_is_hashed_without_randomness() {
    let config = HashPoolConfig::default();
    let refused = Argon2Pool::start(config, keys(1), Arc::new(NoEntropy)).unwrap_err();
    assert!(matches!(refused, PoolError::Entropy(EntropyError)));
    let pool = Argon2Pool::start(config, keys(1), Arc::new(FailsLater::default())).unwrap();
    let refused = pool.hash(&password("pass")).await;
    assert_eq!(refused, Err(HashError::Entropy(EntropyError)));
    assert_eq!(pool.hashes_computed(), 0);
}
