//! Keys that can be replaced while they are in use.

use std::error::Error;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::stamp::Stamp;
use super::{KeyError, KeyRings, Purpose};

/// Live [`KeyRings`].
pub type LiveKeys = Live<KeyRings>;

/// Keys that a file holds as a whole: [`KeyRings`], and the keys of access tokens.
pub trait KeySet: Clone + Debug + Send + Sync + Sized + 'static {
    /// Why they could not be had.
    type Error: Error + Send + Sync + 'static;

    /// Reads the file.
    ///
    /// # Errors
    /// Where it is missing, unsafe or no such file.
    fn read(path: &Path) -> Result<Self, Self::Error>;

    /// Whether a running instance may go on with `next`.
    ///
    /// # Errors
    /// Where `next` belongs to another instance.
    fn may_become(&self, next: &Self) -> Result<(), Self::Error>;
}

impl KeySet for KeyRings {
    type Error = KeyError;

    fn read(path: &Path) -> Result<Self, KeyError> {
        Self::load(path)
    }

    fn may_become(&self, next: &Self) -> Result<(), KeyError> {
        self.marker().accepts(&next.marker())?;
        Ok(())
    }
}

/// Keys in use: all clones are one, and whoever replaces them does so for everybody.
///
/// Those that were read from a file by [`Live::watch`] are read again when a version turns up that they do not have. The
/// file is complete before any process uses its newest version, so processes that share a file need not be told of a
/// rotation: whoever has not seen the new key sees it in the moment it is needed. What that costs is one look at the
/// file's times for each unknown version, and a read where they have changed.
#[derive(Clone, Debug)]
pub struct Live<K>(Arc<Inner<K>>);

#[derive(Debug)]
struct Inner<K> {
    current: RwLock<Arc<Current<K>>>,
    file: Option<Watched>,
}

/// Keys and how often they were replaced: read together.
#[derive(Debug)]
pub(crate) struct Current<K> {
    pub(crate) keys: K,
    pub(crate) generation: u64,
}

#[derive(Debug)]
struct Watched {
    path: PathBuf,
    seen: Mutex<Seen>,
}

/// Stamps of the file that is in use, and of the last one that could not be used.
#[derive(Debug)]
struct Seen {
    used: Option<Stamp>,
    refused: Option<Stamp>,
}

/// Keys that were read from a changed file and are not yet in use.
#[derive(Debug)]
pub struct Fresh<K> {
    keys: K,
    stamp: Option<Stamp>,
}

impl<K> Fresh<K> {
    /// The keys.
    #[must_use]
    pub const fn keys(&self) -> &K {
        &self.keys
    }
}

impl<K: KeySet> From<K> for Live<K> {
    fn from(keys: K) -> Self {
        Self::of(keys, None)
    }
}

impl<K: KeySet> Live<K> {
    /// The keys of a file, which is looked at again where they turn out not to be enough.
    ///
    /// # Errors
    /// Where the file cannot be used.
    pub fn watch(path: impl Into<PathBuf>) -> Result<Self, K::Error> {
        let path = path.into();
        // Looked at before it is read: what changes in between is read again.
        let used = Stamp::of(&path);
        let keys = K::read(&path)?;
        let refused = None;
        let seen = Mutex::new(Seen { used, refused });
        Ok(Self::of(keys, Some(Watched { path, seen })))
    }

    fn of(keys: K, file: Option<Watched>) -> Self {
        let current = Current {
            keys,
            generation: 0,
        };
        Self(Arc::new(Inner {
            current: RwLock::new(Arc::new(current)),
            file,
        }))
    }

    /// The keys in use.
    #[must_use]
    pub fn current(&self) -> K {
        self.snapshot().keys.clone()
    }

    /// How often they were replaced.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.snapshot().generation
    }

    /// The file, where they come from one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.0.file.as_ref().map(|file| &*file.path)
    }

    /// Reads the file if it has changed since its keys were taken up, and takes up nothing yet; `None` where it has not,
    /// or where there is no file.
    ///
    /// # Errors
    /// Where it cannot be used; the keys in use stay.
    pub fn read_again(&self) -> Result<Option<Fresh<K>>, K::Error> {
        let Some(file) = &self.0.file else {
            return Ok(None);
        };
        let stamp = Stamp::of(&file.path);
        if stamp.is_some() && stamp == file.seen().used {
            return Ok(None);
        }
        let fresh = K::read(&file.path).and_then(|keys| {
            self.snapshot().keys.may_become(&keys)?;
            Ok(Fresh { keys, stamp })
        });
        file.seen().refused = fresh.as_ref().err().and(stamp);
        fresh.map(Some)
    }

    /// Takes up what [`Live::read_again`] has read.
    pub fn take_up(&self, fresh: Fresh<K>) {
        self.swap(fresh.keys);
        if let Some(file) = &self.0.file {
            file.seen().used = fresh.stamp;
        }
    }

    /// Replaces the keys, from wherever they come.
    ///
    /// # Errors
    /// Where they are another instance's; the keys in use stay.
    pub fn replace(&self, keys: K) -> Result<(), K::Error> {
        self.snapshot().keys.may_become(&keys)?;
        self.swap(keys);
        Ok(())
    }

    pub(crate) fn swap(&self, keys: K) {
        let current = self.0.current.write();
        let mut current = current.unwrap_or_else(PoisonError::into_inner);
        let generation = current.generation.saturating_add(1);
        *current = Arc::new(Current { keys, generation });
    }

    pub(crate) fn snapshot(&self) -> Arc<Current<K>> {
        let current = self.0.current.read();
        Arc::clone(&current.unwrap_or_else(PoisonError::into_inner))
    }

    /// The keys, read again where `is_enough` says that those at hand are not.
    pub(crate) fn enough(&self, is_enough: impl Fn(&K) -> bool) -> Arc<Current<K>> {
        let current = self.snapshot();
        if is_enough(&current.keys) {
            return current;
        }
        let Some(file) = &self.0.file else {
            return current;
        };
        // One reads, the others wait for what it finds: a moment, and once for each change of the file.
        let mut seen = file.seen();
        let stamp = Stamp::of(&file.path);
        if stamp.is_some() && stamp != seen.used && stamp != seen.refused {
            let taken = K::read(&file.path).and_then(|keys| {
                self.snapshot().keys.may_become(&keys)?;
                Ok(keys)
            });
            match taken {
                Ok(keys) => {
                    self.swap(keys);
                    *seen = Seen {
                        used: stamp,
                        refused: None,
                    };
                    tracing::info!(file = %file.path.display(), "changed keys taken up, as a new one was needed");
                }
                Err(error) => {
                    seen.refused = stamp;
                    let error = &error as &dyn Error;
                    tracing::error!(file = %file.path.display(), error, "changed keys cannot be used; those before stay");
                }
            }
        }
        drop(seen);
        self.snapshot()
    }
}

impl Live<KeyRings> {
    /// The rings, read again where they lack this version of a purpose. A retired version is not lacking.
    pub(crate) fn with_version(&self, purpose: Purpose, version: u32) -> KeyRings {
        let current = self.enough(|rings| rings.ring(purpose).knows(version));
        current.keys.clone()
    }
}

impl Watched {
    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        // Both fields are whole after any panic: each is replaced in one assignment.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
