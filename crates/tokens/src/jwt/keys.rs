//! The keys of an instance: the newest signs, every one that is not retired verifies.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use portcullis_core::entropy::Entropy;
use portcullis_core::time::Timestamp;
use serde_json::{Value, json};

use super::{JwtAlgorithm, SigningKey, SigningKeyError};
use crate::keys::versions::{Entry, VersionFault, Versions};
use crate::keys::{KeyError, KeyInfo, KeySet, Live};

/// The keys that access tokens are signed and verified with, by version. Cheap to clone.
///
/// Rotation has two steps. [`JwtKeys::rotate`] adds a key that signs from then on, while tokens of the older ones stay
/// valid; [`JwtKeys::retire`], once the last of those has expired, ends a key for good. Versions may differ in algorithm.
#[derive(Clone, Debug)]
pub struct JwtKeys(Arc<Versions<SigningKey>>);

/// Live [`JwtKeys`].
pub type LiveJwtKeys = Live<JwtKeys>;

/// Whoever has the file decides: losing keys ends the tokens in circulation, which live for minutes, and nothing else.
impl KeySet for JwtKeys {
    type Error = JwtKeyError;

    fn read(path: &Path) -> Result<Self, JwtKeyError> {
        Self::load(path)
    }

    fn may_become(&self, _next: &Self) -> Result<(), JwtKeyError> {
        Ok(())
    }
}

/// A key's place and public name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwtKeyInfo {
    /// Version, age and retirement.
    pub key: KeyInfo,
    /// What it signs with.
    pub algorithm: JwtAlgorithm,
    /// What tokens name it by.
    pub kid: String,
}

/// Keys could not be loaded, saved or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JwtKeyError {
    /// The file could not be read or written, or is no key file.
    #[error(transparent)]
    File(#[from] KeyError),
    /// A key cannot be used.
    #[error(transparent)]
    Key(#[from] SigningKeyError),
    /// A key of the file cannot be used.
    #[error("version {version} of the JWT keys cannot be used")]
    Version {
        /// The version.
        version: u32,
        /// What is wrong with it.
        source: SigningKeyError,
    },
    /// There is no key at all.
    #[error("there are no JWT keys")]
    Empty,
    /// There are only retired keys.
    #[error("every JWT key is retired")]
    AllRetired,
    /// A version is 0 or above the largest accepted one.
    #[error("a JWT key has version {version}; versions are 1 to 1000000")]
    VersionOutOfRange {
        /// The version.
        version: u32,
    },
    /// Two keys have the same version.
    #[error("version {version} stands twice among the JWT keys")]
    DuplicateVersion {
        /// The version.
        version: u32,
    },
    /// The same key stands in two places, retired ones included.
    #[error("a JWT key stands twice: {kid}")]
    Repeated {
        /// Its public name.
        kid: String,
    },
    /// There is no such key to retire, or it is the one that signs.
    #[error("version {version} of the JWT keys cannot be retired: unknown, or the one in use")]
    NotRetirable {
        /// The version.
        version: u32,
    },
}

impl JwtKeys {
    /// Version 1, made at `now`.
    #[must_use]
    pub fn new(key: SigningKey, now: Timestamp) -> Self {
        Self(Arc::new(Versions::first(key, now)))
    }

    /// A new key as version 1; see [`SigningKey::generate`].
    ///
    /// # Errors
    /// [`SigningKeyError::Entropy`] where the source of randomness fails.
    pub fn generate(
        algorithm: JwtAlgorithm,
        entropy: &dyn Entropy,
        now: Timestamp,
    ) -> Result<Self, SigningKeyError> {
        Ok(Self::new(SigningKey::generate(algorithm, entropy)?, now))
    }

    /// An adopter's own private key as version 1; see [`SigningKey::from_pem`].
    ///
    /// # Errors
    /// [`SigningKeyError::NotAKey`].
    pub fn from_pem(
        algorithm: JwtAlgorithm,
        pem: &str,
        now: Timestamp,
    ) -> Result<Self, SigningKeyError> {
        Ok(Self::new(SigningKey::from_pem(algorithm, pem)?, now))
    }

    /// One HS256 secret, of unknown age, as version 1; see [`SigningKey::hs256`].
    ///
    /// # Errors
    /// [`SigningKeyError::SecretLength`] and [`SigningKeyError::WeakSecret`].
    pub fn hs256(secret: &[u8]) -> Result<Self, SigningKeyError> {
        Ok(Self::new(SigningKey::hs256(secret)?, Timestamp::UNIX_EPOCH))
    }

    /// These keys with `key` as the newest version, made at `now`. The older ones go on verifying.
    ///
    /// # Errors
    /// [`JwtKeyError::Repeated`] for a key that is, or was, among them; [`JwtKeyError::VersionOutOfRange`] past version
    /// 1,000,000.
    pub fn rotate(&self, key: SigningKey, now: Timestamp) -> Result<Self, JwtKeyError> {
        Self::checked(self.0.rotated(key, now))
    }

    /// These keys with one version retired at `now`: its tokens are refused from then on.
    ///
    /// # Errors
    /// [`JwtKeyError::NotRetirable`] for the newest version and for one that is unknown or retired already.
    pub fn retire(&self, version: u32, now: Timestamp) -> Result<Self, JwtKeyError> {
        Self::checked(self.0.retired(version, now))
    }

    /// What verifiers elsewhere need: a JWK Set (RFC 7517 section 5) of the public keys that are not retired, ascending.
    /// HS256 keys are never in it.
    #[must_use]
    pub fn jwks(&self) -> Value {
        let keys: Vec<_> = self
            .0
            .in_use()
            .filter_map(|entry| entry.key.jwk())
            .collect();
        json!({ "keys": keys })
    }

    /// The version that signs.
    #[must_use]
    pub fn newest(&self) -> (u32, &SigningKey) {
        self.0.newest()
    }

    /// Every version, ascending, retired ones too.
    #[must_use]
    pub fn versions(&self) -> Vec<JwtKeyInfo> {
        let info = |entry: &&Entry<SigningKey>| JwtKeyInfo {
            key: entry.info,
            algorithm: entry.key.algorithm(),
            kid: entry.key.kid().to_owned(),
        };
        self.0.sorted().iter().map(info).collect()
    }

    /// The key of that name, to verify with; `None` where it is unknown or retired.
    pub(super) fn find(&self, kid: &str) -> Option<&SigningKey> {
        self.0
            .in_use()
            .map(|entry| &entry.key)
            .find(|key| key.kid() == kid)
    }

    pub(super) fn sorted(&self) -> Vec<&Entry<SigningKey>> {
        self.0.sorted()
    }

    pub(super) fn from_entries(entries: Vec<Entry<SigningKey>>) -> Result<Self, JwtKeyError> {
        Self::checked(Versions::from_entries(entries))
    }

    /// One name must mean one key, and one key one algorithm.
    fn checked(versions: Result<Versions<SigningKey>, VersionFault>) -> Result<Self, JwtKeyError> {
        let versions = versions.map_err(JwtKeyError::from)?;
        let mut seen = HashSet::new();
        for entry in versions.entries() {
            let kid = entry.key.kid();
            if !seen.insert(kid) {
                return Err(JwtKeyError::Repeated {
                    kid: kid.to_owned(),
                });
            }
        }
        Ok(Self(Arc::new(versions)))
    }
}

impl From<VersionFault> for JwtKeyError {
    fn from(fault: VersionFault) -> Self {
        match fault {
            VersionFault::Empty => Self::Empty,
            VersionFault::AllRetired => Self::AllRetired,
            VersionFault::OutOfRange(version) => Self::VersionOutOfRange { version },
            VersionFault::Duplicate(version) => Self::DuplicateVersion { version },
            VersionFault::NotRetirable(version) => Self::NotRetirable { version },
        }
    }
}
