//! Password hashes that other systems made.
//!
//! A [`ForeignHash`] is read from the text that the other system kept: strictly, and bounded before anything is
//! computed. A hasher that [adopts](AdoptHashes) it keeps it as a keyed hash of the foreign digest under the password
//! pepper, so that a stolen database lets nobody test a guess, and says of it that it is outdated: the first sign-in
//! puts a current hash in its place.
//!
//! | system | form |
//! |---|---|
//! | PHC strings; passlib | `$argon2i$..`, `$argon2id$..`, `$scrypt$ln=..`, `$pbkdf2-sha256$i=..`, and sha512 |
//! | bcrypt; Devise, with its pepper | `$2a$..`, `$2b$..`, `$2y$..` |
//! | Django | `pbkdf2_sha256$..`, `argon2$argon2id$..`, `bcrypt$$2b$..`, `bcrypt_sha256$$2b$..`, `scrypt$..` |
//! | Werkzeug | `scrypt:n:r:p$..`, `pbkdf2:sha256:n$..`, and sha512 |
//! | passlib | `$pbkdf2-sha256$n$..`, and sha512 |
//! | better-auth | `salt:key` in hexadecimal digits |
//! | Keycloak | a credential of an export, in JSON, with PBKDF2 |
//!
//! What a system did to passwords is done here: bcrypt reads the first 72 bytes, better-auth applies NFKC. Two things
//! are not. A [`Password`](portcullis_core::secret::Password) is in NFC, so one that was hashed in another form does
//! not match; and a password with a NUL character never matches a bcrypt hash, since where one was not refused,
//! everything behind it was ignored.

#[cfg(feature = "foreign-hashes")]
pub(super) mod compute;
mod parse;
mod recipe;
#[cfg(feature = "foreign-hashes")]
pub(super) mod stored;

use std::fmt;

use portcullis_core::entropy::EntropyError;
use portcullis_core::secret::{PasswordHash, SecretText};
use zeroize::Zeroizing;

pub(super) use recipe::{Cost, Recipe};

use super::PasswordHasher;

/// The most bytes of a text that is read.
pub const FOREIGN_HASH_MAX_BYTES: usize = 2048;

/// The most bytes of another system's pepper.
pub const FOREIGN_PEPPER_MAX_BYTES: usize = 256;

/// A hasher that takes over hashes of other systems.
pub trait AdoptHashes: PasswordHasher {
    /// The form in which the hash is stored from now on. [`PasswordHasher::verify`] of this hasher knows it, and says
    /// that it is outdated wherever it matches.
    ///
    /// # Errors
    /// [`EntropyError`] where a pepper that came with it could not be sealed.
    fn adopt(&self, foreign: &ForeignHash) -> Result<PasswordHash, EntropyError>;
}

/// A hash as another system made it, within the bounds of what is verified here.
#[derive(Clone)]
pub struct ForeignHash {
    pub(super) recipe: Recipe,
    pub(super) salt: Vec<u8>,
    #[cfg_attr(
        not(feature = "foreign-hashes"),
        expect(dead_code, reason = "read where it is adopted, and nothing adopts it")
    )]
    pub(super) digest: Zeroizing<Vec<u8>>,
    pub(super) pepper: Option<SecretText>,
}

impl ForeignHash {
    /// Reads what another system kept.
    ///
    /// # Errors
    /// [`ForeignRefusal`] for a scheme that is not verified here, a text that its system did not write, and a cost above
    /// the ceiling: 256 MiB and 1 GiB of work for argon2 and scrypt, bcrypt's 14, 2,000,000 rounds of PBKDF2.
    pub fn parse(text: &str) -> Result<Self, ForeignRefusal> {
        parse::read(text)
    }

    /// The same with the pepper that the other system added: to the password before bcrypt, as Devise does, or as
    /// argon2's secret.
    ///
    /// # Errors
    /// [`ForeignRefusal::Pepper`] for other schemes, and for one that is empty or longer than
    /// [`FOREIGN_PEPPER_MAX_BYTES`].
    pub fn with_pepper(mut self, pepper: SecretText) -> Result<Self, ForeignRefusal> {
        let bounded = (1..=FOREIGN_PEPPER_MAX_BYTES).contains(&pepper.expose().len());
        if !bounded || !self.recipe.takes_pepper() {
            return Err(ForeignRefusal::Pepper {
                scheme: self.scheme(),
            });
        }
        self.pepper = Some(pepper);
        Ok(self)
    }

    /// The name of the scheme.
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        self.recipe.scheme.as_str()
    }

    /// The memory that its verification takes, in bytes; never more than 256 MiB.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.recipe.memory()
    }
}

/// Prints the scheme only.
impl fmt::Debug for ForeignHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ForeignHash({}, [redacted])", self.scheme())
    }
}

/// Why a text is not taken over. Nothing of the text is repeated: it may be a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ForeignRefusal {
    /// No form of any system that is known here: perhaps a password in clear text.
    #[error("not a password hash of a known form")]
    Unknown,
    /// A form that is known, and not verified here.
    #[error("{scheme} hashes are not taken over")]
    Unsupported {
        /// Its name.
        scheme: &'static str,
    },
    /// Not what a system of this scheme writes.
    #[error("a malformed {scheme} hash")]
    Malformed {
        /// The scheme.
        scheme: &'static str,
    },
    /// More work or memory than the ceiling allows for one sign-in.
    #[error("the {what} of this {scheme} hash is above the ceiling")]
    AboveCeiling {
        /// The scheme.
        scheme: &'static str,
        /// What is too much.
        what: &'static str,
    },
    /// A pepper where the scheme takes none, or one that is empty or too long.
    #[error("a pepper that {scheme} hashes cannot have")]
    Pepper {
        /// The scheme.
        scheme: &'static str,
    },
}
