use std::collections::HashSet;

use portcullis_core::entropy::SeededEntropy;

use super::*;

#[test]
fn a_code_reads_back_however_it_is_spaced() {
    let code = MailedCode::of(1_234_567);
    assert_eq!(code.grouped().expose(), "0123 4567");
    for typed in [
        "01234567",
        "0123 4567",
        " 0123-4567\n",
        "01 23\u{a0}45\u{2013}67",
        "0-1-2-3-4-5-6-7",
    ] {
        let read = MailedCode::parse(typed).unwrap();
        assert_eq!(read.digits(), code.digits(), "{typed:?}");
    }
}

// OT-08
#[test]
fn what_has_not_eight_digits_is_no_code() {
    let long = format!("01234567{}", " ".repeat(64));
    for typed in [
        "",
        " ",
        "-",
        "0123456",
        "012345678",
        "0123456x",
        "+1234567",
        "0123.4567",
        "\u{661}1234567",
        "\u{ff11}1234567",
        "\0",
        long.as_str(),
    ] {
        assert_eq!(
            MailedCode::parse(typed).unwrap_err(),
            CodeError,
            "{typed:?}"
        );
    }
}

#[test]
fn codes_have_every_digit_at_every_place_and_hardly_ever_repeat() {
    let entropy = SeededEntropy::new(7);
    let codes: Vec<_> = (0..1000)
        .map(|_| MailedCode::draw(&entropy).unwrap())
        .collect();
    for place in 0..DIGITS {
        let seen: HashSet<u8> = codes.iter().map(|code| code.digits()[place]).collect();
        assert_eq!(seen.len(), 10, "at {place}");
    }
    let different: HashSet<_> = codes.iter().map(|code| *code.digits()).collect();
    assert!(different.len() >= 999, "{}", different.len());
}

/// Gives one number over and over.
#[derive(Debug)]
struct Always(u32);

impl Entropy for Always {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        buffer.copy_from_slice(&self.0.to_be_bytes());
        Ok(())
    }
}

#[test]
fn numbers_that_would_make_some_codes_likelier_are_drawn_again() {
    let last = MailedCode::draw(&Always(4_199_999_999)).unwrap();
    assert_eq!(last.digits(), b"99999999");
    assert!(MailedCode::draw(&Always(4_200_000_000)).is_err());
    assert!(MailedCode::draw(&Always(u32::MAX)).is_err());
}

// LG-02
#[test]
fn a_code_is_never_printed() {
    let printed = format!("{:?}", MailedCode::of(12_345_678));
    assert!(!printed.contains("1234"), "{printed}");
}
