//! HMAC-SHA256 (RFC 2104, FIPS 180-4), plain and over framed parts.

use hmac::digest::array::Array;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroize;

/// The block of SHA-256, which a shorter key is filled up to.
pub(crate) const BLOCK_BYTES: usize = 64;

/// What a keyed digest is for, so that one key's digests of one kind can never pass for another kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Label {
    Keyed,
    Identifier,
    KeyMarker,
    #[cfg(feature = "jwt")]
    JwtKeyId,
}

impl Label {
    const fn text(self) -> &'static str {
        match self {
            Self::Keyed => "portcullis keyed v1",
            Self::Identifier => "portcullis identifier v1",
            Self::KeyMarker => "portcullis key marker v1",
            #[cfg(feature = "jwt")]
            Self::JwtKeyId => "portcullis jwt key id v1",
        }
    }
}

/// The digest of one message.
pub(crate) fn hmac(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let mut mac = keyed(key);
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// The digest of parts that run together as one message. A key that fills no block has zeros behind it.
pub(crate) fn hmac_of(key: &[u8; BLOCK_BYTES], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = keyed(key);
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// The digest of a label and parts, each preceded by its length so that no two lists of parts read alike.
///
/// The first byte is always zero (the label is short), which no token text starts with.
pub(crate) fn framed(key: &[u8; 32], label: Label, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = keyed(key);
    for part in std::iter::once(&label.text().as_bytes()).chain(parts) {
        mac.update(&length(part));
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// The framed parts as one text, for where a primitive wants its context in one piece.
pub(crate) fn frame(parts: &[&[u8]]) -> Vec<u8> {
    let mut framed = Vec::new();
    for part in parts {
        framed.extend_from_slice(&length(part));
        framed.extend_from_slice(part);
    }
    framed
}

fn length(part: &[u8]) -> [u8; 8] {
    u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes()
}

/// HMAC fills a short key up with zeros to the block (RFC 2104 section 2); done here, the constructor cannot fail.
fn keyed<const BYTES: usize>(key: &[u8; BYTES]) -> Hmac<Sha256> {
    const { assert!(BYTES <= BLOCK_BYTES, "longer keys are hashed first") };
    let mut block = Array::default();
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    let mac = Hmac::<Sha256>::new(&block);
    block.as_mut_slice().zeroize();
    mac
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Vectors {
        source: String,
        cases: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        name: String,
        key: String,
        data: String,
        mac: String,
    }

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect()
    }

    #[test]
    fn hmac_gives_the_published_answers() {
        let vectors: Vectors =
            serde_json::from_str(include_str!("../tests/vectors/hmac-sha256.json")).unwrap();
        assert!(vectors.source.contains("RFC 4231"));
        assert_eq!(vectors.cases.len(), 4);
        for case in vectors.cases {
            // A key shorter than the block means the same with zeros behind it.
            let mut key = bytes(&case.key);
            key.resize(32, 0);
            let mac = hmac(&key.try_into().unwrap(), &bytes(&case.data));
            assert_eq!(mac.to_vec(), bytes(&case.mac), "{}", case.name);
        }
    }

    #[test]
    fn parts_cannot_run_together() {
        let mac = |label, parts: &[&[u8]]| framed(&[1; 32], label, parts);
        let all = [
            mac(Label::Keyed, &[b"ab", b"c"]),
            mac(Label::Keyed, &[b"a", b"bc"]),
            mac(Label::Keyed, &[b"abc"]),
            mac(Label::Keyed, &[b"abc", b""]),
            mac(Label::Identifier, &[b"ab", b"c"]),
        ];
        for (index, one) in all.iter().enumerate() {
            assert!(all.iter().skip(index + 1).all(|other| other != one));
        }
    }
}
