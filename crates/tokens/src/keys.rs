//! Key rings: every key of an instance, by purpose and version.
//!
//! The newest version signs, every version that is not retired verifies, so a rotation needs no downtime. Retired keys
//! stay in the file: the database's [`KeyMarker`] names them, and a file that lacks one is another database's.
//!
//! A running instance holds them as [`Live`] keys, which take a changed file up without a restart.
//!
//! Keys come from [`KeyRings::generate`] alone, which `portcullis keys init` and a first run in an empty folder call.
//! No build contains a key.

mod error;
mod file;
mod live;
mod marker;
pub(crate) mod owned;
mod ring;
mod rings;
mod stamp;
pub(crate) mod versions;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use error::KeyError;
pub use live::{Fresh, KeySet, Live, LiveKeys};
pub use marker::{KeyMarker, MarkerMismatch, ParseMarkerError};
pub use owned::KEY_FILE_MAX_BYTES;
pub use ring::{Key, KeyInfo, KeyRing};
pub use rings::KeyRings;

/// What a ring's keys are for. No key serves two purposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Digests of opaque tokens, and of identifiers in attempt counters and logs.
    TokenPepper,
    /// The key that a password is mixed with before it is hashed.
    PasswordPepper,
    /// Encryption of secrets that must be read again.
    Sealing,
    /// Tokens inside HTML forms.
    FormToken,
}

impl Purpose {
    /// Every purpose, in the order of the key file.
    pub const ALL: [Self; 4] = [
        Self::TokenPepper,
        Self::PasswordPepper,
        Self::Sealing,
        Self::FormToken,
    ];

    /// The name in key files, markers and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TokenPepper => "token_pepper",
            Self::PasswordPepper => "password_pepper",
            Self::Sealing => "sealing",
            Self::FormToken => "form_token",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
