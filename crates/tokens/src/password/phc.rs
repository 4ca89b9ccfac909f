//! The stored form: `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<tag>`, base64 without padding (PHC string format).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use zeroize::Zeroizing;

use super::argon2id::Tag;
use super::{Argon2Params, HashError};

pub(super) const SALT_BYTES: usize = 16;

/// The longest string written has 108 characters.
const MAX_BYTES: usize = 128;

/// A stored hash, taken apart.
pub(super) struct Phc {
    pub(super) params: Argon2Params,
    pub(super) salt: [u8; SALT_BYTES],
    pub(super) tag: Tag,
}

impl Phc {
    /// Reads exactly what [`Phc::write`] writes, of any cost up to the ceiling.
    pub(super) fn parse(text: &str) -> Result<Self, HashError> {
        if text.len() > MAX_BYTES {
            return Err(HashError::Malformed);
        }
        let phc = Self::read(text).ok_or(HashError::Malformed)?;
        // Writing it again catches every other spelling: leading zeros, signs, other versions of a number.
        if phc.params.exceeds_ceiling() || *phc.write() != *text {
            return Err(HashError::Malformed);
        }
        Ok(phc)
    }

    fn read(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("$argon2id$v=19$m=")?;
        let (memory, rest) = rest.split_once(",t=")?;
        let (iterations, rest) = rest.split_once(",p=")?;
        let (parallelism, rest) = rest.split_once('$')?;
        let (salt, tag) = rest.split_once('$')?;
        Some(Self {
            params: Argon2Params {
                memory_kib: memory.parse().ok()?,
                iterations: iterations.parse().ok()?,
                parallelism: parallelism.parse().ok()?,
            },
            salt: exactly(salt)?,
            tag: Zeroizing::new(exactly(tag)?),
        })
    }

    pub(super) fn write(&self) -> Zeroizing<String> {
        let Argon2Params {
            memory_kib,
            iterations,
            parallelism,
        } = self.params;
        let salt = STANDARD_NO_PAD.encode(self.salt);
        let tag = Zeroizing::new(STANDARD_NO_PAD.encode(*self.tag));
        Zeroizing::new(format!(
            "$argon2id$v=19$m={memory_kib},t={iterations},p={parallelism}${salt}${}",
            *tag
        ))
    }
}

/// Base64 of exactly `N` bytes.
fn exactly<const N: usize>(text: &str) -> Option<[u8; N]> {
    let bytes = Zeroizing::new(STANDARD_NO_PAD.decode(text).ok()?);
    bytes.as_slice().try_into().ok()
}

#[cfg(test)]
pub(super) fn bytes_of_b64(text: &str) -> Vec<u8> {
    STANDARD_NO_PAD.decode(text).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$\
                        AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE";

    // PW-10
    #[test]
    fn a_stored_hash_reads_back_as_it_was_written() {
        let phc = Phc::parse(GOOD).unwrap();
        assert_eq!(phc.params, Argon2Params::default());
        assert_eq!(phc.salt[..3], [0, 1, 2]);
        assert_eq!(*phc.tag, [1; 32]);
        assert_eq!(*phc.write(), GOOD);
    }

    // PW-10
    #[test]
    fn no_other_spelling_of_a_stored_hash_is_read() {
        for (from, to) in [
            ("$argon2id", "argon2id"),
            ("argon2id", "argon2i"),
            ("v=19", "v=16"),
            ("$v=19", ""),
            ("m=19456", "m=019456"),
            ("m=19456", "m=+19456"),
            ("m=19456", "m=-1"),
            ("m=19456,t=2", "t=2,m=19456"),
            ("p=1", "p=1,keyid=AA"),
            ("p=1", "p=1 "),
            ("AAEC", "AAE"),
            ("$AAEC", "$AAAAAAEC"),
            // The same bytes with a bit set that no byte has.
            ("DA0ODw$", "DA0ODx$"),
            ("DA0ODw$", "DA0ODw==$"),
            ("$AQEBAQEB", "$AQEB"),
            ("$AQEBAQEB", "$AQEBAQEB$"),
        ] {
            let text = GOOD.replacen(from, to, 1);
            assert_ne!(text, GOOD);
            assert!(Phc::parse(&text).is_err(), "{text}");
        }
        for text in ["", "$", &format!("{GOOD} "), &format!("{GOOD}$")] {
            assert!(Phc::parse(text).is_err(), "{text}");
        }
    }

    // PW-10
    #[test]
    fn a_stored_hash_above_the_ceiling_is_refused() {
        for (from, to) in [
            ("m=19456", "m=1048577"),
            ("m=19456", "m=4294967295"),
            ("t=2", "t=17"),
            ("p=1", "p=17"),
        ] {
            assert!(Phc::parse(&GOOD.replace(from, to)).is_err(), "{to}");
        }
        assert!(Phc::parse(&GOOD.replace("m=19456", "m=1048576")).is_ok());
    }
}
