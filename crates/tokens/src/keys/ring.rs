//! One purpose's keys.

use std::fmt;

use portcullis_core::entropy::{Entropy, EntropyError, random_bytes};
use portcullis_core::secret::TokenDigest;
use portcullis_core::time::Timestamp;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{KeyError, Purpose};
use crate::mac::{self, Label};

/// The largest version a key may have, so that the next one always fits.
pub(super) const VERSION_MAX: u32 = 1_000_000;

/// A 256-bit key: wiped when dropped, never printed, compared or serialised.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Key([u8; 32]);

impl Key {
    pub(super) fn random(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
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

/// A key and its place.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) info: KeyInfo,
    pub(super) key: Key,
}

/// The versions of one purpose's key, of which at least one is in use.
#[derive(Clone, Debug)]
pub struct KeyRing {
    /// The highest version that is not retired.
    newest: Entry,
    /// All others, ascending.
    others: Vec<Entry>,
}

impl KeyRing {
    pub(super) fn generate(entropy: &dyn Entropy, now: Timestamp) -> Result<Self, EntropyError> {
        let newest = Entry {
            info: KeyInfo {
                version: 1,
                created_at: now,
                retired_at: None,
            },
            key: Key::random(entropy)?,
        };
        Ok(Self {
            newest,
            others: Vec::new(),
        })
    }

    /// Checks what a ring must hold to: versions in range and distinct, no placeholders, one key in use.
    pub(super) fn from_entries(
        purpose: Purpose,
        mut entries: Vec<Entry>,
    ) -> Result<Self, KeyError> {
        entries.sort_by_key(|entry| entry.info.version);
        let mut previous = None;
        for Entry { info, key } in &entries {
            let version = info.version;
            if version == 0 || version > VERSION_MAX {
                return Err(KeyError::VersionOutOfRange { purpose, version });
            }
            if previous == Some(version) {
                return Err(KeyError::DuplicateVersion { purpose, version });
            }
            if key.is_placeholder() {
                return Err(KeyError::Placeholder { purpose, version });
            }
            previous = Some(version);
        }
        match entries
            .iter()
            .rposition(|entry| entry.info.retired_at.is_none())
        {
            Some(at) => Ok(Self {
                newest: entries.remove(at),
                others: entries,
            }),
            None if entries.is_empty() => Err(KeyError::MissingRing { purpose }),
            None => Err(KeyError::AllRetired { purpose }),
        }
    }

    /// The version that signs.
    #[must_use]
    pub const fn newest(&self) -> (u32, &Key) {
        (self.newest.info.version, &self.newest.key)
    }

    /// The lowest version that is not retired: it changes only by retiring, not by rotating.
    #[must_use]
    pub fn oldest(&self) -> (u32, &Key) {
        self.others
            .iter()
            .find(|entry| entry.info.retired_at.is_none())
            .map_or_else(|| self.newest(), |entry| (entry.info.version, &entry.key))
    }

    /// The key of a version, to verify with; `None` where it is unknown or retired.
    #[must_use]
    pub fn get(&self, version: u32) -> Option<&Key> {
        self.entries()
            .find(|entry| entry.info.version == version && entry.info.retired_at.is_none())
            .map(|entry| &entry.key)
    }

    /// Every version, ascending, retired ones too.
    #[must_use]
    pub fn versions(&self) -> Vec<KeyInfo> {
        let mut infos: Vec<_> = self.entries().map(|entry| entry.info).collect();
        infos.sort_by_key(|info| info.version);
        infos
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

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.others.iter().chain(std::iter::once(&self.newest))
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
