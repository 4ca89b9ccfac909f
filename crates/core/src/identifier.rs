//! What people type to say who they are, and the canonical form that decides whether two are the same.

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::text::is_deceptive;

/// The most bytes of an e-mail address (RFC 5321 section 4.5.3.1.3, without the angle brackets).
pub const EMAIL_MAX_BYTES: usize = 254;
/// The most bytes of a local part (RFC 5321 section 4.5.3.1.1).
const LOCAL_PART_MAX_BYTES: usize = 64;
/// The most characters of a user name.
pub const USERNAME_MAX_CHARS: usize = 64;

/// The kinds of identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum IdentifierKind {
    /// An e-mail address.
    Email,
    /// A name chosen by its owner.
    Username,
}

impl IdentifierKind {
    /// The stored spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Username => "username",
        }
    }

    /// The kind of a stored spelling.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        [Self::Email, Self::Username]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

/// Why a text is no identifier. The text itself is not repeated: people type passwords into the wrong field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentifierError {
    /// Nothing there.
    #[error("the identifier is empty")]
    Empty,
    /// Over the bound of its kind.
    #[error("the identifier is too long")]
    TooLong,
    /// A character that its kind does not allow.
    #[error("the identifier has a character that is not allowed")]
    Character,
    /// An e-mail address without exactly a local part and a domain.
    #[error("not an e-mail address: expected name@domain")]
    NotAnAddress,
    /// A domain that is no host name (RFC 5890, UTS 46).
    #[error("the e-mail address has an invalid domain")]
    Domain,
}

/// An identifier as its owner wrote it, with the canonical form that decides equality.
///
/// Two identifiers are the same where kind and canonical form are; `raw` is what mail goes to.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identifier {
    /// Which kind.
    pub kind: IdentifierKind,
    /// As typed, without surrounding white space.
    pub raw: String,
    /// NFKC, lower case, dotless and dotted i as i; the domain in its ASCII form.
    pub canonical: String,
}

impl Identifier {
    /// Reads what somebody typed into a sign-in field: an address where it has an `@`, a user name otherwise.
    ///
    /// # Errors
    /// [`IdentifierError`] for a text that is neither.
    pub fn parse(typed: &str) -> Result<Self, IdentifierError> {
        if typed.contains('@') {
            Self::email(typed)
        } else {
            Self::username(typed)
        }
    }

    /// Reads an e-mail address. Quoted local parts and address literals are refused.
    ///
    /// # Errors
    /// [`IdentifierError`] for a text that is no address of at most [`EMAIL_MAX_BYTES`] bytes.
    pub fn email(typed: &str) -> Result<Self, IdentifierError> {
        let raw = bounded(typed, EMAIL_MAX_BYTES)?;
        let (local, domain) = raw.rsplit_once('@').ok_or(IdentifierError::NotAnAddress)?;
        if local.is_empty() || domain.is_empty() {
            return Err(IdentifierError::NotAnAddress);
        }
        if local.len() > LOCAL_PART_MAX_BYTES {
            return Err(IdentifierError::TooLong);
        }
        if !local
            .split('.')
            .all(|atom| !atom.is_empty() && atom.chars().all(is_atom_character))
        {
            return Err(IdentifierError::Character);
        }
        let domain = idna::domain_to_ascii_strict(domain).map_err(|_| IdentifierError::Domain)?;
        let canonical = format!("{}@{domain}", fold(local));
        if domain.is_empty() || canonical.len() > EMAIL_MAX_BYTES * 4 {
            return Err(IdentifierError::Domain);
        }
        Ok(Self {
            kind: IdentifierKind::Email,
            raw: raw.to_owned(),
            canonical,
        })
    }

    /// Reads a user name: letters, digits, `.`, `_` and `-`, at most [`USERNAME_MAX_CHARS`] characters.
    ///
    /// # Errors
    /// [`IdentifierError`] for a text that is no user name.
    pub fn username(typed: &str) -> Result<Self, IdentifierError> {
        let raw = bounded(typed, USERNAME_MAX_CHARS * 4)?;
        if raw.chars().count() > USERNAME_MAX_CHARS {
            return Err(IdentifierError::TooLong);
        }
        let canonical = fold(raw);
        if !canonical
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-'))
        {
            return Err(IdentifierError::Character);
        }
        Ok(Self {
            kind: IdentifierKind::Username,
            raw: raw.to_owned(),
            canonical,
        })
    }

    /// Whether both name the same person in the same tenant.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.kind == other.kind && self.canonical == other.canonical
    }
}

/// Prints the kind only: people type passwords into this field, and addresses are personal data.
impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identifier({}, [redacted])", self.kind.as_str())
    }
}

fn bounded(typed: &str, max: usize) -> Result<&str, IdentifierError> {
    if typed.len() > max * 2 {
        return Err(IdentifierError::TooLong);
    }
    let raw = typed.trim();
    if raw.is_empty() {
        return Err(IdentifierError::Empty);
    }
    if raw.len() > max {
        return Err(IdentifierError::TooLong);
    }
    if raw.chars().any(is_deceptive) {
        return Err(IdentifierError::Character);
    }
    Ok(raw)
}

/// RFC 5322 `atext`, with RFC 6531's non-ASCII letters and digits.
fn is_atom_character(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(
            c,
            '!' | '#'
                | '$'
                | '%'
                | '&'
                | '\''
                | '*'
                | '+'
                | '/'
                | '='
                | '?'
                | '^'
                | '_'
                | '`'
                | '{'
                | '|'
                | '}'
                | '~'
                | '-'
        )
        || (!c.is_ascii()
            && (c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(c)))
}

/// NFKC, lower case, and every i the same i, so that no two look-alikes are two people.
fn fold(text: &str) -> String {
    let lower: String = text.nfkc().flat_map(char::to_lowercase).collect();
    let mut folded = String::with_capacity(lower.len());
    for character in lower.nfkd() {
        match character {
            'ı' => folded.push('i'),
            '\u{307}' if folded.ends_with('i') => {}
            other => folded.push(other),
        }
    }
    folded.nfkc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_alike_spellings_are_one_address() {
        let ada = Identifier::email("mike@example.com").unwrap();
        for spelling in [
            " mike@example.com ",
            "MIKE@EXAMPLE.COM",
            "ｍｉｋｅ@example.com",
            "mıke@example.com",
            "MİKE@example.com",
            "mike@ＥＸＡＭＰＬＥ.com",
        ] {
            assert!(
                ada.is_same(&Identifier::email(spelling).unwrap()),
                "{spelling}"
            );
        }
        assert!(!ada.is_same(&Identifier::email("mike@example.org").unwrap()));
    }

    #[test]
    fn an_international_domain_equals_its_ascii_form() {
        let unicode = Identifier::email("ada@bücher.example").unwrap();
        let ascii = Identifier::email("ada@xn--bcher-kva.example").unwrap();
        assert!(unicode.is_same(&ascii));
        assert_eq!(unicode.raw, "ada@bücher.example");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for typed in [
            "",
            " ",
            "@",
            "a@",
            "@b",
            "a b@c.de",
            "a\r\nBcc: x@y.z@c.de",
            "a@b@c",
            "\"a\"@b.c",
            "a@[127.0.0.1]",
            "<a@b.c>",
            "a,b@c.de",
            "a\0@b.c",
            ".a@b.c",
            "a..b@c.de",
            "a@-.com",
            "a@exa mple.com",
            "\u{202e}a@b.c",
        ] {
            assert!(Identifier::email(typed).is_err(), "{typed:?}");
        }
        assert_eq!(
            Identifier::email(&format!("{}@b.c", "a".repeat(65))).unwrap_err(),
            IdentifierError::TooLong
        );
        assert_eq!(
            Identifier::parse(&"a".repeat(1 << 20)).unwrap_err(),
            IdentifierError::TooLong
        );
    }

    #[test]
    fn user_names_fold_like_addresses() {
        assert!(
            Identifier::username("Ada.L")
                .unwrap()
                .is_same(&Identifier::parse("ada.l").unwrap())
        );
        assert!(Identifier::username("ada lovelace").is_err());
        assert!(
            !Identifier::username("ada")
                .unwrap()
                .is_same(&Identifier::email("ada@x.y").unwrap())
        );
    }

    // LG-07
    #[test]
    fn identifiers_print_redacted() {
        assert!(!format!("{:?}", Identifier::parse("hunter2").unwrap()).contains("hunter2"));
    }
}
