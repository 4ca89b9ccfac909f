//! The key file: JSON, readable by its owner alone, written once.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::ring::{Entry, Key};
use super::{KeyError, KeyInfo, KeyRings, Purpose};

/// The most bytes a key file may have.
pub const KEY_FILE_MAX_BYTES: usize = 64 * 1024;

const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: u32,
    rings: RingsDocument,
}

/// A struct and not a map, so that a ring that stands twice is refused; optional, so that a missing one can be named.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RingsDocument {
    token_pepper: Option<Vec<EntryDocument>>,
    password_pepper: Option<Vec<EntryDocument>>,
    sealing: Option<Vec<EntryDocument>>,
    form_token: Option<Vec<EntryDocument>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryDocument {
    version: u32,
    /// Microseconds since the Unix epoch.
    created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retired_at: Option<Timestamp>,
    key: KeyText,
}

/// Standard base64 with padding.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
struct KeyText(String);

impl KeyRings {
    /// Reads a key file.
    ///
    /// # Errors
    /// [`KeyError`] where the file is missing, is readable or writable by others than its owner (Unix), has more than
    /// [`KEY_FILE_MAX_BYTES`] bytes, or is refused by [`KeyRings::from_json`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, KeyError> {
        let path = path.as_ref();
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
        match str::from_utf8(&bytes) {
            Ok(text) => Self::from_json(text),
            Err(_) => Err(KeyError::Malformed { line: 1, column: 0 }),
        }
    }

    /// Reads the text of a key file, for keys that come from the environment or from a provider.
    ///
    /// # Errors
    /// [`KeyError`] where the text is too long, is no JSON of the known form, has unknown fields, lacks a ring, or
    /// holds a key twice, two keys of one version, a key that is not exactly 32 bytes, or one whose bytes are equal.
    pub fn from_json(text: &str) -> Result<Self, KeyError> {
        if text.len() > KEY_FILE_MAX_BYTES {
            return Err(KeyError::TooLarge);
        }
        let document: Document =
            serde_json::from_str(text).map_err(|error| KeyError::Malformed {
                line: error.line(),
                column: error.column(),
            })?;
        if document.format != FORMAT {
            return Err(KeyError::UnknownFormat {
                format: document.format,
            });
        }
        let mut rings = document.rings;
        Self::from_entries(|purpose| {
            rings
                .of(purpose)
                .take()
                .ok_or(KeyError::MissingRing { purpose })?
                .iter()
                .map(|entry| entry.read(purpose))
                .collect()
        })
    }

    /// Writes a new key file, readable and writable by its owner alone from its first moment, and returns when the
    /// file and its folder entry are on disk.
    ///
    /// # Errors
    /// [`KeyError::Exists`] where there is a file already: keys are never overwritten. [`KeyError::TooLarge`] past
    /// [`KEY_FILE_MAX_BYTES`] (about 400 keys). [`KeyError::Io`] where it cannot be written; what was written of it is
    /// removed.
    pub fn save_new(&self, path: impl AsRef<Path>) -> Result<(), KeyError> {
        let path = path.as_ref();
        let io_error = |source| KeyError::Io {
            path: path.into(),
            source,
        };
        let json = self.to_json().map_err(io_error)?;
        // A file that `load` would refuse must not be the only copy of its keys.
        if json.len() > KEY_FILE_MAX_BYTES {
            return Err(KeyError::TooLarge);
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(|source| {
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

    fn to_json(&self) -> io::Result<Zeroizing<Vec<u8>>> {
        let ring = |purpose| {
            let ring = self.ring(purpose);
            let mut entries: Vec<_> = ring.entries().map(EntryDocument::write).collect();
            entries.sort_by_key(|entry| entry.version);
            Some(entries)
        };
        let document = Document {
            format: FORMAT,
            rings: RingsDocument {
                token_pepper: ring(Purpose::TokenPepper),
                password_pepper: ring(Purpose::PasswordPepper),
                sealing: ring(Purpose::Sealing),
                form_token: ring(Purpose::FormToken),
            },
        };
        let mut json = Zeroizing::new(Vec::with_capacity(KEY_FILE_MAX_BYTES));
        serde_json::to_writer_pretty(&mut *json, &document)?;
        json.push(b'\n');
        Ok(json)
    }
}

impl RingsDocument {
    const fn of(&mut self, purpose: Purpose) -> &mut Option<Vec<EntryDocument>> {
        match purpose {
            Purpose::TokenPepper => &mut self.token_pepper,
            Purpose::PasswordPepper => &mut self.password_pepper,
            Purpose::Sealing => &mut self.sealing,
            Purpose::FormToken => &mut self.form_token,
        }
    }
}

impl EntryDocument {
    fn read(&self, purpose: Purpose) -> Result<Entry, KeyError> {
        let version = self.version;
        let refused = KeyError::NotAKey { purpose, version };
        // Larger than a key, so that a longer text is told from a right one by its length.
        let mut bytes = Zeroizing::new([0_u8; 48]);
        let length = STANDARD.decode_slice(&self.key.0, bytes.as_mut_slice());
        match (length, bytes.first_chunk::<32>()) {
            (Ok(32), Some(key)) => Ok(Entry {
                info: KeyInfo {
                    version,
                    created_at: self.created_at,
                    retired_at: self.retired_at,
                },
                key: Key::from_bytes(*key),
            }),
            _ => Err(refused),
        }
    }

    fn write(entry: &Entry) -> Self {
        Self {
            version: entry.info.version,
            created_at: entry.info.created_at,
            retired_at: entry.info.retired_at,
            key: KeyText(STANDARD.encode(entry.key.bytes())),
        }
    }
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
