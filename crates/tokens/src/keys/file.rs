//! The key file: JSON, readable by its owner alone, replaced as a whole.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::owned;
use super::ring::Key;
use super::versions::Entry;
use super::{KeyError, KeyInfo, KeyRings, Purpose};

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
    /// [`KEY_FILE_MAX_BYTES`](super::KEY_FILE_MAX_BYTES) bytes, or is refused by [`KeyRings::from_json`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, KeyError> {
        owned::read(path.as_ref(), Self::from_json)
    }

    /// Reads the text of a key file, for keys that come from the environment or from a provider.
    ///
    /// # Errors
    /// [`KeyError`] where the text is too long, is no JSON of the known form, has unknown fields, lacks a ring, or
    /// holds a key twice, two keys of one version, a key that is not exactly 32 bytes, or one whose bytes are equal.
    pub fn from_json(text: &str) -> Result<Self, KeyError> {
        let document: Document = owned::parse(text)?;
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
    /// [`KEY_FILE_MAX_BYTES`](super::KEY_FILE_MAX_BYTES) (about 400 keys). [`KeyError::Io`] where it cannot be written;
    /// what was written of it is removed.
    pub fn save_new(&self, path: impl AsRef<Path>) -> Result<(), KeyError> {
        owned::write_new(path.as_ref(), &self.document())
    }

    /// Replaces a key file by what `edit` makes of its keys, and returns them when they are on disk. Readers see the
    /// keys before or the keys after, whole. The next state is written beside the file, under its name and `.new`,
    /// which also keeps others from changing it meanwhile.
    ///
    /// # Errors
    /// [`KeyError`] as [`KeyRings::load`] and `edit`; [`KeyError::NotOurs`] where the file is another user's (Unix),
    /// [`KeyError::BeingChanged`] where somebody else changes it or was cut off, [`KeyError::TooLarge`] where it would be
    /// too long to be read again. The file is as it was then.
    pub fn change_file(
        path: impl AsRef<Path>,
        edit: impl FnOnce(&Self) -> Result<Self, KeyError>,
    ) -> Result<Self, KeyError> {
        owned::change(path.as_ref(), Self::from_json, edit, Self::document)
    }

    fn document(&self) -> Document {
        let ring = |purpose| {
            let entries = self.ring(purpose).sorted();
            Some(entries.into_iter().map(EntryDocument::write).collect())
        };
        Document {
            format: FORMAT,
            rings: RingsDocument {
                token_pepper: ring(Purpose::TokenPepper),
                password_pepper: ring(Purpose::PasswordPepper),
                sealing: ring(Purpose::Sealing),
                form_token: ring(Purpose::FormToken),
            },
        }
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
    fn read(&self, purpose: Purpose) -> Result<Entry<Key>, KeyError> {
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

    fn write(entry: &Entry<Key>) -> Self {
        Self {
            version: entry.info.version,
            created_at: entry.info.created_at,
            retired_at: entry.info.retired_at,
            key: KeyText(STANDARD.encode(entry.key.bytes())),
        }
    }
}
