//! The id that ties an answer, its log line and its audit events together.

use std::fmt;
use std::sync::Arc;

use axum::http::{Extensions, HeaderName, HeaderValue};
use portcullis_core::entropy::{Entropy, EntropyError, random_bytes};

/// `X-Request-Id`, in answers. In requests it is not read: whoever sends it could choose what our log says.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The most bytes of an id.
const MAX_BYTES: usize = 64;

/// The id of one request: 128 random bits in hexadecimal.
///
/// A layer of the application's own may put one on the request's extensions before our routes and extractors run; then
/// that one is used throughout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// An id of the application's own: 1 to 64 letters, digits, `-`, `_` or `.`; `None` for any other text.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        ((1..=MAX_BYTES).contains(&text.len()) && text.bytes().all(fits)).then(|| Self(text.into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id that the request has, or a new one, which it then has.
    pub(crate) fn of(
        extensions: &mut Extensions,
        entropy: &dyn Entropy,
    ) -> Result<Self, EntropyError> {
        if let Some(id) = extensions.get::<Self>() {
            return Ok(id.clone());
        }
        let id = Self(hex(random_bytes(entropy)?).into());
        extensions.insert(id.clone());
        Ok(id)
    }

    pub(crate) fn header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn hex(bytes: [u8; 16]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)])
        .collect()
}

#[cfg(test)]
mod tests {
    use portcullis_core::entropy::SeededEntropy;

    use super::*;

    #[test]
    fn a_request_keeps_its_id() {
        let entropy = SeededEntropy::new(1);
        let mut extensions = Extensions::new();
        let id = RequestId::of(&mut extensions, &entropy).unwrap();
        assert_eq!(RequestId::of(&mut extensions, &entropy).unwrap(), id);
        assert_ne!(RequestId::of(&mut Extensions::new(), &entropy).unwrap(), id);
        assert_eq!(RequestId::new(id.as_str()), Some(id.clone()));
        assert_eq!(id.as_str().len(), 32);
        assert_eq!(hex([0xa0; 16]), "a0".repeat(16));
    }

    // LG-03
    #[test]
    fn an_id_cannot_break_a_log_line() {
        for text in ["", "a b", "a\nb", "ä", "\u{202e}", &"a".repeat(65)] {
            assert_eq!(RequestId::new(text), None, "{text:?}");
        }
    }
}
