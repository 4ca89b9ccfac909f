//! The versions of a key: the newest signs, every one that is not retired verifies.

use portcullis_core::time::Timestamp;

use super::KeyInfo;

/// The largest version a key may have, so that the next one always fits.
pub(crate) const VERSION_MAX: u32 = 1_000_000;

/// A key and its place.
#[derive(Clone, Debug)]
pub(crate) struct Entry<K> {
    pub(crate) info: KeyInfo,
    pub(crate) key: K,
}

/// The versions of one key, of which at least one is in use.
#[derive(Clone, Debug)]
pub(crate) struct Versions<K> {
    /// The highest version that is not retired.
    newest: Entry<K>,
    /// All others, ascending.
    others: Vec<Entry<K>>,
}

/// Why keys are no [`Versions`], or cannot be changed so.
#[derive(Clone, Copy, Debug)]
pub(crate) enum VersionFault {
    Empty,
    AllRetired,
    OutOfRange(u32),
    Duplicate(u32),
    NotRetirable(u32),
}

impl<K> Versions<K> {
    /// Version 1 alone, made at `now`.
    pub(crate) const fn first(key: K, now: Timestamp) -> Self {
        Self {
            newest: Entry::new(1, key, now),
            others: Vec::new(),
        }
    }

    /// Checks what versions must hold to: in range, distinct, one in use.
    pub(crate) fn from_entries(mut entries: Vec<Entry<K>>) -> Result<Self, VersionFault> {
        entries.sort_by_key(|entry| entry.info.version);
        let mut previous = None;
        for Entry { info, .. } in &entries {
            let version = info.version;
            if version == 0 || version > VERSION_MAX {
                return Err(VersionFault::OutOfRange(version));
            }
            if previous == Some(version) {
                return Err(VersionFault::Duplicate(version));
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
            None if entries.is_empty() => Err(VersionFault::Empty),
            None => Err(VersionFault::AllRetired),
        }
    }

    /// The version that signs.
    pub(crate) const fn newest(&self) -> (u32, &K) {
        (self.newest.info.version, &self.newest.key)
    }

    /// Those that verify, ascending.
    pub(crate) fn in_use(&self) -> impl Iterator<Item = &Entry<K>> {
        self.entries()
            .filter(|entry| entry.info.retired_at.is_none())
    }

    /// Every one, retired ones too.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry<K>> {
        self.others.iter().chain(std::iter::once(&self.newest))
    }

    /// Every one, ascending, retired ones too.
    pub(crate) fn sorted(&self) -> Vec<&Entry<K>> {
        let mut entries: Vec<_> = self.entries().collect();
        entries.sort_by_key(|entry| entry.info.version);
        entries
    }
}

impl<K: Clone> Versions<K> {
    /// With a new newest version, made at `now`.
    pub(crate) fn rotated(&self, key: K, now: Timestamp) -> Result<Self, VersionFault> {
        let mut entries: Vec<_> = self.entries().cloned().collect();
        let highest = entries.iter().map(|entry| entry.info.version).max();
        let version = highest.unwrap_or(0).saturating_add(1);
        entries.push(Entry::new(version, key, now));
        Self::from_entries(entries)
    }

    /// With one version retired at `now`: not the newest, and not one that is unknown or retired already.
    pub(crate) fn retired(&self, version: u32, now: Timestamp) -> Result<Self, VersionFault> {
        let mut entries: Vec<_> = self.entries().cloned().collect();
        let entry = entries
            .iter_mut()
            .find(|entry| entry.info.version == version && entry.info.retired_at.is_none());
        match entry {
            Some(entry) if version != self.newest.info.version => {
                entry.info.retired_at = Some(now);
            }
            _ => return Err(VersionFault::NotRetirable(version)),
        }
        Self::from_entries(entries)
    }
}

impl<K> Entry<K> {
    const fn new(version: u32, key: K, now: Timestamp) -> Self {
        Self {
            info: KeyInfo {
                version,
                created_at: now,
                retired_at: None,
            },
            key,
        }
    }
}
