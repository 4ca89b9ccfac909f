//! The text form: what is made, and that nothing else parses.

use portcullis_core::entropy::SeededEntropy;
use portcullis_tokens::opaque::{FormatError, TokenClass, TokenFormat, TokenParseError, Tokens};
use proptest::prelude::*;

use crate::support::keys;

fn encoded(class: TokenClass, id: [u8; 16], secret: [u8; 32]) -> String {
    let text = TokenFormat::default().encode(class, id, &secret);
    text.expose().to_owned()
}

fn class() -> impl Strategy<Value = TokenClass> {
    prop::sample::select(&TokenClass::ALL[..])
}

// OT-01, AK-02
#[test]
fn a_token_is_url_safe_and_of_one_length() {
    let tokens = Tokens::new(TokenFormat::default(), keys(1));
    let entropy = SeededEntropy::new(2);
    for class in TokenClass::ALL {
        for id in [[0; 16], [0xff; 16]] {
            let minted = tokens.mint(class, id, &entropy).unwrap();
            let text = minted.plaintext.expose();
            assert_eq!(text.len(), 79);
            let (prefix, body) = text.split_at(8);
            assert_eq!(prefix, format!("pcl_{}_", class.code()));
            assert!(body.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        }
    }
}

#[test]
fn an_application_has_its_own_prefix() {
    let format = TokenFormat::new("acme2").unwrap();
    let token = format.encode(TokenClass::ApiToken, [1; 16], &[2; 32]);
    assert!(token.expose().starts_with("acme2_pat_"));
    assert_eq!(token.expose().len(), format.token_len());
    assert!(format.parse(TokenClass::ApiToken, token.expose()).is_ok());
    assert_eq!(TokenFormat::default().class_of(token.expose()), None);
    for app in [
        "",
        "a",
        "ninechars",
        "Acme",
        "ac me",
        "ac_me",
        "\u{e9}\u{e9}",
        "ac-me",
    ] {
        assert_eq!(TokenFormat::new(app), Err(FormatError), "{app}");
    }
}

// OT-05
#[test]
fn a_token_of_one_class_parses_as_no_other() {
    let format = TokenFormat::default();
    for made in TokenClass::ALL {
        let text = encoded(made, [1; 16], [2; 32]);
        assert_eq!(format.class_of(&text), Some(made));
        for asked in TokenClass::ALL {
            let parsed = format.parse(asked, &text);
            if asked == made {
                assert_eq!(parsed.unwrap().class(), made);
            } else {
                assert_eq!(parsed.unwrap_err(), TokenParseError::Prefix);
            }
        }
    }
}

#[test]
fn the_class_is_told_by_the_prefix_alone() {
    let format = TokenFormat::default();
    assert_eq!(format.class_of("pcl_pat_"), Some(TokenClass::ApiToken));
    assert_eq!(
        format.class_of("pcl_rft_anything"),
        Some(TokenClass::Refresh)
    );
    for text in [
        "",
        "pcl",
        "pcl_",
        "pcl_pat",
        "pcl_xyz_",
        "PCL_pat_",
        "pcl_PAT_",
        " pcl_pat_",
        "pclpat_",
        "pcl_pa\u{e9}_",
        "pcl_\u{1f600}",
        "xpcl_pat_",
        "ghp_abcdef",
    ] {
        assert_eq!(format.class_of(text), None, "{text}");
    }
}

// OT-08
#[test]
fn what_is_no_token_says_why() {
    let format = TokenFormat::default();
    let good = encoded(TokenClass::Session, [1; 16], [2; 32]);
    let parse = |text: &str| format.parse(TokenClass::Session, text).unwrap_err();
    for text in [
        "",
        " ",
        "0",
        "null",
        "[]",
        "{}",
        &good[..78],
        &format!("{good} "),
    ] {
        assert_eq!(parse(text), TokenParseError::Length);
    }
    assert_eq!(parse(&"x".repeat(10_000_000)), TokenParseError::Length);
    assert_eq!(
        parse(&good.replacen('_', "-", 1)),
        TokenParseError::Alphabet
    );
    assert_eq!(
        parse(&good.replacen("pcl", "pcm", 1)),
        TokenParseError::Prefix
    );
    let mut changed = good.into_bytes();
    changed[40] = if changed[40] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).unwrap();
    assert_eq!(parse(&changed), TokenParseError::Checksum);
}

// OT-08
#[test]
fn a_number_out_of_range_is_refused_though_its_checksum_is_right() {
    let format = TokenFormat::default();
    let largest = encoded(TokenClass::Ticket, [0xff; 16], [0xff; 32]);
    assert!(format.parse(TokenClass::Ticket, &largest).is_ok());
    // The last characters of the id and of the secret; the next larger digit is the next character.
    for last in [29, 72] {
        let mut larger = largest.as_bytes()[..73].to_vec();
        larger[last] += 1;
        let larger = String::from_utf8(larger).unwrap();
        let larger = format!("{larger}{}", base62_crc(&larger));
        let refused = format.parse(TokenClass::Ticket, &larger).unwrap_err();
        assert_eq!(refused, TokenParseError::Range);
    }
}

proptest! {
    // OT-01
    #[test]
    fn a_token_reads_back_as_it_was_made(class in class(), id: [u8; 16], secret: [u8; 32]) {
        let text = encoded(class, id, secret);
        let parsed = TokenFormat::default().parse(class, &text).unwrap();
        prop_assert_eq!(parsed.id(), id);
        prop_assert_eq!(parsed.class(), class);
    }

    // OT-08
    #[test]
    fn a_token_with_another_character_is_refused(
        class in class(), id: [u8; 16], secret: [u8; 32], at in 0..79_usize, other in "[ -~]",
    ) {
        let text = encoded(class, id, secret);
        let mut changed = text.clone();
        changed.replace_range(at..=at, &other);
        let parsed = TokenFormat::default().parse(class, &changed);
        prop_assert_eq!(parsed.is_ok(), changed == text);
    }

    // OT-08
    #[test]
    fn a_text_that_parses_is_the_one_that_is_made(body in "[0-9A-Za-z]{65}") {
        // With the right checksum, so that only the ranges of the numbers decide.
        let format = TokenFormat::default();
        let text = format!("pcl_tkt_{body}");
        let with_check = format!("{text}{}", base62_crc(&text));
        match format.parse(TokenClass::Ticket, &with_check) {
            Ok(token) => prop_assert!(id_text(token.id()) == body[..22]),
            Err(error) => prop_assert_eq!(error, TokenParseError::Range),
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(class in class(), text in "\\PC{0,90}") {
        prop_assert!(TokenFormat::default().parse(class, &text).is_err());
        let _class = TokenFormat::default().class_of(&text);
    }
}

/// The 22 characters of an id.
fn id_text(id: [u8; 16]) -> String {
    encoded(TokenClass::Ticket, id, [0; 32])[8..30].to_owned()
}

/// The checksum as the format defines it, written a second time and bit by bit.
fn base62_crc(text: &str) -> String {
    let mut crc = u32::MAX;
    for byte in text.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 * (crc & 1));
        }
    }
    let digits = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let digit = |power: u32| digits[(u64::from(!crc) / 62_u64.pow(power) % 62) as usize];
    (0..6).rev().map(|power| char::from(digit(power))).collect()
}
