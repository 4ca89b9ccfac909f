//! What needs a look inside a token.

use std::collections::HashSet;

use portcullis_core::time::Timestamp;

use super::*;
use crate::entropy::OsEntropy;
use crate::opaque::base62;

// OT-01
#[test]
fn secrets_are_256_random_bits_that_never_repeat() {
    const TOKENS: u32 = 100_000;
    let keys = KeyRings::generate(&OsEntropy, Timestamp::UNIX_EPOCH).unwrap();
    let tokens = Tokens::new(TokenFormat::default(), keys);
    let mut seen = HashSet::new();
    let mut ones = 0_u32;
    for _ in 0..TOKENS {
        let minted = tokens
            .mint(TokenClass::Session, [7; 16], &OsEntropy)
            .unwrap();
        let text = minted.plaintext.expose();
        let secret = base62::decode::<8>(&text.as_bytes()[30..73]).unwrap();
        ones += secret.iter().map(|limb| limb.count_ones()).sum::<u32>();
        assert!(seen.insert(secret));
    }
    // The monobit test (SP 800-22 section 2.1) at six standard deviations: chance fails it once in 500 million runs.
    let bits = f64::from(TOKENS) * 256.0;
    let deviation = (f64::from(ones) - bits / 2.0).abs();
    assert!(deviation < 6.0 * bits.sqrt() / 2.0, "{ones} ones");
}
