//! What a verification token is for: our kinds, and names of an application's own.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The most bytes of the name of a kind.
const NAME_MAX_BYTES: usize = 32;

/// What a verification token is for. It works for nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenKind {
    /// Proves that an address reaches its owner, and activates the account.
    EmailVerification,
    /// Sets a new password.
    PasswordReset,
    /// Signs in.
    MagicLink,
    /// Signs in together with a code that was sent by mail. It is mailed to nobody: a ticket knows it.
    EmailCode,
    /// Proves a new address.
    EmailChange,
    /// Accepts an invitation.
    Invite,
    /// What an application says it is for.
    Custom(KindName),
}

impl TokenKind {
    /// Every kind of ours.
    pub const ALL: [Self; 6] = [
        Self::EmailVerification,
        Self::PasswordReset,
        Self::MagicLink,
        Self::EmailCode,
        Self::EmailChange,
        Self::Invite,
    ];

    /// The stored spelling.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        match self {
            Self::EmailVerification => "email_verification",
            Self::PasswordReset => "password_reset",
            Self::MagicLink => "magic_link",
            Self::EmailCode => "email_code",
            Self::EmailChange => "email_change",
            Self::Invite => "invite",
            Self::Custom(name) => name.as_str(),
        }
    }

    /// The kind of a stored spelling; `None` for what is no name of a kind.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        match Self::ALL.into_iter().find(|kind| kind.as_str() == text) {
            Some(ours) => Some(ours),
            None => KindName::new(text).ok().map(Self::Custom),
        }
    }

    /// How long a token of the kind lives where nothing else is said.
    #[must_use]
    pub const fn default_ttl(self) -> Duration {
        const MINUTE: u64 = 60;
        const DAY: u64 = 24 * 60 * MINUTE;
        Duration::from_secs(match self {
            Self::EmailVerification | Self::EmailChange | Self::Custom(_) => DAY,
            Self::PasswordReset => 30 * MINUTE,
            Self::MagicLink => 15 * MINUTE,
            Self::EmailCode => 10 * MINUTE,
            Self::Invite => 7 * DAY,
        })
    }
}

/// As it is stored.
impl Serialize for TokenKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for TokenKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::from_stored(&text).ok_or_else(|| de::Error::custom(KindNameError))
    }
}

/// The name of a kind of token that an application makes up: 1 to 32 of `a-z`, `0-9` and `_`, a letter first, and none of
/// ours.
///
/// The name is what is stored, and a kind that a later version adds takes its name for itself: begin yours with the
/// application's.
///
/// ```
/// use portcullis_core::verification::{KindName, TokenKind};
///
/// const SEAT: KindName = match KindName::new("shop_accept_seat") {
///     Ok(name) => name,
///     Err(_) => panic!("no name of a kind"),
/// };
/// assert_eq!(TokenKind::Custom(SEAT).as_str(), "shop_accept_seat");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KindName {
    /// Zero past the name's end, so that equal names are equal.
    bytes: [u8; NAME_MAX_BYTES],
    length: usize,
}

/// The text is no name of a kind of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a kind of token is 1 to 32 of a-z, 0-9 and _, a letter first, and none of ours")]
pub struct KindNameError;

impl KindName {
    /// Reads a name; it can be done at compile time.
    ///
    /// # Errors
    /// [`KindNameError`] for a text that is none, or one of our kinds.
    #[expect(
        clippy::indexing_slicing,
        reason = "a const fn has no other way to its bytes; the lengths are checked before"
    )]
    pub const fn new(text: &str) -> Result<Self, KindNameError> {
        let text = text.as_bytes();
        if text.is_empty() || text.len() > NAME_MAX_BYTES || !text[0].is_ascii_lowercase() {
            return Err(KindNameError);
        }
        let mut bytes = [0; NAME_MAX_BYTES];
        let mut at = 0;
        while at < text.len() {
            let byte = text[at];
            if !(byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') {
                return Err(KindNameError);
            }
            bytes[at] = byte;
            at += 1;
        }
        let mut ours = 0;
        while ours < TokenKind::ALL.len() {
            if is_same(TokenKind::ALL[ours].as_str().as_bytes(), text) {
                return Err(KindNameError);
            }
            ours += 1;
        }
        Ok(Self {
            bytes,
            length: text.len(),
        })
    }

    /// The name.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        let (name, _zeros) = match self.bytes.split_at_checked(self.length) {
            Some(split) => split,
            None => return "",
        };
        match str::from_utf8(name) {
            Ok(name) => name,
            // It is ASCII.
            Err(_) => "",
        }
    }
}

#[expect(
    clippy::indexing_slicing,
    reason = "a const fn has no other way to its bytes; the lengths are the same"
)]
const fn is_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}

impl fmt::Debug for KindName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for KindName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_reads_back_as_it_is_stored() {
        let longest = "a".repeat(32);
        let custom = ["a", "seat", "shop_accept_seat_2", "invites", &longest]
            .map(|name| TokenKind::Custom(KindName::new(name).unwrap()));
        for kind in TokenKind::ALL.into_iter().chain(custom) {
            assert_eq!(TokenKind::from_stored(kind.as_str()), Some(kind));
            let json = serde_json::to_value(kind).unwrap();
            assert_eq!(json, kind.as_str());
            assert_eq!(serde_json::from_value::<TokenKind>(json).unwrap(), kind);
        }
    }

    #[test]
    fn what_is_no_name_or_ours_names_no_kind_of_an_application() {
        let long = "a".repeat(33);
        let mut refused = vec![
            "",
            "_a",
            "1a",
            "A",
            "seat-1",
            "seat 1",
            " seat",
            "sitz\u{e4}",
            "a\0",
            &long,
        ];
        for text in &refused {
            assert_eq!(TokenKind::from_stored(text), None, "{text:?}");
        }
        refused.extend(TokenKind::ALL.iter().map(TokenKind::as_str));
        for text in refused {
            assert_eq!(KindName::new(text), Err(KindNameError), "{text:?}");
        }
    }
}
