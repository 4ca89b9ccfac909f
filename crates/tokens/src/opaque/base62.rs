//! Base62 of fixed width: `0-9A-Za-z`, most significant character first.
//!
//! Numbers are limbs of 32 bits, most significant first, so that the arithmetic fits 64 bits.

/// A number of `LIMBS` times 32 bits.
pub(super) type Limbs<const LIMBS: usize> = [u32; LIMBS];

/// Appends exactly `width` characters; the caller's width holds every number of that many limbs.
pub(super) fn encode<const LIMBS: usize>(mut number: Limbs<LIMBS>, width: usize, to: &mut String) {
    let start = to.len();
    for _ in 0..width {
        let mut remainder = 0;
        for limb in &mut number {
            let value = (u64::from(remainder) << 32) | u64::from(*limb);
            (_, *limb) = halves(value / 62);
            (_, remainder) = halves(value % 62);
        }
        // Least significant first, so each goes in front of the one before.
        to.insert(start, character(remainder));
    }
}

/// The number that `text` stands for; `None` for another character and for a number that does not fit.
pub(super) fn decode<const LIMBS: usize>(text: &[u8]) -> Option<Limbs<LIMBS>> {
    let mut number = [0; LIMBS];
    for &character in text {
        let mut carry = digit(character)?;
        for limb in number.iter_mut().rev() {
            (carry, *limb) = halves(u64::from(*limb) * 62 + u64::from(carry));
        }
        if carry != 0 {
            return None;
        }
    }
    Some(number)
}

/// The limbs of big-endian bytes; there are four bytes to a limb.
pub(super) fn limbs<const LIMBS: usize>(bytes: &[u8]) -> Limbs<LIMBS> {
    let mut number = [0; LIMBS];
    for (limb, four) in number.iter_mut().zip(bytes.chunks_exact(4)) {
        *limb = four
            .iter()
            .fold(0, |limb, &byte| (limb << 8) | u32::from(byte));
    }
    number
}

/// The big-endian bytes of limbs; there are four bytes to a limb.
pub(super) fn bytes<const LIMBS: usize, const BYTES: usize>(number: Limbs<LIMBS>) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    for (four, limb) in bytes.chunks_exact_mut(4).zip(number) {
        for (to, from) in four.iter_mut().zip(limb.to_be_bytes()) {
            *to = from;
        }
    }
    bytes
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the two halves of 64 bits have 32 each"
)]
const fn halves(value: u64) -> (u32, u32) {
    ((value >> 32) as u32, value as u32)
}

fn character(digit: u32) -> char {
    let code = match digit {
        0..=9 => digit + u32::from(b'0'),
        10..=35 => digit - 10 + u32::from(b'A'),
        _ => digit - 36 + u32::from(b'a'),
    };
    char::from_u32(code).unwrap_or_default()
}

const fn digit(character: u8) -> Option<u32> {
    let value = match character {
        b'0'..=b'9' => character - b'0',
        b'A'..=b'Z' => character - b'A' + 10,
        b'a'..=b'z' => character - b'a' + 36,
        _ => return None,
    };
    Some(value as u32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text<const LIMBS: usize>(number: Limbs<LIMBS>, width: usize) -> String {
        let mut text = String::new();
        encode(number, width, &mut text);
        text
    }

    #[test]
    fn the_widths_hold_the_largest_numbers_and_no_larger_one_parses() {
        for (largest, next) in [
            ("4gfFC3", "4gfFC4"),
            ("7n42DGM5Tflk9n8mt7Fhc7", "7n42DGM5Tflk9n8mt7Fhc8"),
        ] {
            match largest.len() {
                6 => {
                    assert_eq!(text([u32::MAX], 6), largest);
                    assert_eq!(decode::<1>(next.as_bytes()), None);
                }
                _ => {
                    assert_eq!(text([u32::MAX; 4], 22), largest);
                    assert_eq!(decode::<4>(next.as_bytes()), None);
                }
            }
        }
        let largest = text([u32::MAX; 8], 43);
        assert_eq!(decode(largest.as_bytes()), Some([u32::MAX; 8]));
        assert_eq!(decode::<8>(&[b'z'; 43]), None);
    }

    proptest! {
        #[test]
        fn a_number_reads_back_as_it_was_written(number: [u32; 8], id: [u8; 16]) {
            let written = text(number, 43);
            prop_assert_eq!(written.len(), 43);
            prop_assert_eq!(decode(written.as_bytes()), Some(number));
            prop_assert_eq!(bytes(limbs::<4>(&id)), id);
        }

        #[test]
        fn a_text_that_reads_is_the_text_that_is_written(written in "[0-9A-Za-z]{22}") {
            if let Some(number) = decode::<4>(written.as_bytes()) {
                prop_assert_eq!(text(number, 22), written);
            }
        }
    }
}
