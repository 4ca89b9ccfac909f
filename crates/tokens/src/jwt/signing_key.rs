//! One key: its algorithm, its name, and what it signs and verifies.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_core::entropy::{Entropy, EntropyError};
use serde_json::Value;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::crypto::{self, KeyPair};
use super::jwk::PublicKey;
use super::pem::{self, Label};
use super::secret::{self, SECRET_MAX_BYTES, SECRET_MIN_BYTES};
use super::{JwtAlgorithm, der};
use crate::keys::Key;
use crate::mac;

/// A key that access tokens are signed with, for one algorithm.
///
/// Its `kid` is the RFC 7638 thumbprint of the public key, or for HS256 a keyed fingerprint of the secret: 43 characters
/// of base64url, the same wherever the key is loaded. The private half is wiped when dropped, and never printed, compared
/// or serialised.
#[derive(Clone)]
pub struct SigningKey {
    algorithm: JwtAlgorithm,
    kid: String,
    pair: KeyPair,
    /// None of a secret.
    public: Option<PublicKey>,
}

/// The key cannot be used. Nothing of it is quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SigningKeyError {
    /// Not a private key that the algorithm can use.
    #[error(
        "not a private key for {algorithm}: wanted is one unencrypted PEM block, PKCS#8 (`openssl pkcs8 -topk8 -nocrypt`) \
         or for RSA also PKCS#1, with a key for Ed25519, for P-256, or for RSA of 2048 to 8192 bits"
    )]
    NotAKey {
        /// What it was meant for.
        algorithm: JwtAlgorithm,
    },
    /// The secret has fewer than 32 bytes, or more than 1,024.
    #[error("an HS256 secret has {SECRET_MIN_BYTES} to {SECRET_MAX_BYTES} bytes")]
    SecretLength,
    /// The secret is text, a pattern, or a key of another kind.
    #[error(
        "an HS256 secret must be random bytes: this is text, a pattern or a key; decode hexadecimal or base64 first"
    )]
    WeakSecret,
    /// The source of randomness failed.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

impl SigningKey {
    /// A new key: for RSA of 3072 bits, for HS256 a secret of 32 bytes.
    ///
    /// RSA primes come from AWS-LC's own generator, which the operating system seeds; all other keys from `entropy`.
    ///
    /// # Errors
    /// [`SigningKeyError::Entropy`] where the source of randomness fails, or answers one byte over and over.
    pub fn generate(
        algorithm: JwtAlgorithm,
        entropy: &dyn Entropy,
    ) -> Result<Self, SigningKeyError> {
        let bytes = match algorithm {
            JwtAlgorithm::EdDsa => der::ed25519(Key::random(entropy)?.bytes()),
            // Of 2^32 random scalars one is out of range, and is refused below.
            JwtAlgorithm::Es256 => der::p256(Key::random(entropy)?.bytes()),
            JwtAlgorithm::Hs256 => Zeroizing::new(Key::random(entropy)?.bytes().to_vec()),
            JwtAlgorithm::Rs256 | JwtAlgorithm::Ps256 => crypto::new_rsa().ok_or(EntropyError)?,
        };
        Self::from_bytes(algorithm, &bytes).map_err(|_| EntropyError.into())
    }

    /// An adopter's own private key: one PEM block, unencrypted, PKCS#8 or for RSA also PKCS#1. RSA keys have 2048 to
    /// 8192 bits.
    ///
    /// # Errors
    /// [`SigningKeyError::NotAKey`] for anything else: public keys, certificates, other curves, and HS256, which has no
    /// PEM form.
    pub fn from_pem(algorithm: JwtAlgorithm, pem: &str) -> Result<Self, SigningKeyError> {
        let refused = SigningKeyError::NotAKey { algorithm };
        let (label, der) = pem::private_key(pem).ok_or(refused)?;
        let key = match (algorithm, label) {
            (JwtAlgorithm::EdDsa | JwtAlgorithm::Es256, Label::Pkcs8)
            | (JwtAlgorithm::Rs256 | JwtAlgorithm::Ps256, Label::Rsa) => &der[..],
            (JwtAlgorithm::Rs256 | JwtAlgorithm::Ps256, Label::Pkcs8) => {
                der::rsa_in_pkcs8(&der).ok_or(refused)?
            }
            (JwtAlgorithm::EdDsa | JwtAlgorithm::Es256, Label::Rsa) | (JwtAlgorithm::Hs256, _) => {
                return Err(refused);
            }
        };
        Self::from_bytes(algorithm, key)
    }

    /// A secret for HS256: 32 to 1,024 random bytes.
    ///
    /// # Errors
    /// [`SigningKeyError::SecretLength`], and [`SigningKeyError::WeakSecret`] for text (a passphrase, but also the
    /// hexadecimal or base64 form of a secret, which is to be decoded first), for patterns and for keys of other kinds.
    pub fn hs256(secret: &[u8]) -> Result<Self, SigningKeyError> {
        Self::from_bytes(JwtAlgorithm::Hs256, secret)
    }

    /// From what [`SigningKey::secret`] gives.
    pub(super) fn from_bytes(
        algorithm: JwtAlgorithm,
        bytes: &[u8],
    ) -> Result<Self, SigningKeyError> {
        if algorithm == JwtAlgorithm::Hs256 {
            if !(SECRET_MIN_BYTES..=SECRET_MAX_BYTES).contains(&bytes.len()) {
                return Err(SigningKeyError::SecretLength);
            }
            if !secret::looks_random(bytes) {
                return Err(SigningKeyError::WeakSecret);
            }
        } else if !der::is_key(bytes) {
            // AWS-LC would overlook what stands behind the key.
            return Err(SigningKeyError::NotAKey { algorithm });
        }
        let (pair, public) =
            KeyPair::new(algorithm, bytes).ok_or(SigningKeyError::NotAKey { algorithm })?;
        let kid = public
            .as_ref()
            .map_or_else(|| fingerprint(bytes), PublicKey::thumbprint);
        Ok(Self {
            algorithm,
            kid,
            pair,
            public,
        })
    }

    /// What it signs with.
    #[must_use]
    pub const fn algorithm(&self) -> JwtAlgorithm {
        self.algorithm
    }

    /// What tokens name it by.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public key; `None` for HS256, which has none.
    #[must_use]
    pub fn jwk(&self) -> Option<Value> {
        let public = self.public.as_ref()?;
        Some(public.jwk(self.algorithm, &self.kid))
    }

    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        self.pair.sign(message)
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &Vec<u8>) -> bool {
        self.pair.verifies(message, signature)
    }

    /// The secret, PKCS#8 or `RSAPrivateKey`, for the key file.
    pub(super) fn secret(&self) -> &[u8] {
        self.pair.secret()
    }
}

/// Names a secret and reveals nothing of it: a MAC under a key of its own, so that no signature is the same.
fn fingerprint(secret: &[u8]) -> String {
    let key = Zeroizing::new(<[u8; 32]>::from(Sha256::digest(secret)));
    URL_SAFE_NO_PAD.encode(mac::framed(&key, mac::Label::JwtKeyId, &[]))
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "SigningKey({}, {}, [redacted])",
            self.algorithm, self.kid
        )
    }
}
