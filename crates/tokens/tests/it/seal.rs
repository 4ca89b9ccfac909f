//! Sealing.

use std::collections::HashSet;

use portcullis_core::entropy::{EntropyError, SeededEntropy};
use portcullis_core::secret::Sealed;
use portcullis_tokens::OsEntropy;
use portcullis_tokens::keys::Purpose;
use portcullis_tokens::seal::{SealError, Sealer};

use crate::support::{NOW, NoEntropy, keys};

const ROW_1: &[&[u8]] = &[b"factors", b"config", b"row 1"];
const ROW_2: &[&[u8]] = &[b"factors", b"config", b"row 2"];

#[test]
fn what_was_sealed_opens() {
    let sealer = Sealer::new(keys(1));
    for plaintext in [&b""[..], b"x", &[7; 10_000]] {
        let sealed = sealer.seal(ROW_1, plaintext, &OsEntropy).unwrap();
        assert_eq!(sealed.bytes.len(), 24 + plaintext.len() + 16);
        assert_eq!(*sealer.open(ROW_1, &sealed).unwrap(), plaintext);
    }
}

// CR-03
#[test]
fn a_ciphertext_moved_to_another_row_does_not_open() {
    let sealer = Sealer::new(keys(1));
    let one = sealer.seal(ROW_1, b"one", &OsEntropy).unwrap();
    let two = sealer.seal(ROW_2, b"two", &OsEntropy).unwrap();
    assert_eq!(sealer.open(ROW_1, &two), Err(SealError::Tampered));
    assert_eq!(sealer.open(ROW_2, &one), Err(SealError::Tampered));
    let run_together: &[&[u8]] = &[b"factors", b"configrow", b" 1"];
    assert_eq!(sealer.open(run_together, &one), Err(SealError::Tampered));
    assert_eq!(sealer.open(&[], &one), Err(SealError::Tampered));
}

// FT-25
#[test]
fn a_flipped_bit_or_a_missing_byte_does_not_open() {
    let sealer = Sealer::new(keys(1));
    let sealed = sealer.seal(ROW_1, b"a secret", &OsEntropy).unwrap();
    for at in 0..sealed.bytes.len() * 8 {
        let mut flipped = sealed.clone();
        flipped.bytes[at / 8] ^= 1 << (at % 8);
        assert_eq!(sealer.open(ROW_1, &flipped), Err(SealError::Tampered));
    }
    for length in 0..sealed.bytes.len() {
        let cut = Sealed {
            key_version: 1,
            bytes: sealed.bytes[..length].to_vec(),
        };
        assert_eq!(sealer.open(ROW_1, &cut), Err(SealError::Tampered));
    }
}

// CR-03
#[test]
fn nonces_never_repeat() {
    let sealer = Sealer::new(keys(1));
    let mut seen = HashSet::new();
    for _ in 0..10_000 {
        let sealed = sealer.seal(ROW_1, b"same", &OsEntropy).unwrap();
        assert!(seen.insert(sealed.bytes[..24].to_vec()));
    }
}

// CR-04
#[test]
fn what_an_older_key_sealed_opens_until_it_is_retired() {
    let v1 = keys(1);
    let old = Sealer::new(v1.clone())
        .seal(ROW_1, b"old", &OsEntropy)
        .unwrap();
    let v2 = v1
        .rotate(Purpose::Sealing, &SeededEntropy::new(2), NOW)
        .unwrap();
    let sealer = Sealer::new(v2.clone());
    let opened = sealer.open(ROW_1, &old).unwrap();
    let again = sealer.seal(ROW_1, &opened, &OsEntropy).unwrap();
    assert_eq!((old.key_version, again.key_version), (1, 2));

    let sealer = Sealer::new(v2.retire(Purpose::Sealing, 1, NOW).unwrap());
    assert_eq!(*sealer.open(ROW_1, &again).unwrap(), b"old");
    assert_eq!(
        sealer.open(ROW_1, &old),
        Err(SealError::RetiredKey { version: 1 })
    );
    assert_eq!(
        Sealer::new(v1).open(ROW_1, &again),
        Err(SealError::UnknownKey { version: 2 })
    );
    // The version beside the bytes is not believed: the key must fit.
    let relabelled = Sealed {
        key_version: 2,
        ..old
    };
    assert_eq!(sealer.open(ROW_1, &relabelled), Err(SealError::Tampered));
}

// CR-01, FT-28
#[test]
fn nothing_is_sealed_without_randomness() {
    let sealed = Sealer::new(keys(1)).seal(ROW_1, b"secret", &NoEntropy);
    assert_eq!(sealed, Err(EntropyError));
}

// CR-05
#[test]
fn a_sealer_prints_no_key() {
    assert!(format!("{:?}", Sealer::new(keys(1))).contains("[redacted]"));
}
