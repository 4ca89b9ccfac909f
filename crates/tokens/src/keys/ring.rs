//! One purpose's keys.

use std::fmt;

use portcullis_core::entropy::{Entropy, EntropyError, random_bytes};
use portcullis_core::secret::TokenDigest;
use portcullis_core::time::Timestamp;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::versions::{Entry, VersionFault, Versions};
use super::{KeyError, Purpose};
use crate::mac::{self, Label};

/// A 256-bit key: wiped when dropped, never printed, compared or serialised.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Key([u8; 32]);

impl Key {
    pub(crate) fn random(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let key = Self(random_bytes(entropy)?);
        // A source that answers one byte over and over is broken, whatever it reports.
        if key.is_placeholder() {
            return Err(EntropyError);
        }
        Ok(key)
    }

    pub(super) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(super) fn is_placeholder(&self) -> bool {
        self.0.iter().min() == self.0.iter().max()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key([redacted])")
    }
}

/// A key's place in the life of its ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    /// The version, from 1.
    pub version: u32,
    /// When the key was made.
    pub created_at: Timestamp,
    /// When the key stopped verifying, if it did.
    pub retired_at: Option<Timestamp>,
}

/// The versions of one purpose's key, of which at least one is in use.
#[derive(Clone, Debug)]
pub struct KeyRing(Versions<Key>);

impl KeyRing {
    pub(super) fn generate(entropy: &dyn Entropy, now: Timestamp) -> Result<Self, EntropyError> {
        Ok(Self(Versions::first(Key::random(entropy)?, now)))
    }

    /// Checks what a ring must hold to: versions in range and distinct, no placeholders, one key in use.
    pub(super) fn from_entries(
        purpose: Purpose,
        entries: Vec<Entry<Key>>,
    ) -> Result<Self, KeyError> {
        if let Some(entry) = entries.iter().find(|entry| entry.key.is_placeholder()) {
            let version = entry.info.version;
            return Err(KeyError::Placeholder { purpose, version });
        }
        Self::of(purpose, Versions::from_entries(entries))
    }

    pub(super) fn rotated(
        &self,
        purpose: Purpose,
        key: Key,
        now: Timestamp,
    ) -> Result<Self, KeyError> {
        Self::of(purpose, self.0.rotated(key, now))
    }

    pub(super) fn retired(
        &self,
        purpose: Purpose,
        version: u32,
        now: Timestamp,
    ) -> Result<Self, KeyError> {
        Self::of(purpose, self.0.retired(version, now))
    }

    fn of(
        purpose: Purpose,
        versions: Result<Versions<Key>, VersionFault>,
    ) -> Result<Self, KeyError> {
        versions.map(Self).map_err(|fault| match fault {
            VersionFault::Empty => KeyError::MissingRing { purpose },
            VersionFault::AllRetired => KeyError::AllRetired { purpose },
            VersionFault::OutOfRange(version) => KeyError::VersionOutOfRange { purpose, version },
            VersionFault::Duplicate(version) => KeyError::DuplicateVersion { purpose, version },
            VersionFault::NotRetirable(version) => KeyError::NotRetirable { purpose, version },
        })
    }

    /// The version that signs.
    #[must_use]
    pub const fn newest(&self) -> (u32, &Key) {
        self.0.newest()
    }

    /// The lowest version that is not retired: it changes only by retiring, not by rotating.
    #[must_use]
    pub fn oldest(&self) -> (u32, &Key) {
        self.0
            .in_use()
            .next()
            .map_or_else(|| self.newest(), |entry| (entry.info.version, &entry.key))
    }

    /// The key of a version, to verify with; `None` where it is unknown or retired.
    #[must_use]
    pub fn get(&self, version: u32) -> Option<&Key> {
        self.0
            .in_use()
            .find(|entry| entry.info.version == version)
            .map(|entry| &entry.key)
    }

    /// Whether there is a key of this version, retired or not.
    #[must_use]
    pub fn knows(&self, version: u32) -> bool {
        self.0.entries().any(|entry| entry.info.version == version)
    }

    /// Every version, ascending, retired ones too.
    #[must_use]
    pub fn versions(&self) -> Vec<KeyInfo> {
        self.sorted().iter().map(|entry| entry.info).collect()
    }

    /// A digest of `parts` for `domain` under the newest key: HMAC-SHA256 with every part preceded by its length.
    ///
    /// `domain` says what the digest is for; digests of two domains never match.
    #[must_use]
    pub fn mac(&self, domain: &str, parts: &[&[u8]]) -> TokenDigest {
        let (version, key) = self.newest();
        keyed(version, key, domain, parts)
    }

    /// The digest that [`KeyRing::mac`] made or would have made with the key of `version`; `None` where that key is
    /// unknown or retired.
    #[must_use]
    pub fn mac_with(&self, version: u32, domain: &str, parts: &[&[u8]]) -> Option<TokenDigest> {
        Some(keyed(version, self.get(version)?, domain, parts))
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry<Key>> {
        self.0.entries()
    }

    pub(super) fn sorted(&self) -> Vec<&Entry<Key>> {
        self.0.sorted()
    }
}

fn keyed(version: u32, key: &Key, domain: &str, parts: &[&[u8]]) -> TokenDigest {
    let mut all = Vec::with_capacity(parts.len() + 1);
    all.push(domain.as_bytes());
    all.extend_from_slice(parts);
    TokenDigest {
        bytes: mac::framed(key.bytes(), Label::Keyed, &all),
        key_version: version,
    }
}
