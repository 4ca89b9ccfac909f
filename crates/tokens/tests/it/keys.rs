//! Key rings, the key file and the marker.

mod change;
mod file;
mod live;
mod marker;

use portcullis_core::entropy::{EntropyError, SeededEntropy};
use portcullis_tokens::keys::{KeyError, KeyRings, Purpose};

use crate::support::{NOW, NoEntropy, StuckEntropy, keys};

const PEPPER: Purpose = Purpose::TokenPepper;

// CR-01, FT-28
#[test]
fn keys_are_not_made_without_randomness() {
    assert_eq!(
        KeyRings::generate(&NoEntropy, NOW).unwrap_err(),
        EntropyError
    );
    assert_eq!(
        KeyRings::generate(&StuckEntropy, NOW).unwrap_err(),
        EntropyError
    );
    assert!(matches!(
        keys(1).rotate(PEPPER, &NoEntropy, NOW),
        Err(KeyError::Entropy(EntropyError))
    ));
}

// CR-04
#[test]
fn the_newest_key_signs_and_the_older_ones_verify() {
    let v1 = keys(1);
    let signed = v1.ring(PEPPER).mac("test", &[b"value"]);
    let v2 = v1.rotate(PEPPER, &SeededEntropy::new(2), NOW).unwrap();
    let ring = v2.ring(PEPPER);
    assert_eq!((ring.newest().0, ring.oldest().0), (2, 1));
    assert_eq!(ring.mac("test", &[b"value"]).key_version, 2);
    let again = ring.mac_with(1, "test", &[b"value"]).unwrap();
    assert!(again.matches(&signed));
    // The other rings, and the rings before, are as they were.
    assert_eq!(v2.ring(Purpose::Sealing).newest().0, 1);
    assert_eq!(v1.ring(PEPPER).newest().0, 1);
}

// CR-04
#[test]
fn a_retired_key_verifies_nothing() {
    let keys = keys(1)
        .rotate(PEPPER, &SeededEntropy::new(2), NOW)
        .unwrap()
        .retire(PEPPER, 1, NOW)
        .unwrap();
    let ring = keys.ring(PEPPER);
    assert!(ring.get(1).is_none());
    assert!(ring.mac_with(1, "test", &[]).is_none());
    assert_eq!(ring.oldest().0, 2);
    let retired: Vec<_> = ring.versions().iter().map(|key| key.retired_at).collect();
    assert_eq!(retired, [Some(NOW), None]);
}

#[test]
fn the_key_in_use_cannot_be_retired() {
    let keys = keys(1);
    for version in [0, 1, 2] {
        assert!(matches!(
            keys.retire(PEPPER, version, NOW),
            Err(KeyError::NotRetirable { version: refused, .. }) if refused == version
        ));
    }
}

#[test]
fn a_version_is_never_given_twice() {
    let entropy = SeededEntropy::new(9);
    let mut keys = keys(1);
    for version in 2..10 {
        keys = keys.rotate(PEPPER, &entropy, NOW).unwrap();
        assert_eq!(keys.ring(PEPPER).newest().0, version);
        keys = keys.retire(PEPPER, version - 1, NOW).unwrap();
    }
    assert_eq!(keys.ring(PEPPER).versions().len(), 9);
}

// CR-05
#[test]
fn keys_print_redacted() {
    let printed = format!("{:#?}", keys(1));
    assert!(printed.contains("[redacted]"));
    // A byte of a key would print as a number in a list.
    assert!(!printed.contains("[\n"), "{printed}");
}
