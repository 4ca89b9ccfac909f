//! What is signed is verified.

use portcullis_tokens::OsEntropy;
use portcullis_tokens::jwt::{JwtAlgorithm, JwtCodec, JwtKeys, JwtRejection, looks_like_jwt};

use super::forge::*;
use crate::support::NOW;

#[test]
fn every_algorithm_signs_what_it_verifies() {
    for algorithm in JwtAlgorithm::ALL {
        let codec = codec_for(algorithm);
        let token = codec.sign(&claims()).unwrap();
        assert_eq!(codec.verify(token.expose(), NOW), Ok(claims()));
        assert!(looks_like_jwt(token.expose()));
        // Another key of the same algorithm has another name.
        let other = JwtKeys::generate(algorithm, &OsEntropy, NOW).unwrap();
        let other = JwtCodec::new(config(), other).unwrap();
        assert_eq!(
            other.verify(token.expose(), NOW),
            Err(JwtRejection::UnknownKey)
        );
        let token = other.sign(&claims()).unwrap();
        assert_eq!(other.verify(token.expose(), NOW), Ok(claims()));
    }
}
