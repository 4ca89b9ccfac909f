//! The marker by which a database knows its keys.

use portcullis_core::entropy::SeededEntropy;
use portcullis_tokens::keys::{KeyMarker, MarkerMismatch, ParseMarkerError, Purpose};
use proptest::prelude::*;

use crate::support::{NOW, keys};

// PW-16
#[test]
fn another_databases_keys_are_refused_by_name() {
    assert_eq!(
        keys(1).marker().accepts(&keys(2).marker()),
        Err(MarkerMismatch::Changed {
            purpose: Purpose::TokenPepper,
            version: 1,
        })
    );
}

#[test]
fn the_same_keys_are_accepted_and_nothing_is_new() {
    assert_eq!(keys(1).marker().accepts(&keys(1).marker()), Ok(false));
}

// CR-04
#[test]
fn a_rotation_is_accepted_and_should_be_stored() {
    let before = keys(1);
    let after = before
        .rotate(Purpose::Sealing, &SeededEntropy::new(2), NOW)
        .unwrap();
    assert_eq!(before.marker().accepts(&after.marker()), Ok(true));
    let retired = after.retire(Purpose::Sealing, 1, NOW).unwrap();
    assert_eq!(after.marker().accepts(&retired.marker()), Ok(false));
}

// FT-30
#[test]
fn a_key_that_went_missing_is_refused_by_name() {
    let before = keys(1);
    let after = before
        .rotate(Purpose::Sealing, &SeededEntropy::new(2), NOW)
        .unwrap();
    let refused = after.marker().accepts(&before.marker()).unwrap_err();
    assert_eq!(
        refused,
        MarkerMismatch::Missing {
            purpose: Purpose::Sealing,
            version: 2,
        }
    );
    assert!(
        refused
            .to_string()
            .contains("version 2 of the sealing ring")
    );
}

#[test]
fn a_marker_reads_back_as_it_prints() {
    let marker = keys(1).marker();
    let text = marker.to_string();
    assert_eq!(text.split(' ').count(), 5);
    assert!(text.starts_with("v1 token_pepper:1="), "{text}");
    assert_eq!(KeyMarker::parse(&text), Ok(marker));
}

#[test]
fn only_a_printed_marker_is_read() {
    let text = keys(1).marker().to_string();
    for text in [
        String::new(),
        text.replacen("v1", "v2", 1),
        text.to_uppercase(),
        format!("{text} "),
        format!(" {text}"),
        text.replacen("token_pepper:1=", "token_pepper:01=", 1),
        text.replacen("token_pepper:1=", "token_pepper:+1=", 1),
        text.replacen("token_pepper", "other", 1),
        text[..text.len() - 1].to_owned(),
        format!("{text} {}", text.split(' ').next_back().unwrap()),
        "v1 ".repeat(100_000),
    ] {
        assert_eq!(KeyMarker::parse(&text), Err(ParseMarkerError), "{text:.80}");
    }
}

#[test]
fn one_key_has_another_fingerprint_in_every_place() {
    let text = keys(1).marker().to_string();
    let mut prints: Vec<_> = text.split('=').skip(1).map(|word| &word[..32]).collect();
    prints.sort_unstable();
    prints.dedup();
    assert_eq!(prints.len(), 4);
}

proptest! {
    #[test]
    fn no_text_makes_the_marker_parser_panic(text in "(v1)?[ a-z_:=0-9+]{0,120}") {
        if let Ok(marker) = KeyMarker::parse(&text) {
            prop_assert_eq!(marker.to_string(), text);
        }
    }
}
