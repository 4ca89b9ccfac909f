//! Sealing: encryption of secrets that must be read again (TOTP keys, parameters of queued mail).
//!
//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) with a random 192-bit nonce, wide enough that chance never repeats
//! one. The context says where the ciphertext belongs - table, column, row - and is authenticated with it, so that a
//! ciphertext moved to another row does not open (ASVS 11.3.2). The key's version stands beside the bytes.

use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use portcullis_core::entropy::{Entropy, EntropyError, random_bytes};
use portcullis_core::secret::{Sealed, SecretText};
use zeroize::Zeroizing;

use crate::keys::{Key, KeyRing, LiveKeys, Purpose};
use crate::mac::frame;

const NONCE_BYTES: usize = 24;
/// What a holder's text is hashed for where a key is derived from it.
const HOLDER_DOMAIN: &str = "seal for holder";

/// Sealed bytes cannot be opened. Never a reason to go on without them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The key they were sealed with is missing: an outage, since other bytes may need it too.
    #[error("sealed with version {version} of the sealing key, which is missing")]
    UnknownKey {
        /// The version.
        version: u32,
    },
    /// The key they were sealed with is retired: what they were is over.
    #[error("sealed with version {version} of the sealing key, which is retired")]
    RetiredKey {
        /// The version.
        version: u32,
    },
    /// The bytes were changed, or belong to another context.
    #[error("sealed bytes were changed or moved")]
    Tampered,
}

/// Seals and opens under the sealing ring. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sealer {
    keys: LiveKeys,
}

impl Sealer {
    /// Seals with the newest key of the ring, opens with every key that is not retired.
    #[must_use]
    pub fn new(keys: impl Into<LiveKeys>) -> Self {
        Self { keys: keys.into() }
    }

    /// Encrypts `plaintext` for `context`, whose parts are length-prefixed and cannot run together.
    ///
    /// # Errors
    /// [`EntropyError`] where no nonce can be drawn; also for a plaintext over 256 GiB, which the cipher refuses.
    pub fn seal(
        &self,
        context: &[&[u8]],
        plaintext: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Sealed, EntropyError> {
        let keys = self.keys.current();
        let (key_version, key) = keys.ring(Purpose::Sealing).newest();
        let nonce = random_bytes::<NONCE_BYTES>(entropy)?;
        let bytes = encrypt(key.bytes(), nonce, &frame(context), plaintext).ok_or(EntropyError)?;
        Ok(Sealed { key_version, bytes })
    }

    /// Decrypts what was sealed for the same `context`; the bytes are wiped when dropped.
    ///
    /// # Errors
    /// [`SealError`] where the key is unknown or retired, and where bytes or context differ in any bit.
    pub fn open(
        &self,
        context: &[&[u8]],
        sealed: &Sealed,
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let version = sealed.key_version;
        let keys = self.keys.with_version(Purpose::Sealing, version);
        let key = usable(keys.ring(Purpose::Sealing), version)?;
        decrypt(key.bytes(), &frame(context), &sealed.bytes).ok_or(SealError::Tampered)
    }

    /// Encrypts for `context` and for whoever holds `holder`: without that text not even the keys and the database
    /// together open it.
    ///
    /// # Errors
    /// As [`Sealer::seal`].
    pub fn seal_for(
        &self,
        holder: &SecretText,
        context: &[&[u8]],
        plaintext: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Sealed, EntropyError> {
        let keys = self.keys.current();
        let derived = keys
            .ring(Purpose::Sealing)
            .mac(HOLDER_DOMAIN, &[holder.expose().as_bytes()]);
        let nonce = random_bytes::<NONCE_BYTES>(entropy)?;
        let key = Zeroizing::new(derived.bytes);
        let bytes = encrypt(&key, nonce, &frame(context), plaintext).ok_or(EntropyError)?;
        Ok(Sealed {
            key_version: derived.key_version,
            bytes,
        })
    }

    /// Decrypts what [`Sealer::seal_for`] made for this holder and context.
    ///
    /// # Errors
    /// As [`Sealer::open`]; another holder is [`SealError::Tampered`].
    pub fn open_for(
        &self,
        holder: &SecretText,
        context: &[&[u8]],
        sealed: &Sealed,
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let version = sealed.key_version;
        let keys = self.keys.with_version(Purpose::Sealing, version);
        let ring = keys.ring(Purpose::Sealing);
        usable(ring, version)?;
        let derived = ring.mac_with(version, HOLDER_DOMAIN, &[holder.expose().as_bytes()]);
        let key = Zeroizing::new(derived.ok_or(SealError::UnknownKey { version })?.bytes);
        decrypt(&key, &frame(context), &sealed.bytes).ok_or(SealError::Tampered)
    }
}

/// A key that is there and not retired.
fn usable(ring: &KeyRing, version: u32) -> Result<&Key, SealError> {
    match ring.get(version) {
        Some(key) => Ok(key),
        None if ring.knows(version) => Err(SealError::RetiredKey { version }),
        None => Err(SealError::UnknownKey { version }),
    }
}

/// Nonce, ciphertext and tag in one piece.
fn encrypt(
    key: &[u8; 32],
    nonce: [u8; NONCE_BYTES],
    context: &[u8],
    plaintext: &[u8],
) -> Option<Vec<u8>> {
    // Encrypted in the buffer that is returned, which has its room from the start: no copy of the plaintext is left.
    let mut bytes = Vec::with_capacity(NONCE_BYTES + plaintext.len() + 16);
    bytes.extend_from_slice(&nonce);
    bytes.extend_from_slice(plaintext);
    let (_, text) = bytes.split_at_mut_checked(NONCE_BYTES)?;
    let tag = XChaCha20Poly1305::new(key.into())
        .encrypt_inout_detached(&XNonce::from(nonce), context, text.into())
        .ok()?;
    bytes.extend_from_slice(&tag);
    Some(bytes)
}

fn decrypt(key: &[u8; 32], context: &[u8], bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, ciphertext) = bytes.split_first_chunk::<NONCE_BYTES>()?;
    let (ciphertext, tag) = ciphertext.split_last_chunk::<16>()?;
    let mut text = Zeroizing::new(ciphertext.to_vec());
    XChaCha20Poly1305::new(key.into())
        .decrypt_inout_detached(
            &XNonce::from(*nonce),
            context,
            text.as_mut_slice().into(),
            tag.into(),
        )
        .ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use portcullis_core::entropy::SeededEntropy;
    use portcullis_core::time::Timestamp;
    use serde::Deserialize;

    use super::*;
    use crate::keys::KeyRings;

    #[derive(Deserialize)]
    struct Vector {
        source: String,
        key: String,
        nonce: String,
        aad: String,
        plaintext: String,
        sealed: String,
    }

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect()
    }

    // RT-03
    #[test]
    fn what_is_sealed_for_a_holder_opens_for_nobody_else() {
        let keys = KeyRings::generate(&SeededEntropy::new(1), Timestamp::UNIX_EPOCH).unwrap();
        let (sealer, entropy) = (Sealer::new(keys), SeededEntropy::new(2));
        let (ada, eve) = (
            SecretText::new("ada's token"),
            SecretText::new("eve's token"),
        );
        let sealed = sealer
            .seal_for(&ada, &[b"family"], b"next", &entropy)
            .unwrap();
        assert_eq!(
            sealer
                .open_for(&ada, &[b"family"], &sealed)
                .unwrap()
                .as_slice(),
            b"next"
        );
        assert!(sealer.open_for(&eve, &[b"family"], &sealed).is_err());
        assert!(sealer.open_for(&ada, &[b"other"], &sealed).is_err());
        assert!(sealer.open(&[b"family"], &sealed).is_err());
    }

    // CR-03
    #[test]
    fn sealing_gives_the_published_answer() {
        let vector: Vector =
            serde_json::from_str(include_str!("../tests/vectors/xchacha20-poly1305.json")).unwrap();
        assert!(vector.source.contains("draft-irtf-cfrg-xchacha"));
        let key = bytes(&vector.key).try_into().unwrap();
        let nonce: [u8; NONCE_BYTES] = bytes(&vector.nonce).try_into().unwrap();
        let (aad, plaintext) = (bytes(&vector.aad), vector.plaintext.as_bytes());
        let sealed = encrypt(&key, nonce, &aad, plaintext).unwrap();
        assert_eq!(sealed[..NONCE_BYTES], nonce);
        assert_eq!(sealed[NONCE_BYTES..], bytes(&vector.sealed));
        assert_eq!(*decrypt(&key, &aad, &sealed).unwrap(), plaintext);
    }
}
