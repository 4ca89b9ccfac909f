//! Files that are their owner's alone: read with suspicion, written once, changed as a whole.

mod change;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use zeroize::Zeroizing;

use super::KeyError;

pub(crate) use change::change;

/// The most bytes a key file may have.
pub const KEY_FILE_MAX_BYTES: usize = 64 * 1024;

/// Reads a file of at most [`KEY_FILE_MAX_BYTES`] that no one but its owner may read or write (Unix), and hands its
/// text to `parse`.
pub(crate) fn read<T, E: From<KeyError>>(
    path: &Path,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, E> {
    let bytes = read_bytes(path)?;
    match str::from_utf8(&bytes) {
        Ok(text) => parse(text),
        Err(_) => Err(KeyError::Malformed { line: 1, column: 0 }.into()),
    }
}

fn read_bytes(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let io_error = |source| read_error(path, source);
    let file = File::open(path).map_err(io_error)?;
    // Asked of the open file, not of the path, which could name another one by now.
    let metadata = file.metadata().map_err(io_error)?;
    if !metadata.is_file() {
        return Err(KeyError::NotAFile { path: path.into() });
    }
    refuse_too_open(path, &metadata)?;
    // Room for one byte too many, so that the buffer never moves and leaves no copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(KEY_FILE_MAX_BYTES + 1));
    let limit = u64::try_from(KEY_FILE_MAX_BYTES + 1).unwrap_or(u64::MAX);
    file.take(limit).read_to_end(&mut bytes).map_err(io_error)?;
    Ok(bytes)
}

/// Reads a document of a key file, whose length is bounded first.
pub(crate) fn parse<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, KeyError> {
    if text.len() > KEY_FILE_MAX_BYTES {
        return Err(KeyError::TooLarge);
    }
    serde_json::from_str(text).map_err(|error| KeyError::Malformed {
        line: error.line(),
        column: error.column(),
    })
}

/// Writes a new file, readable and writable by its owner alone from its first moment, and returns when the file and its
/// folder entry are on disk.
pub(crate) fn write_new(path: &Path, document: &impl serde::Serialize) -> Result<(), KeyError> {
    let io_error = |source| KeyError::Io {
        path: path.into(),
        source,
    };
    let json = json(document).map_err(io_error)?;
    // A file that `read` would refuse must not be the only copy of its keys.
    if json.len() > KEY_FILE_MAX_BYTES {
        return Err(KeyError::TooLarge);
    }
    let mut file = create_new(path).map_err(|source| {
        if source.kind() == io::ErrorKind::AlreadyExists {
            KeyError::Exists { path: path.into() }
        } else {
            io_error(source)
        }
    })?;
    let written = file
        .write_all(&json)
        .and_then(|()| file.sync_all())
        .and_then(|()| sync_folder(path));
    written.map_err(|source| {
        // Half a file would be refused by every later start, and never overwritten.
        let _best_effort = fs::remove_file(path);
        io_error(source)
    })
}

/// A file that was not there before, and is its owner's alone from its first moment.
fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn json(document: &impl serde::Serialize) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut json = Zeroizing::new(Vec::with_capacity(KEY_FILE_MAX_BYTES));
    serde_json::to_writer_pretty(&mut *json, document)?;
    json.push(b'\n');
    Ok(json)
}

fn read_error(path: &Path, source: io::Error) -> KeyError {
    let path = path.into();
    if source.kind() == io::ErrorKind::NotFound {
        KeyError::Missing { path }
    } else {
        KeyError::Io { path, source }
    }
}

#[cfg(unix)]
fn refuse_too_open(path: &Path, metadata: &fs::Metadata) -> Result<(), KeyError> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
    if mode & 0o077 == 0 {
        Ok(())
    } else {
        Err(KeyError::TooOpen {
            path: path.into(),
            mode,
        })
    }
}

/// Other systems guard files by access lists that the standard library does not show.
#[cfg(not(unix))]
fn refuse_too_open(_path: &Path, _metadata: &fs::Metadata) -> Result<(), KeyError> {
    Ok(())
}

/// A new file survives a power loss only once its folder's entry is on disk too.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}
