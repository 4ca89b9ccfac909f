//! What may be an HMAC secret (RFC 8725 section 3.5).

use super::der;

pub(super) const SECRET_MIN_BYTES: usize = 32;
pub(super) const SECRET_MAX_BYTES: usize = 1024;

/// Random bytes of the shortest length have about 30 distinct ones; fewer than this, less than once in 10^15 times.
const DISTINCT_MIN: usize = 16;

/// Whether the bytes could come from a CSPRNG: no text, no pattern, no public key.
///
/// Each rule refuses random bytes less than once in a million times.
pub(super) fn looks_random(secret: &[u8]) -> bool {
    !is_text(secret) && distinct(secret) >= DISTINCT_MIN && !counts(secret) && !der::is_key(secret)
}

/// A passphrase; also the hexadecimal or base64 form of what should have been decoded, and a key in PEM or JSON.
fn is_text(secret: &[u8]) -> bool {
    str::from_utf8(secret).is_ok_and(|text| {
        text.chars()
            .all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'))
    })
}

fn distinct(secret: &[u8]) -> usize {
    let mut bytes = secret.to_vec();
    bytes.sort_unstable();
    bytes.dedup();
    let distinct = bytes.len();
    zeroize::Zeroize::zeroize(&mut bytes);
    distinct
}

/// 0, 1, 2, 3 and the like.
fn counts(secret: &[u8]) -> bool {
    let mut steps = secret
        .iter()
        .zip(secret.iter().skip(1))
        .map(|(one, next)| next.wrapping_sub(*one));
    let first = steps.next();
    steps.all(|step| Some(step) == first)
}

#[cfg(test)]
mod tests {
    use super::*;

    // JW-09
    #[test]
    fn text_patterns_and_keys_are_no_secrets() {
        let counting: Vec<u8> = (0..64).collect();
        let by_threes: Vec<u8> = (0..80_u8).map(|n| n.wrapping_mul(3)).collect();
        let few: Vec<u8> = (0..64_u8).map(|n| n.wrapping_mul(31) % 15 + 200).collect();
        for secret in [
            &b"correct horse battery staple, and then some more"[..],
            "ein längerer Satz, den jemand für sicher hält".as_bytes(),
            b"3031323334353637383940414243444546474849505152535455565758596061",
            &[0; 32],
            &[0xa5; 64],
            &counting,
            &by_threes,
            &few,
        ] {
            assert!(!looks_random(secret), "{secret:?}");
        }
    }

    #[test]
    fn random_bytes_are_secrets() {
        use portcullis_core::entropy::{Entropy, SeededEntropy};

        let entropy = SeededEntropy::new(1);
        for length in [32, 33, 48, 64, 128, 512] {
            for _ in 0..200 {
                let mut secret = vec![0; length];
                entropy.fill(&mut secret).unwrap();
                assert!(looks_random(&secret), "{secret:?}");
            }
        }
    }
}
