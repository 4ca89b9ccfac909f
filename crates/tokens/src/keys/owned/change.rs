//! Changing a file that others read: the next state is written beside it and takes its place in one step.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{KEY_FILE_MAX_BYTES, create_new, json, read, sync_folder};
use crate::keys::KeyError;

/// What follows the name of a file in the name of its next state.
const NEXT: &str = ".new";

/// Replaces the file by what `edit` makes of it. The next state is also the lock: it is made before the file is read, so
/// that of two changes at once neither is lost.
pub(crate) fn change<T, D: Serialize, E: From<KeyError>>(
    path: &Path,
    parse: impl FnOnce(&str) -> Result<T, E>,
    edit: impl FnOnce(&T) -> Result<T, E>,
    document: impl FnOnce(&T) -> D,
) -> Result<T, E> {
    refuse_foreign(path)?;
    let next = Next::create(path)?;
    let changed = edit(&read(path, parse)?)?;
    next.take_its_place(path, &document(&changed))?;
    Ok(changed)
}

/// The next state of a file; removed where it does not become the file.
struct Next {
    path: PathBuf,
    file: File,
    became_the_file: bool,
}

impl Next {
    fn create(of: &Path) -> Result<Self, KeyError> {
        let mut name = of.as_os_str().to_owned();
        name.push(NEXT);
        let path = PathBuf::from(name);
        match create_new(&path) {
            Ok(file) => Ok(Self {
                path,
                file,
                became_the_file: false,
            }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(KeyError::BeingChanged {
                    path: of.into(),
                    lock: path,
                })
            }
            Err(source) => Err(KeyError::Io { path, source }),
        }
    }

    fn take_its_place(mut self, of: &Path, document: &impl Serialize) -> Result<(), KeyError> {
        let io_error = |source| KeyError::Io {
            path: of.into(),
            source,
        };
        let json = json(document).map_err(io_error)?;
        // A file that `read` would refuse must not be the only copy of its keys.
        if json.len() > KEY_FILE_MAX_BYTES {
            return Err(KeyError::TooLarge);
        }
        let written = self.file.write_all(&json);
        written
            .and_then(|()| self.file.sync_all())
            .and_then(|()| fs::rename(&self.path, of))
            .map_err(io_error)?;
        self.became_the_file = true;
        sync_folder(of).map_err(io_error)
    }
}

impl Drop for Next {
    fn drop(&mut self) {
        if !self.became_the_file {
            let _best_effort = fs::remove_file(&self.path);
        }
    }
}

/// Only a regular file of ours: one that somebody else has to read would be ours alone afterwards, and a link would be
/// replaced instead of what it names.
#[cfg(unix)]
fn refuse_foreign(path: &Path) -> Result<(), KeyError> {
    let metadata = looked_at(path)?;
    let owner = std::os::unix::fs::MetadataExt::uid(&metadata);
    if owner == rustix::process::geteuid().as_raw() {
        Ok(())
    } else {
        Err(KeyError::NotOurs {
            path: path.into(),
            owner,
        })
    }
}

/// Other systems guard files by access lists that the standard library does not show.
#[cfg(not(unix))]
fn refuse_foreign(path: &Path) -> Result<(), KeyError> {
    looked_at(path).map(drop)
}

fn looked_at(path: &Path) -> Result<fs::Metadata, KeyError> {
    let metadata = fs::symlink_metadata(path).map_err(|source| super::read_error(path, source))?;
    if metadata.is_file() {
        Ok(metadata)
    } else {
        Err(KeyError::NotAFile { path: path.into() })
    }
}
