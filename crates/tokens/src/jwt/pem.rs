//! Private keys in PEM (RFC 7468): one block, and nothing around it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Far above what an RSA key of 8192 bits takes.
const MAX_BYTES: usize = 16 * 1024;

/// What a block says that it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    /// PKCS#8, unencrypted.
    Pkcs8,
    /// PKCS#1, of RSA alone.
    Rsa,
}

impl Label {
    const fn text(self) -> &'static str {
        match self {
            Self::Pkcs8 => "PRIVATE KEY",
            Self::Rsa => "RSA PRIVATE KEY",
        }
    }
}

/// The DER in the only block of `text`; `None` for everything else, public and encrypted keys among it.
pub(super) fn private_key(text: &str) -> Option<(Label, Zeroizing<Vec<u8>>)> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let block = text.trim();
    let (label, body) = [Label::Pkcs8, Label::Rsa].into_iter().find_map(|label| {
        let body = block
            .strip_prefix("-----BEGIN ")?
            .strip_prefix(label.text())?
            .strip_prefix("-----")?
            .strip_suffix("-----")?
            .strip_suffix(label.text())?
            .strip_suffix("-----END ")?;
        Some((label, body))
    })?;
    let mut base64 = Zeroizing::new(Vec::with_capacity(body.len()));
    base64.extend(body.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    let mut der = Zeroizing::new(Vec::with_capacity(base64.len()));
    STANDARD.decode_vec(&*base64, &mut der).ok()?;
    Some((label, der))
}
