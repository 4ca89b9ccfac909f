//! Values that must not be printed, compared byte by byte, or left in memory.

use std::fmt;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use unicode_normalization::UnicodeNormalization;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A secret text that came with a request or goes out once: wiped when dropped, never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SecretText(String);

impl SecretText {
    /// Takes the text over.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself; every call site is a place where a secret leaves its wrapper.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The most bytes a password may have as typed; more is refused before anything is computed.
pub const PASSWORD_MAX_BYTES: usize = 1024;

/// Why a text cannot be a password at all, whatever the tenant's policy says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordInputError {
    /// No characters.
    #[error("the password is empty")]
    Empty,
    /// More than [`PASSWORD_MAX_BYTES`] bytes.
    #[error("the password is longer than {PASSWORD_MAX_BYTES} bytes")]
    TooLong,
}

/// A password as its owner means it: bounded, in Unicode NFC (RFC 8265 section 4.2), otherwise exactly as typed.
///
/// No trimming, no case folding, no truncation. Wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Password(String);

impl Password {
    /// Bounds and normalises what was typed.
    ///
    /// # Errors
    /// [`PasswordInputError`] for an empty or over-long text.
    pub fn new(typed: impl Into<String>) -> Result<Self, PasswordInputError> {
        let mut typed = typed.into();
        if typed.is_empty() {
            return Err(PasswordInputError::Empty);
        }
        if typed.len() > PASSWORD_MAX_BYTES {
            typed.zeroize();
            return Err(PasswordInputError::TooLong);
        }
        if typed.is_ascii() {
            return Ok(Self(typed));
        }
        let composed = typed.nfc().collect();
        typed.zeroize();
        Ok(Self(composed))
    }

    /// The text that is hashed.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Length in Unicode code points, which is what length policy counts (SP 800-63B-4 section 3.1.1.2).
    #[must_use]
    pub fn code_points(&self) -> usize {
        self.0.chars().count()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A keyed hash of a secret, as stores keep it: 32 bytes and the version of the key that made it.
///
/// Deliberately without `PartialEq`: the only comparison is the constant-time [`TokenDigest::matches`].
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct TokenDigest {
    /// The keyed hash.
    pub bytes: [u8; 32],
    /// The version of the key in its ring.
    pub key_version: u32,
}

impl TokenDigest {
    /// Whether both were made by the same key from the same secret, in constant time.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        bool::from(self.bytes.ct_eq(&other.bytes) & self.key_version.ct_eq(&other.key_version))
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenDigest(v{}, [redacted])", self.key_version)
    }
}

/// Encrypted bytes with the version of the key that opens them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// The version of the sealing key.
    pub key_version: u32,
    /// Nonce and ciphertext.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Sealed(v{}, {} bytes)",
            self.key_version,
            self.bytes.len()
        )
    }
}

/// A password hash as stores keep it: a PHC string and the version of the pepper that went in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct PasswordHash {
    /// The PHC string, `$argon2id$v=19$m=..,t=..,p=..$salt$hash`.
    pub phc: String,
    /// The version of the password pepper.
    pub pepper_version: u32,
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PasswordHash(v{}, [redacted])", self.pepper_version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // CR-05
    #[test]
    fn secrets_print_redacted() {
        let digest = TokenDigest {
            bytes: [7; 32],
            key_version: 1,
        };
        let hash = PasswordHash {
            phc: "$argon2id$canary".into(),
            pepper_version: 1,
        };
        let sealed = Sealed {
            key_version: 1,
            bytes: b"canary".to_vec(),
        };
        let text = SecretText::new("canary");
        let password = Password::new("canary").unwrap();
        let printed = format!("{digest:?} {hash:?} {sealed:?} {text:?} {password:?}");
        assert!(!printed.contains("canary"), "{printed}");
        assert!(printed.contains("[redacted]"));
    }

    // PW-03, PW-04
    #[test]
    fn a_password_is_bounded_and_otherwise_as_typed() {
        assert_eq!(Password::new("").unwrap_err(), PasswordInputError::Empty);
        assert_eq!(
            Password::new("x".repeat(1025)).unwrap_err(),
            PasswordInputError::TooLong
        );
        assert_eq!(Password::new("x".repeat(1024)).unwrap().code_points(), 1024);
        assert_eq!(
            Password::new(" A b\u{0}c ").unwrap().expose(),
            " A b\u{0}c "
        );
        assert_eq!(
            Password::new("e\u{301}").unwrap().expose(),
            Password::new("\u{e9}").unwrap().expose()
        );
    }
}
