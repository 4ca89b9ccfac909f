//! All rings of an instance.

use std::collections::HashSet;
use std::sync::Arc;

use portcullis_core::entropy::{Entropy, EntropyError};
use portcullis_core::time::Timestamp;

use super::ring::Key;
use super::versions::Entry;
use super::{KeyError, KeyMarker, KeyRing, Purpose};

/// One [`KeyRing`] a purpose. Cheap to clone: all clones share one copy of the keys.
#[derive(Clone, Debug)]
pub struct KeyRings(Arc<Rings>);

#[derive(Clone, Debug)]
struct Rings {
    token_pepper: KeyRing,
    password_pepper: KeyRing,
    sealing: KeyRing,
    form_token: KeyRing,
}

impl KeyRings {
    /// Version 1 of every purpose, freshly made at `now`.
    ///
    /// # Errors
    /// [`EntropyError`] where the source of randomness fails, or answers one byte over and over.
    pub fn generate(entropy: &dyn Entropy, now: Timestamp) -> Result<Self, EntropyError> {
        Ok(Self(Arc::new(Rings {
            token_pepper: KeyRing::generate(entropy, now)?,
            password_pepper: KeyRing::generate(entropy, now)?,
            sealing: KeyRing::generate(entropy, now)?,
            form_token: KeyRing::generate(entropy, now)?,
        })))
    }

    /// Rings from entries that were read, each checked, and no key twice among them.
    pub(super) fn from_entries(
        mut entries: impl FnMut(Purpose) -> Result<Vec<Entry<Key>>, KeyError>,
    ) -> Result<Self, KeyError> {
        let mut ring = |purpose| KeyRing::from_entries(purpose, entries(purpose)?);
        let rings = Self(Arc::new(Rings {
            token_pepper: ring(Purpose::TokenPepper)?,
            password_pepper: ring(Purpose::PasswordPepper)?,
            sealing: ring(Purpose::Sealing)?,
            form_token: ring(Purpose::FormToken)?,
        }));
        rings.refuse_repeated()?;
        Ok(rings)
    }

    /// The ring of a purpose.
    #[must_use]
    pub fn ring(&self, purpose: Purpose) -> &KeyRing {
        match purpose {
            Purpose::TokenPepper => &self.0.token_pepper,
            Purpose::PasswordPepper => &self.0.password_pepper,
            Purpose::Sealing => &self.0.sealing,
            Purpose::FormToken => &self.0.form_token,
        }
    }

    /// What the database keeps to recognise these keys by; it reveals nothing of them.
    #[must_use]
    pub fn marker(&self) -> KeyMarker {
        KeyMarker::of(self)
    }

    /// These rings with a new newest version of one purpose, made at `now`. The older ones go on verifying.
    ///
    /// # Errors
    /// [`KeyError::Entropy`] where the source of randomness fails; [`KeyError::VersionOutOfRange`] past version
    /// 1,000,000.
    pub fn rotate(
        &self,
        purpose: Purpose,
        entropy: &dyn Entropy,
        now: Timestamp,
    ) -> Result<Self, KeyError> {
        let key = Key::random(entropy)?;
        Ok(self.with(purpose, self.ring(purpose).rotated(purpose, key, now)?))
    }

    /// These rings with one version of one purpose retired at `now`: nothing verifies or opens under it any more.
    ///
    /// # Errors
    /// [`KeyError::NotRetirable`] for the newest version and for one that is unknown or retired already.
    pub fn retire(&self, purpose: Purpose, version: u32, now: Timestamp) -> Result<Self, KeyError> {
        Ok(self.with(purpose, self.ring(purpose).retired(purpose, version, now)?))
    }

    fn with(&self, purpose: Purpose, ring: KeyRing) -> Self {
        let mut rings = Rings::clone(&self.0);
        match purpose {
            Purpose::TokenPepper => rings.token_pepper = ring,
            Purpose::PasswordPepper => rings.password_pepper = ring,
            Purpose::Sealing => rings.sealing = ring,
            Purpose::FormToken => rings.form_token = ring,
        }
        Self(Arc::new(rings))
    }

    /// One key in two places would let one purpose's digests stand for another's.
    fn refuse_repeated(&self) -> Result<(), KeyError> {
        let mut seen = HashSet::new();
        for purpose in Purpose::ALL {
            for entry in self.ring(purpose).entries() {
                if !seen.insert(entry.key.bytes()) {
                    let version = entry.info.version;
                    return Err(KeyError::Repeated { purpose, version });
                }
            }
        }
        Ok(())
    }
}
