//! Browsers that somebody has signed in with before, so that a stranger's failures lock nobody out (SECURITY TH-05).
//!
//! A browser keeps a random number and, for each identifier that was signed in with there, a keyed digest of both. What
//! it proves is that the browser once signed in with that identifier, and all that follows is a count of failures of its
//! own: the same delays, apart from everybody else's. It signs nobody in, and nothing is stored for it.

use std::fmt::Write as _;

use portcullis_core::entropy::{Entropy, EntropyError, random_bytes};
use portcullis_core::id::TenantId;
use portcullis_core::net::DeviceMark;
use portcullis_core::secret::TokenDigest;
use portcullis_tokens::opaque::Tokens;

/// What the digests are made for.
const DOMAIN: &str = "known device";
const NUMBER_BYTES: usize = 16;
/// The most identifiers that a browser keeps; the oldest goes first.
const IDENTIFIERS_MAX: usize = 5;

/// A browser's number, and what it has signed in with.
struct Browser {
    number: [u8; NUMBER_BYTES],
    proofs: Vec<TokenDigest>,
}

/// Whose failures an attempt is counted among: the identifier's, or those that this browser makes for it.
pub(crate) fn counted_as(
    tokens: &Tokens,
    tenant: TenantId,
    identifier: [u8; 32],
    mark: &DeviceMark,
) -> [u8; 32] {
    match Browser::read(mark) {
        Some(browser) if browser.knows(tokens, tenant, &identifier).is_some() => {
            let name = format!("{} {}", hex(&identifier), hex(&browser.number));
            tokens.identifier_digest(tenant, &name)
        }
        _ => identifier,
    }
}

/// The mark of a browser that has just signed in; `None` where it has that mark already.
pub(crate) fn after_sign_in(
    tokens: &Tokens,
    tenant: TenantId,
    identifier: [u8; 32],
    mark: &DeviceMark,
    entropy: &dyn Entropy,
) -> Result<Option<DeviceMark>, EntropyError> {
    let mut browser = match Browser::read(mark) {
        Some(browser) => browser,
        None => Browser {
            number: random_bytes(entropy)?,
            proofs: Vec::new(),
        },
    };
    let proof = tokens.keyed(DOMAIN, &parts(&tenant, &identifier, &browser.number));
    if let Some(known) = browser.knows(tokens, tenant, &identifier) {
        // Proved under the newest key, first in the row: nothing to change.
        if known == 0
            && browser
                .proofs
                .first()
                .is_some_and(|old| old.key_version == proof.key_version)
        {
            return Ok(None);
        }
        browser.proofs.remove(known);
    }
    browser.proofs.insert(0, proof);
    browser.proofs.truncate(IDENTIFIERS_MAX);
    Ok(Some(browser.write()))
}

fn parts<'a>(
    tenant: &'a TenantId,
    identifier: &'a [u8; 32],
    number: &'a [u8; NUMBER_BYTES],
) -> [&'a [u8]; 3] {
    [tenant.as_bytes(), identifier, number]
}

impl Browser {
    /// Where the proof of this identifier stands, where there is one. Every proof is looked at.
    fn knows(&self, tokens: &Tokens, tenant: TenantId, identifier: &[u8; 32]) -> Option<usize> {
        let parts = parts(&tenant, identifier, &self.number);
        let good = |proof: &TokenDigest| tokens.verify_keyed(DOMAIN, &parts, proof);
        let known: Vec<bool> = self.proofs.iter().map(good).collect();
        known.iter().position(|good| *good)
    }

    /// Number, then version and digest of each proof, in hexadecimal digits between dots.
    fn write(&self) -> DeviceMark {
        let mut text = hex(&self.number);
        for proof in &self.proofs {
            // Writing to a String cannot fail.
            let _written = write!(text, ".{:08x}{}", proof.key_version, hex(&proof.bytes));
        }
        DeviceMark::new(&text)
    }

    fn read(mark: &DeviceMark) -> Option<Self> {
        let mut words = mark.as_str().split('.');
        let number = bytes(words.next()?)?;
        let mut proofs = Vec::new();
        for word in words.take(IDENTIFIERS_MAX) {
            let (version, digest) = word.split_at_checked(8)?;
            proofs.push(TokenDigest {
                key_version: u32::from_be_bytes(bytes(version)?),
                bytes: bytes(digest)?,
            });
        }
        Some(Self { number, proofs })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
