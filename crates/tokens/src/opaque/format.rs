//! The text form of tokens.

use std::fmt;
use std::sync::Arc;

use portcullis_core::secret::SecretText;
use zeroize::Zeroizing;

use super::base62::{self, Limbs};
use super::checksum::crc32;

const ID_CHARS: usize = 22;
const SECRET_CHARS: usize = 43;
const CHECK_CHARS: usize = 6;
const BODY_CHARS: usize = ID_CHARS + SECRET_CHARS + CHECK_CHARS;
/// The class and the two underscores around it.
const CLASS_CHARS: usize = 5;

/// What a token is for. A token of one class never parses as another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenClass {
    /// `ses`: a session.
    Session,
    /// `pat`: an API token (personal access token).
    ApiToken,
    /// `rft`: a refresh token.
    Refresh,
    /// `vfy`: a single-use verification token, as links in mail carry it.
    Verification,
    /// `tkt`: a handle to single-use server-side state.
    Ticket,
}

impl TokenClass {
    /// Every class.
    pub const ALL: [Self; 5] = [
        Self::Session,
        Self::ApiToken,
        Self::Refresh,
        Self::Verification,
        Self::Ticket,
    ];

    /// The three letters that stand in the token.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Session => "ses",
            Self::ApiToken => "pat",
            Self::Refresh => "rft",
            Self::Verification => "vfy",
            Self::Ticket => "tkt",
        }
    }
}

/// The application's name cannot start tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a token prefix is 2 to 8 lower-case letters and digits")]
pub struct FormatError;

/// Why a text is not a token of the class asked for. It depends on the text alone and says nothing about what exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenParseError {
    /// Not as long as every token of this application.
    #[error("not a token: wrong length")]
    Length,
    /// A character that no token has.
    #[error("not a token: character outside the alphabet")]
    Alphabet,
    /// Another application's prefix, or another class.
    #[error("not a token of this application and class")]
    Prefix,
    /// Typed or copied wrongly.
    #[error("not a token: checksum does not match")]
    Checksum,
    /// An encoding no token has: a number that is out of range.
    #[error("not a token: number out of range")]
    Range,
}

/// How this application's tokens look. The default prefix is `pcl`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFormat {
    app: Arc<str>,
}

impl Default for TokenFormat {
    fn default() -> Self {
        Self { app: "pcl".into() }
    }
}

impl TokenFormat {
    /// Tokens that start with `app`.
    ///
    /// # Errors
    /// [`FormatError`] unless it is 2 to 8 lower-case ASCII letters and digits.
    pub fn new(app: &str) -> Result<Self, FormatError> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        if (2..=8).contains(&app.len()) && app.chars().all(allowed) {
            Ok(Self { app: app.into() })
        } else {
            Err(FormatError)
        }
    }

    /// The length of every token, in characters and in bytes.
    #[must_use]
    pub fn token_len(&self) -> usize {
        self.app.len() + CLASS_CHARS + BODY_CHARS
    }

    /// The class that `text` claims to be of, by its prefix alone; `None` for what is not this application's token.
    ///
    /// Allocates nothing and looks at no more than the prefix, so that every header may be asked.
    #[must_use]
    pub fn class_of(&self, text: &str) -> Option<TokenClass> {
        let rest = text.strip_prefix(&*self.app)?.strip_prefix('_')?;
        let (code, rest) = rest.split_at_checked(3)?;
        rest.strip_prefix('_')?;
        TokenClass::ALL
            .into_iter()
            .find(|class| class.code() == code)
    }

    /// Reads a token of `class`: its length first, so that the work is bounded, then its alphabet, prefix and checksum.
    ///
    /// # Errors
    /// [`TokenParseError`] for every text that [`TokenFormat::encode`] could not have made.
    pub fn parse(&self, class: TokenClass, text: &str) -> Result<PresentedToken, TokenParseError> {
        if text.len() != self.token_len() {
            return Err(TokenParseError::Length);
        }
        let in_alphabet = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if !text.bytes().all(in_alphabet) {
            return Err(TokenParseError::Alphabet);
        }
        if self.class_of(text) != Some(class) {
            return Err(TokenParseError::Prefix);
        }
        let (checked, check) = split(text.as_bytes(), text.len() - CHECK_CHARS)?;
        // An underscore within the body is no digit and ends here too.
        let [expected] = number(check)?;
        if expected != crc32([checked]) {
            return Err(TokenParseError::Checksum);
        }
        let (_, body) = split(checked, self.app.len() + CLASS_CHARS)?;
        let (id, secret) = split(body, ID_CHARS)?;
        let _fits: Limbs<8> = number(secret)?;
        Ok(PresentedToken {
            class,
            id: base62::bytes(number::<4>(id)?),
            text: SecretText::new(text),
        })
    }

    /// The secret half of a token of this form.
    pub(super) fn secret_of(&self, token: &PresentedToken) -> Option<Zeroizing<[u8; 32]>> {
        let from = self.app.len() + CLASS_CHARS + ID_CHARS;
        let digits = token.text().as_bytes().get(from..from + SECRET_CHARS)?;
        base62::decode::<8>(digits).map(|number| Zeroizing::new(base62::bytes(number)))
    }

    /// The text of a token.
    #[must_use]
    pub fn encode(&self, class: TokenClass, id: [u8; 16], secret: &[u8; 32]) -> SecretText {
        // All the room at once: a text that grows leaves copies of its beginning behind.
        let mut text = String::with_capacity(self.token_len());
        for part in [&*self.app, "_", class.code(), "_"] {
            text.push_str(part);
        }
        base62::encode(base62::limbs::<4>(&id), ID_CHARS, &mut text);
        base62::encode(base62::limbs::<8>(secret), SECRET_CHARS, &mut text);
        let check = crc32([text.as_bytes()]);
        base62::encode([check], CHECK_CHARS, &mut text);
        SecretText::new(text)
    }
}

fn split(text: &[u8], at: usize) -> Result<(&[u8], &[u8]), TokenParseError> {
    text.split_at_checked(at).ok_or(TokenParseError::Length)
}

fn number<const LIMBS: usize>(text: &[u8]) -> Result<Limbs<LIMBS>, TokenParseError> {
    base62::decode(text).ok_or(TokenParseError::Range)
}

/// A well-formed token that came with a request; nothing is known yet of whether it is anybody's.
///
/// The text is wiped when dropped and never printed.
#[derive(Clone)]
pub struct PresentedToken {
    class: TokenClass,
    id: [u8; 16],
    text: SecretText,
}

impl PresentedToken {
    /// The class it was parsed as.
    #[must_use]
    pub const fn class(&self) -> TokenClass {
        self.class
    }

    /// The id its row is found by.
    #[must_use]
    pub const fn id(&self) -> [u8; 16] {
        self.id
    }

    pub(super) fn text(&self) -> &str {
        self.text.expose()
    }
}

impl fmt::Debug for PresentedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PresentedToken({}, [redacted])", self.class.code())
    }
}
