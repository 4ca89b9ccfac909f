use portcullis_core::entropy::SeededEntropy;
use portcullis_core::time::Timestamp;
use portcullis_tokens::keys::KeyRings;
use portcullis_tokens::password::{Argon2Pool, HashPoolConfig};

use super::*;

fn password(text: &str) -> Password {
    Password::new(text).unwrap()
}

// PW-02, PW-03
#[tokio::test]
async fn only_the_same_password_matches() {
    let hasher = CountingHasher::new();
    let stored = hasher.hash(&password("Pass\0word")).await.unwrap();
    for (text, matches) in [
        ("Pass\0word", true),
        ("Pass\0worD", false),
        ("Pass\0word ", false),
        ("Pass", false),
    ] {
        let answer = hasher.verify(&password(text), Some(&stored)).await.unwrap();
        assert_eq!(answer.matches, matches, "{text:?}");
        assert!(!answer.outdated);
    }
}

// PW-11
#[tokio::test]
async fn one_password_is_never_stored_the_same_way_twice() {
    let hasher = CountingHasher::new();
    let first = hasher.hash(&password("pass")).await.unwrap();
    let second = hasher.hash(&password("pass")).await.unwrap();
    assert_ne!(first.phc, second.phc);
}

// AK-03
#[tokio::test]
async fn every_piece_of_work_counts_once_and_clones_count_together() {
    let hasher = CountingHasher::new();
    let given_away: Arc<dyn PasswordHasher> = Arc::new(hasher.clone());
    let stored = given_away.hash(&password("pass")).await.unwrap();
    assert_eq!(hasher.hashes(), 1);
    for stored in [Some(&stored), None] {
        let before = hasher.hashes();
        let answer = given_away.verify(&password("wrong"), stored).await;
        assert!(!answer.unwrap().matches);
        assert_eq!(hasher.hashes() - before, 1);
    }
}

// CC-05
#[tokio::test]
async fn it_fails_in_the_order_it_was_told_and_hashes_nothing_then() {
    let hasher = CountingHasher::new();
    hasher.busy_next(2);
    hasher.fail_next(HashError::Stopped);
    for _ in 0..2 {
        let busy = hasher.verify(&password("pass"), None).await.unwrap_err();
        assert!(matches!(busy, HashError::Busy { .. }));
    }
    let stopped = hasher.hash(&password("pass")).await;
    assert_eq!(stopped, Err(HashError::Stopped));
    assert_eq!(hasher.hashes(), 0);
    assert!(hasher.hash(&password("pass")).await.is_ok());
}

// PW-12
#[tokio::test]
async fn hashes_from_before_the_cost_was_raised_match_and_say_they_are_outdated() {
    let hasher = CountingHasher::new();
    let stored = hasher.hash(&password("pass")).await.unwrap();
    hasher.raise_cost();
    let verify = async |text, stored| hasher.verify(&password(text), Some(stored)).await.unwrap();
    let answer = verify("pass", &stored).await;
    assert!(answer.matches && answer.outdated);
    let answer = verify("wrong", &stored).await;
    assert!(!answer.matches && !answer.outdated);
    let renewed = hasher.hash(&password("pass")).await.unwrap();
    let answer = verify("pass", &renewed).await;
    assert!(answer.matches && !answer.outdated);
}

#[tokio::test]
async fn it_and_the_real_hasher_read_none_of_each_others_hashes() {
    let entropy = SeededEntropy::new(1);
    let keys = KeyRings::generate(&entropy, Timestamp::UNIX_EPOCH).unwrap();
    let real = Argon2Pool::start(HashPoolConfig::default(), keys, Arc::new(entropy)).unwrap();
    let test = CountingHasher::new();
    let text = password("pass");
    let (real_hash, test_hash) = (real.hash(&text).await, test.hash(&text).await);
    for (hasher, stored) in [
        (&real as &dyn PasswordHasher, test_hash.unwrap()),
        (&test, real_hash.unwrap()),
    ] {
        let answer = hasher.verify(&text, Some(&stored)).await;
        assert_eq!(answer, Err(HashError::Malformed));
    }
}
