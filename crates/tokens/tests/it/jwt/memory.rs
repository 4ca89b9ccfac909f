//! The memory of verified tokens: it saves the signature, and nothing else.

use std::num::NonZeroUsize;
use std::time::Duration;

use portcullis_core::secret::SecretText;
use portcullis_tokens::jwt::{JwtAlgorithm, JwtCodec, JwtKeys, JwtRejection, VerifiedMemory};

use super::forge::*;
use crate::support::NOW;

fn remembering(entries: usize) -> JwtCodec {
    let memory = VerifiedMemory::new(NonZeroUsize::new(entries).unwrap());
    let keys = JwtKeys::new(key(JwtAlgorithm::EdDsa), NOW);
    JwtCodec::with_memory(config(), keys, memory).unwrap()
}

/// The token number `number`, which expires that many seconds before the longest-lived one.
fn numbered(codec: &JwtCodec, number: u32) -> SecretText {
    let mut claims = claims();
    claims.id[..4].copy_from_slice(&number.to_be_bytes());
    let sooner = Duration::from_secs(u64::from(number % 600));
    claims.expires_at = claims.expires_at.minus(sooner);
    codec.sign(&claims).unwrap()
}

#[test]
fn a_token_that_comes_back_is_not_checked_again() {
    let codec = remembering(4096);
    let token = codec.sign(&claims()).unwrap();
    for _ in 0..10 {
        assert_eq!(codec.verify(token.expose(), NOW), Ok(claims()));
    }
    assert_eq!(codec.tokens_decoded(), 1);
    // Without a memory it is, each time.
    let forgetful = codec_for(JwtAlgorithm::EdDsa);
    for _ in 0..10 {
        assert_eq!(forgetful.verify(token.expose(), NOW), Ok(claims()));
    }
    assert_eq!(forgetful.tokens_decoded(), 10);
}

// JW-07
#[test]
fn a_remembered_token_still_has_its_time() {
    let codec = remembering(4096);
    let token = codec.sign(&claims()).unwrap();
    assert!(codec.verify(token.expose(), NOW).is_ok());
    let end = claims().expires_at.plus(Duration::from_secs(5));
    let refused = codec.verify(token.expose(), end);
    assert_eq!(refused, Err(JwtRejection::Expired));
    let early = codec.verify(token.expose(), NOW.minus(Duration::from_secs(6)));
    assert_eq!(early, Err(JwtRejection::IssuedInFuture));
    assert_eq!(codec.tokens_decoded(), 1);
}

// JW-11
#[test]
fn a_changed_token_is_not_the_remembered_one() {
    let codec = remembering(4096);
    let token = codec.sign(&claims()).unwrap();
    let text = token.expose();
    assert!(codec.verify(text, NOW).is_ok());
    for at in 0..text.len() {
        let mut changed = text.as_bytes().to_vec();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(codec.verify(&changed, NOW).is_err(), "{changed}");
    }
}

#[test]
fn a_refused_token_is_not_remembered() {
    let codec = remembering(4096);
    let token = codec.sign(&claims()).unwrap();
    let late = claims().expires_at.plus(Duration::from_secs(60));
    for _ in 0..3 {
        assert!(codec.verify(token.expose(), late).is_err());
        assert!(codec.verify("not.a.token", NOW).is_err());
    }
    assert_eq!(codec.tokens_decoded(), 6);
}

// JW-10
#[test]
fn new_keys_forget_what_the_old_ones_verified() {
    let codec = remembering(4096);
    let token = codec.sign(&claims()).unwrap();
    assert!(codec.verify(token.expose(), NOW).is_ok());
    codec.replace_keys(codec.keys());
    assert!(codec.verify(token.expose(), NOW).is_ok());
    assert!(codec.verify(token.expose(), NOW).is_ok());
    assert_eq!(codec.tokens_decoded(), 2);
}

#[test]
fn the_memory_never_grows() {
    for (asked, made) in [(1, 8), (8, 8), (9, 16), (4096, 4096), (usize::MAX, 1 << 20)] {
        let memory = VerifiedMemory::new(NonZeroUsize::new(asked).unwrap());
        assert_eq!(memory.capacity(), made);
    }
    let codec = remembering(16);
    let tokens: Vec<_> = (0..200).map(|number| numbered(&codec, number)).collect();
    for token in &tokens {
        assert!(codec.verify(token.expose(), NOW).is_ok());
    }
    assert_eq!(codec.tokens_decoded(), 200);
    for token in &tokens {
        assert!(codec.verify(token.expose(), NOW).is_ok());
    }
    // At most sixteen of them were known.
    assert!(codec.tokens_decoded() >= 384);
}

#[test]
fn what_expires_first_is_forgotten_first() {
    let codec = remembering(8);
    // Each expires later than the one before it.
    let tokens: Vec<_> = (0..9)
        .rev()
        .map(|number| numbered(&codec, number))
        .collect();
    for token in &tokens {
        assert!(codec.verify(token.expose(), NOW).is_ok());
    }
    for token in &tokens[1..] {
        assert!(codec.verify(token.expose(), NOW).is_ok());
    }
    assert_eq!(codec.tokens_decoded(), 9);
    assert!(codec.verify(tokens[0].expose(), NOW).is_ok());
    assert_eq!(codec.tokens_decoded(), 10);
}

#[test]
fn a_long_token_is_verified_each_time() {
    let codec = remembering(4096);
    let mut long = claims();
    long.extra.insert("note".into(), "x".repeat(2000).into());
    let token = codec.sign(&long).unwrap();
    assert!(token.expose().len() > 2048);
    for _ in 0..3 {
        assert_eq!(codec.verify(token.expose(), NOW), Ok(long.clone()));
    }
    assert_eq!(codec.tokens_decoded(), 3);
}
