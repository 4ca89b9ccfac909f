//! Why keys cannot be used: each message says what to do, and none quotes key material.

use std::io;
use std::path::PathBuf;

use portcullis_core::entropy::EntropyError;

use super::{KEY_FILE_MAX_BYTES, MarkerMismatch, Purpose};

/// Keys could not be loaded, saved or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// No file at the path.
    #[error("there is no key file at {path}; `portcullis keys init` makes one")]
    Missing {
        /// Where the file was looked for.
        path: PathBuf,
    },
    /// The path names something that is not a regular file.
    #[error("{path} is not a regular file")]
    NotAFile {
        /// Where the file was looked for.
        path: PathBuf,
    },
    /// Others than the owner may read or write the file.
    #[error("{path} is open to others (mode {mode:03o}); `chmod 600` it")]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A file already stands where new keys were to be saved.
    #[error("{path} exists; keys are never overwritten")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Only its owner may change a file: afterwards nobody else could read it.
    #[error("{path} belongs to user {owner}: change its keys as that user")]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// The id of the user whose it is.
        owner: u32,
    },
    /// Somebody else is changing the file, or was cut off at it.
    #[error(
        "{lock} exists: the keys are being changed, or a change was cut off; if nothing is changing them, delete it - \
         {path} is whole, as it was before"
    )]
    BeingChanged {
        /// The file.
        path: PathBuf,
        /// What its next state is written to.
        lock: PathBuf,
    },
    /// The keys of a running instance were to be replaced by those of another.
    #[error("these are the keys of another instance")]
    OtherKeys(#[from] MarkerMismatch),
    /// The file could not be read or written.
    #[error("the key file {path} could not be used")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// More than [`KEY_FILE_MAX_BYTES`].
    #[error("the keys are longer than {KEY_FILE_MAX_BYTES} bytes")]
    TooLarge,
    /// Not the JSON of a key file. The parser's own message is withheld: it may quote a key.
    #[error(
        "not a key file: malformed, missing or unknown content at line {line}, column {column}"
    )]
    Malformed {
        /// Counted from 1.
        line: usize,
        /// Counted from 1; 0 where the line itself is the fault.
        column: usize,
    },
    /// Written by a later portcullis.
    #[error("the key file has format {format}; this version reads format 1")]
    UnknownFormat {
        /// The format the file says it has.
        format: u32,
    },
    /// A purpose has no keys at all.
    #[error("the {purpose} ring is missing")]
    MissingRing {
        /// The ring.
        purpose: Purpose,
    },
    /// A purpose has only retired keys.
    #[error("every key of the {purpose} ring is retired")]
    AllRetired {
        /// The ring.
        purpose: Purpose,
    },
    /// A version is 0 or above the largest accepted one.
    #[error("the {purpose} ring has a key with version {version}; versions are 1 to 1000000")]
    VersionOutOfRange {
        /// The ring.
        purpose: Purpose,
        /// The version.
        version: u32,
    },
    /// Two keys of a ring have the same version.
    #[error("the {purpose} ring has version {version} twice")]
    DuplicateVersion {
        /// The ring.
        purpose: Purpose,
        /// The version.
        version: u32,
    },
    /// Not the base64 of exactly 32 bytes.
    #[error("version {version} of the {purpose} ring is not the base64 of 32 bytes")]
    NotAKey {
        /// The ring.
        purpose: Purpose,
        /// The version.
        version: u32,
    },
    /// All bytes are equal: a placeholder, not a key.
    #[error("version {version} of the {purpose} ring is a placeholder, not a random key")]
    Placeholder {
        /// The ring.
        purpose: Purpose,
        /// The version.
        version: u32,
    },
    /// The same key stands in two places.
    #[error("version {version} of the {purpose} ring is also another key of this file")]
    Repeated {
        /// The ring of the second one.
        purpose: Purpose,
        /// The version of the second one.
        version: u32,
    },
    /// There is no such key to retire, or it is the one that signs.
    #[error(
        "version {version} of the {purpose} ring cannot be retired: unknown, or the one in use"
    )]
    NotRetirable {
        /// The ring.
        purpose: Purpose,
        /// The version.
        version: u32,
    },
    /// The source of randomness failed.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}
