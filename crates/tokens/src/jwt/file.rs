//! The file of the JWT keys: JSON beside the other key file, readable by its owner alone, replaced as a whole.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{JwtAlgorithm, JwtKeyError, JwtKeys, SigningKey, SigningKeyError};
use crate::keys::versions::Entry;
use crate::keys::{KeyError, KeyInfo, owned};

const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: u32,
    jwt_signing: Vec<EntryDocument>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryDocument {
    version: u32,
    algorithm: JwtAlgorithm,
    /// Microseconds since the Unix epoch.
    created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retired_at: Option<Timestamp>,
    key: KeyText,
}

/// Standard base64 with padding: of the secret for HS256, of PKCS#8 for EdDSA and ES256, of PKCS#1 for RSA.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
struct KeyText(String);

impl JwtKeys {
    /// Reads the file that [`JwtKeys::save_new`] wrote.
    ///
    /// # Errors
    /// [`JwtKeyError`] where the file is missing, is readable or writable by others than its owner (Unix), has more than
    /// [`KEY_FILE_MAX_BYTES`](crate::keys::KEY_FILE_MAX_BYTES) bytes, or is refused by [`JwtKeys::from_json`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, JwtKeyError> {
        owned::read(path.as_ref(), Self::from_json)
    }

    /// Reads the text of a file, for keys that come from the environment or from a provider.
    ///
    /// # Errors
    /// [`JwtKeyError`] where the text is too long, is no JSON of the known form, has unknown fields, or holds no key in
    /// use, a key twice, two keys of one version, or a key that its algorithm cannot use.
    pub fn from_json(text: &str) -> Result<Self, JwtKeyError> {
        let document: Document = owned::parse(text)?;
        if document.format != FORMAT {
            let format = document.format;
            return Err(KeyError::UnknownFormat { format }.into());
        }
        let entries = document.jwt_signing.iter().map(EntryDocument::read);
        Self::from_entries(entries.collect::<Result<_, _>>()?)
    }

    /// Writes a new file, readable and writable by its owner alone from its first moment, and returns when the file and
    /// its folder entry are on disk. Retired keys stay in it, so that their versions and they themselves do not come
    /// back; where there are too many, the oldest may be deleted by hand.
    ///
    /// # Errors
    /// [`KeyError::Exists`] where there is a file already: keys are never overwritten. [`KeyError::TooLarge`] past
    /// [`KEY_FILE_MAX_BYTES`](crate::keys::KEY_FILE_MAX_BYTES) (about 25 RSA keys, 250 others). [`KeyError::Io`] where it
    /// cannot be written; what was written of it is removed.
    pub fn save_new(&self, path: impl AsRef<Path>) -> Result<(), JwtKeyError> {
        Ok(owned::write_new(path.as_ref(), &self.document())?)
    }

    /// Replaces a file by what `edit` makes of its keys; see [`KeyRings::change_file`](crate::keys::KeyRings::change_file).
    ///
    /// # Errors
    /// As there.
    pub fn change_file(
        path: impl AsRef<Path>,
        edit: impl FnOnce(&Self) -> Result<Self, JwtKeyError>,
    ) -> Result<Self, JwtKeyError> {
        owned::change(path.as_ref(), Self::from_json, edit, Self::document)
    }

    fn document(&self) -> Document {
        let entries = self.sorted().into_iter().map(EntryDocument::write);
        Document {
            format: FORMAT,
            jwt_signing: entries.collect(),
        }
    }
}

impl EntryDocument {
    fn read(&self) -> Result<Entry<SigningKey>, JwtKeyError> {
        let (version, algorithm) = (self.version, self.algorithm);
        let refused = |source| JwtKeyError::Version { version, source };
        let mut bytes = Zeroizing::new(Vec::with_capacity(self.key.0.len()));
        STANDARD
            .decode_vec(&self.key.0, &mut bytes)
            .map_err(|_| refused(SigningKeyError::NotAKey { algorithm }))?;
        Ok(Entry {
            info: KeyInfo {
                version,
                created_at: self.created_at,
                retired_at: self.retired_at,
            },
            key: SigningKey::from_bytes(algorithm, &bytes).map_err(refused)?,
        })
    }

    fn write(entry: &Entry<SigningKey>) -> Self {
        Self {
            version: entry.info.version,
            algorithm: entry.key.algorithm(),
            created_at: entry.info.created_at,
            retired_at: entry.info.retired_at,
            key: KeyText(STANDARD.encode(entry.key.secret())),
        }
    }
}
