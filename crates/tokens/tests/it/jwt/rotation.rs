//! Rotation: old tokens are good until their key is retired.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use portcullis_core::entropy::SeededEntropy;
use portcullis_tokens::jwt::{
    JwtAlgorithm, JwtCodec, JwtKeyError, JwtKeys, JwtRejection, SigningKey, VerifiedMemory,
};
use portcullis_tokens::keys::Live;

use super::forge::*;
use crate::support::NOW;

fn fresh(seed: u64) -> SigningKey {
    SigningKey::generate(JwtAlgorithm::EdDsa, &SeededEntropy::new(seed)).unwrap()
}

fn codecs(keys: &JwtKeys) -> [JwtCodec; 2] {
    [
        JwtCodec::new(config(), keys.clone()).unwrap(),
        JwtCodec::with_memory(config(), keys.clone(), VerifiedMemory::default()).unwrap(),
    ]
}

// JW-10
#[test]
fn an_old_token_is_good_until_its_key_is_retired() {
    let v1 = JwtKeys::new(fresh(1), NOW);
    for codec in codecs(&v1) {
        let old = codec.sign(&claims()).unwrap();
        assert_eq!(codec.verify(old.expose(), NOW), Ok(claims()));

        let v2 = v1.rotate(fresh(2), NOW).unwrap();
        codec.replace_keys(v2.clone());
        let new = codec.sign(&claims()).unwrap();
        assert_ne!(
            old.expose().split('.').next(),
            new.expose().split('.').next()
        );
        assert_eq!(codec.verify(old.expose(), NOW), Ok(claims()));
        assert_eq!(codec.verify(new.expose(), NOW), Ok(claims()));

        codec.replace_keys(v2.retire(1, NOW).unwrap());
        let refused = codec.verify(old.expose(), NOW);
        assert_eq!(refused, Err(JwtRejection::UnknownKey));
        assert_eq!(codec.verify(new.expose(), NOW), Ok(claims()));
    }
}

// JW-10
#[test]
fn the_algorithm_may_change_with_a_rotation() {
    let keys = JwtKeys::hs256(&secret()).unwrap();
    for codec in codecs(&keys) {
        let old = codec.sign(&claims()).unwrap();
        codec.replace_keys(keys.rotate(fresh(2), NOW).unwrap());
        let new = codec.sign(&claims()).unwrap();
        for token in [old, new] {
            assert_eq!(codec.verify(token.expose(), NOW), Ok(claims()));
        }
    }
}

// JW-10
#[test]
fn the_key_in_use_cannot_be_retired_and_none_comes_back() {
    let v1 = JwtKeys::new(fresh(1), NOW);
    for version in [0, 1, 2] {
        assert!(matches!(
            v1.retire(version, NOW),
            Err(JwtKeyError::NotRetirable { version: refused }) if refused == version
        ));
    }
    let v2 = v1.rotate(fresh(2), NOW).unwrap().retire(1, NOW).unwrap();
    assert!(matches!(
        v2.retire(1, NOW),
        Err(JwtKeyError::NotRetirable { version: 1 })
    ));
    for seed in [1, 2] {
        assert!(matches!(
            v2.rotate(fresh(seed), NOW),
            Err(JwtKeyError::Repeated { .. })
        ));
    }
    // Nor does one RSA key serve two algorithms.
    let rs256 = JwtKeys::new(key(JwtAlgorithm::Rs256), NOW);
    assert!(matches!(
        rs256.rotate(key(JwtAlgorithm::Ps256), NOW),
        Err(JwtKeyError::Repeated { .. })
    ));
    let versions: Vec<_> = v2.versions().iter().map(|info| info.key.version).collect();
    assert_eq!(versions, [1, 2]);
}

// JW-10, FT-30
#[test]
fn a_codec_that_has_not_seen_a_new_key_sees_it_with_the_first_token() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("jwt-keys.json");
    JwtKeys::new(fresh(1), NOW).save_new(&path).unwrap();
    let watched = || JwtCodec::new(config(), Live::<JwtKeys>::watch(&path).unwrap()).unwrap();
    let behind = watched();
    let rotated = JwtKeys::change_file(&path, |keys| keys.rotate(fresh(2), NOW)).unwrap();
    let token = watched().sign(&claims()).unwrap();
    assert_eq!(behind.keys().newest().0, 1);
    assert_eq!(behind.verify(token.expose(), NOW), Ok(claims()));
    assert_eq!(behind.keys().jwks(), rotated.jwks());
    // A key that is nowhere is looked for once for each change of the file.
    let foreign = JwtCodec::new(config(), JwtKeys::new(fresh(3), NOW)).unwrap();
    let foreign = foreign.sign(&claims()).unwrap();
    let generation = behind.live_keys().generation();
    let refused = behind.verify(foreign.expose(), NOW);
    assert_eq!(refused, Err(JwtRejection::UnknownKey));
    assert_eq!(behind.live_keys().generation(), generation);
}

// FT-30
#[test]
fn only_tokens_of_the_dropped_key_fail_when_keys_change_under_load() {
    const THREADS: usize = 4;
    let v1 = JwtKeys::new(fresh(1), NOW);
    let v2 = v1.rotate(fresh(2), NOW).unwrap();
    for codec in codecs(&v1) {
        let old = codec.sign(&claims()).unwrap();
        codec.replace_keys(v2.clone());
        let new = codec.sign(&claims()).unwrap();
        let (start, stop) = (Barrier::new(THREADS + 1), AtomicBool::new(false));
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    start.wait();
                    let mut dropped = false;
                    while !stop.load(Ordering::SeqCst) {
                        assert_eq!(codec.verify(new.expose(), NOW), Ok(claims()));
                        match codec.verify(old.expose(), NOW) {
                            // Once refused, it never comes back.
                            Ok(_) => assert!(!dropped),
                            Err(refused) => {
                                assert_eq!(refused, JwtRejection::UnknownKey);
                                dropped = true;
                            }
                        }
                    }
                });
            }
            start.wait();
            let mut keys = v2.clone();
            for seed in 3..40 {
                keys = keys.rotate(fresh(seed), NOW).unwrap();
                codec.replace_keys(keys.clone());
                if seed == 20 {
                    keys = keys.retire(1, NOW).unwrap();
                }
            }
            stop.store(true, Ordering::SeqCst);
        });
        let refused = codec.verify(old.expose(), NOW);
        assert_eq!(refused, Err(JwtRejection::UnknownKey));
        assert_eq!(codec.verify(new.expose(), NOW), Ok(claims()));
    }
}
