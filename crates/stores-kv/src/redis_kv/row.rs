//! How rows are named and written: `<prefix>{<part>}<key>`, where the part in braces decides the hash slot, and eight
//! bytes of deadline before the value.

use portcullis_core::error::StoreError;
use portcullis_core::store::{KvEntry, Part};
use portcullis_core::time::Timestamp;

/// The length of the deadline before a value.
pub(super) const HEAD: usize = 8;

/// A time whose bytes sort as it does: big-endian, the sign turned over.
pub(super) fn sortable(time: Timestamp) -> [u8; HEAD] {
    let [sign, rest @ ..] = time.as_micros().to_be_bytes();
    let [a, b, c, d, e, f, g] = rest;
    [sign ^ 0x80, a, b, c, d, e, f, g]
}

/// The deadline of a row; `None` for what is no row.
pub(super) fn deadline(row: &[u8]) -> Option<Timestamp> {
    let head = row.first_chunk::<HEAD>()?;
    let micros = i64::from_be_bytes(*head) ^ i64::MIN;
    Some(Timestamp::from_micros(micros))
}

pub(super) fn write(value: &[u8], deadline: Timestamp) -> Vec<u8> {
    let mut row = Vec::with_capacity(HEAD + value.len());
    row.extend_from_slice(&sortable(deadline));
    row.extend_from_slice(value);
    row
}

/// The row as a caller at `now` sees it.
pub(super) fn entry(row: Option<Vec<u8>>, now: Timestamp) -> Result<Option<KvEntry>, StoreError> {
    let Some(mut row) = row else {
        return Ok(None);
    };
    let deadline = deadline(&row).ok_or_else(|| StoreError::corrupt("redis", "row"))?;
    if deadline <= now {
        return Ok(None);
    }
    row.drain(..HEAD);
    Ok(Some(KvEntry {
        value: row,
        deadline,
    }))
}

/// The names of rows.
pub(super) struct Keys {
    prefix: Vec<u8>,
}

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        let prefix = prefix.as_bytes().to_vec();
        Self { prefix }
    }

    pub(super) fn key(&self, part: Part, key: &[u8]) -> Vec<u8> {
        let mut name = self.prefix.clone();
        name.extend_from_slice(&tag(part));
        name.extend_from_slice(key);
        name
    }

    /// The key within its part.
    pub(super) fn inner<'a>(&self, name: &'a [u8]) -> Option<&'a [u8]> {
        name.strip_prefix(self.prefix.as_slice())?.get(6..)
    }

    pub(super) fn part(&self, name: &[u8]) -> Option<Part> {
        let tag = name.strip_prefix(self.prefix.as_slice())?.get(1..5)?;
        let text = std::str::from_utf8(tag).ok()?;
        let number = u16::from_str_radix(text, 16).ok()?;
        Some(Part::from_bytes(number.to_be_bytes()))
    }

    /// What the keys of one part, or of all, that begin with `beginning` look like to `SCAN`.
    pub(super) fn pattern(&self, part: Option<Part>, beginning: &[u8]) -> Vec<u8> {
        let mut pattern = literal(&self.prefix);
        match part {
            Some(part) => pattern.extend_from_slice(&tag(part)),
            None => pattern.extend_from_slice(b"{????}"),
        }
        pattern.extend(literal(beginning));
        pattern.push(b'*');
        pattern
    }
}

fn tag(part: Part) -> [u8; 6] {
    let digit = |nibble: u8| match nibble {
        0..10 => b'0' + nibble,
        _ => b'a' + (nibble - 10),
    };
    let [a, b] = *part.as_bytes();
    let [a, b, c, d] = [a >> 4, a & 15, b >> 4, b & 15].map(digit);
    [b'{', a, b, c, d, b'}']
}

/// A pattern that means these bytes and no others.
fn literal(bytes: &[u8]) -> Vec<u8> {
    let mut pattern = Vec::with_capacity(bytes.len());
    for byte in bytes {
        if b"*?[]\\^-".contains(byte) {
            pattern.push(b'\\');
        }
        pattern.push(*byte);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    // FT-17
    #[test]
    fn times_sort_as_their_bytes_do() {
        let times = [
            i64::MIN,
            i64::MIN + 1,
            -1,
            0,
            1,
            1 << 53,
            i64::MAX - 1,
            i64::MAX,
        ];
        let times = times.map(Timestamp::from_micros);
        assert!(times.map(sortable).is_sorted());
        for time in times {
            assert_eq!(deadline(&write(b"v", time)), Some(time));
        }
        assert_eq!(deadline(b"seven.."), None);
    }

    #[test]
    fn a_key_names_its_part_in_braces() {
        let keys = Keys::new("app:");
        let part = Part::from_bytes([0x0a, 0xf9]);
        let name = keys.key(part, b"s}{*");
        assert_eq!(name, b"app:{0af9}s}{*");
        assert_eq!(keys.part(&name), Some(part));
        assert_eq!(keys.inner(&name), Some(&b"s}{*"[..]));
        assert_eq!(keys.pattern(Some(part), b"*["), b"app:{0af9}\\*\\[*");
        assert_eq!(keys.pattern(None, b"s"), b"app:{????}s*");
    }
}
