//! CRC-32 (ISO 3309, reflected, polynomial 0xEDB88320), four bits at a time.

/// The remainders of the sixteen values of four bits.
const TABLE: [u32; 16] = [
    remainder(0),
    remainder(1),
    remainder(2),
    remainder(3),
    remainder(4),
    remainder(5),
    remainder(6),
    remainder(7),
    remainder(8),
    remainder(9),
    remainder(10),
    remainder(11),
    remainder(12),
    remainder(13),
    remainder(14),
    remainder(15),
];

const fn remainder(mut value: u32) -> u32 {
    let mut bit = 0;
    while bit < 4 {
        value = if value & 1 == 1 {
            (value >> 1) ^ 0xedb8_8320
        } else {
            value >> 1
        };
        bit += 1;
    }
    value
}

/// The checksum of all parts, as if they were one text.
pub(super) fn crc32<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u32 {
    let mut crc = u32::MAX;
    for &byte in parts.into_iter().flatten() {
        crc ^= u32::from(byte);
        crc = four_bits(four_bits(crc));
    }
    !crc
}

fn four_bits(crc: u32) -> u32 {
    let low = usize::try_from(crc & 0xf).unwrap_or_default();
    (crc >> 4) ^ TABLE.get(low).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_is_the_published_one() {
        // The `check` of CRC-32/ISO-HDLC in the catalogue of parametrised CRC algorithms (reveng.sourceforge.io).
        assert_eq!(crc32([&b"123456789"[..]]), 0xcbf4_3926);
        assert_eq!(crc32([&b"1234"[..], b"", b"56789"]), 0xcbf4_3926);
    }
}
