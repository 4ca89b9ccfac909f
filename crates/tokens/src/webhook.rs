//! Signatures of webhooks, as [Standard Webhooks](https://www.standardwebhooks.com) 1.0 has them: HMAC-SHA256 over the
//! message's id, the time of sending and the body, in three headers.
//!
//! Whoever sends calls [`sign`], whoever receives calls [`verify_webhook`] before it reads the body as anything. While a
//! secret is replaced both hold the old one and the new: the sender signs with each, and one signature is enough for the
//! receiver.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_core::secret::SecretText;
use portcullis_core::time::Timestamp;
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::mac::{BLOCK_BYTES, hmac_of};

/// The header with the message's id: the same each time the message is sent.
pub const ID_HEADER: &str = "webhook-id";
/// The header with the time of sending, in seconds since the Unix epoch.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
/// The header with the signatures, each `v1,` and base64, one space between two.
pub const SIGNATURE_HEADER: &str = "webhook-signature";

/// How far the clocks of sender and receiver may be apart, the way of the message included, where nobody says otherwise.
pub const WEBHOOK_TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// In front of a secret that is written down.
const SECRET_START: &str = "whsec_";
/// In front of a signature by HMAC-SHA256.
const VERSION_START: &str = "v1,";
const SECRET_MIN_BYTES: usize = 32;
/// More signatures than a rotation needs are not looked at: each costs one comparison a secret.
const SIGNATURES_MAX: usize = 8;
const ID_MAX_BYTES: usize = 128;
/// Ends in the year 33658.
const TIMESTAMP_MAX_DIGITS: usize = 12;

/// Why a text or some bytes are no secret to sign webhooks with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookSecretError {
    /// Not `whsec_` and base64.
    #[error("a webhook secret is written as whsec_ and 32 to 64 random bytes in base64")]
    Malformed,
    /// Too few bytes to be safe, or more than the signature takes.
    #[error("a webhook secret has 32 to 64 random bytes")]
    Length,
}

/// A secret that sender and receiver share. Wiped when dropped, never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct WebhookSecret([u8; BLOCK_BYTES]);

impl WebhookSecret {
    /// From 32 to 64 random bytes.
    ///
    /// # Errors
    /// [`WebhookSecretError::Length`] for fewer or more.
    pub fn new(bytes: &[u8]) -> Result<Self, WebhookSecretError> {
        match bytes.len() {
            SECRET_MIN_BYTES..=BLOCK_BYTES => Ok(Self::filled_up(bytes)),
            _ => Err(WebhookSecretError::Length),
        }
    }

    /// From the form it is written down in: `whsec_` and base64.
    ///
    /// # Errors
    /// [`WebhookSecretError`] for everything else.
    pub fn parse(text: &SecretText) -> Result<Self, WebhookSecretError> {
        let encoded = text.expose().strip_prefix(SECRET_START);
        let encoded = encoded.ok_or(WebhookSecretError::Malformed)?;
        let bytes = STANDARD.decode(encoded).map(Zeroizing::new);
        Self::new(&bytes.map_err(|_| WebhookSecretError::Malformed)?)
    }

    /// HMAC fills a short key up with zeros to the block (RFC 2104 section 2).
    fn filled_up(bytes: &[u8]) -> Self {
        let mut block = [0; BLOCK_BYTES];
        for (to, from) in block.iter_mut().zip(bytes) {
            *to = *from;
        }
        Self(block)
    }

    fn digest(&self, id: &str, timestamp: &str, body: &[u8]) -> [u8; 32] {
        let parts = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
        hmac_of(&self.0, &parts)
    }
}

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecret([redacted])")
    }
}

/// The headers that a signed message came with.
#[derive(Clone, Copy, Debug)]
pub struct WebhookHeaders<'a> {
    /// Of [`ID_HEADER`].
    pub id: &'a str,
    /// Of [`TIMESTAMP_HEADER`].
    pub timestamp: &'a str,
    /// Of [`SIGNATURE_HEADER`].
    pub signature: &'a str,
}

/// Why a message is not what its sender sent, or not now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookRefusal {
    /// A header is missing or is not as it should be.
    #[error("the headers of a webhook are missing or malformed")]
    Malformed,
    /// It was sent too long ago, or has a time that is yet to come.
    #[error("the webhook was not sent just now")]
    Stale,
    /// No signature was made with one of the secrets over this message.
    #[error("the webhook is not signed by its sender")]
    Signature,
}

/// The value of [`SIGNATURE_HEADER`] for a message that is sent at `now`: a signature for each secret.
///
/// The value of [`TIMESTAMP_HEADER`] that belongs to it is `now.as_secs()`; `id` has no dot in it.
#[must_use]
pub fn sign(secrets: &[WebhookSecret], id: &str, now: Timestamp, body: &[u8]) -> String {
    let timestamp = now.as_secs().to_string();
    let signatures = secrets.iter().map(|secret| {
        let digest = secret.digest(id, &timestamp, body);
        format!("{VERSION_START}{}", STANDARD.encode(digest))
    });
    signatures.collect::<Vec<_>>().join(" ")
}

/// Whether a message with these headers and exactly these bytes as its body was signed with one of the secrets, at most
/// `tolerance` before or after `now`. Compared in constant time.
///
/// What passes can come again within the tolerance, from its sender, which sends at least once, or from somebody who
/// listened. Keep the ids of what was carried out for that long, and answer an id that is known with 200 and nothing else.
///
/// # Errors
/// [`WebhookRefusal`]; answer each with 401, and do not read the body.
pub fn verify_webhook(
    headers: WebhookHeaders<'_>,
    body: &[u8],
    secrets: &[WebhookSecret],
    now: Timestamp,
    tolerance: Duration,
) -> Result<(), WebhookRefusal> {
    let WebhookHeaders {
        id,
        timestamp,
        signature,
    } = headers;
    // A dot would let one signed message be read as two.
    if id.is_empty() || id.len() > ID_MAX_BYTES || id.contains('.') {
        return Err(WebhookRefusal::Malformed);
    }
    let sent = sent_at(timestamp).ok_or(WebhookRefusal::Malformed)?;
    // Whole seconds, as the header has them.
    if sent.as_secs().abs_diff(now.as_secs()) > tolerance.as_secs() {
        return Err(WebhookRefusal::Stale);
    }
    let digests: Vec<[u8; 32]> = secrets
        .iter()
        .map(|secret| secret.digest(id, timestamp, body))
        .collect();
    let mut signed = Choice::from(0);
    for candidate in signature.split(' ').take(SIGNATURES_MAX) {
        let Some(encoded) = candidate.strip_prefix(VERSION_START) else {
            // A signature of another kind, which we have no key for.
            continue;
        };
        let Ok(given) = STANDARD.decode(encoded) else {
            continue;
        };
        for digest in &digests {
            signed |= digest.ct_eq(&*given);
        }
    }
    match bool::from(signed) {
        true => Ok(()),
        false => Err(WebhookRefusal::Signature),
    }
}

/// Digits alone: no sign, no space, no fraction.
fn sent_at(timestamp: &str) -> Option<Timestamp> {
    let fits = (1..=TIMESTAMP_MAX_DIGITS).contains(&timestamp.len());
    if !fits || !timestamp.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    timestamp.parse().ok().map(Timestamp::from_secs)
}

#[cfg(test)]
mod tests;
