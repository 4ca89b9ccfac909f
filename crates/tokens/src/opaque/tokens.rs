//! Making tokens and comparing them with what is stored.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use portcullis_core::entropy::{Entropy, EntropyError, random_bytes};
use portcullis_core::id::TenantId;
use portcullis_core::secret::{SecretText, TokenDigest};
use zeroize::Zeroizing;

use super::{PresentedToken, TokenClass, TokenFormat, TokenParseError};
use crate::keys::{Key, KeyRings, LiveKeys, Purpose};
use crate::mac::{self, Label};

/// A new token: the text for its owner, which exists once, and the digest for the store.
#[derive(Debug)]
pub struct Minted {
    /// What the owner is given.
    pub plaintext: SecretText,
    /// What the store keeps.
    pub digest: TokenDigest,
}

/// Mints and verifies opaque tokens under the token pepper. Cheap to clone.
///
/// A stored digest is HMAC-SHA256 of the whole token text, class and id included, so a digest that is moved to another
/// row or class matches nothing.
#[derive(Clone, Debug)]
pub struct Tokens(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    format: TokenFormat,
    keys: LiveKeys,
    digests: AtomicU64,
}

impl Tokens {
    /// Tokens of this form, under these keys: [`KeyRings`], or live ones that may change.
    #[must_use]
    pub fn new(format: TokenFormat, keys: impl Into<LiveKeys>) -> Self {
        Self(Arc::new(Inner {
            format,
            keys: keys.into(),
            digests: AtomicU64::new(0),
        }))
    }

    /// A new token with a fresh 256-bit secret for the row `id`.
    ///
    /// # Errors
    /// [`EntropyError`] where the source of randomness fails; nothing is minted then.
    pub fn mint(
        &self,
        class: TokenClass,
        id: [u8; 16],
        entropy: &dyn Entropy,
    ) -> Result<Minted, EntropyError> {
        let secret = Zeroizing::new(random_bytes::<32>(entropy)?);
        Ok(self.mint_with(class, id, &secret))
    }

    pub(super) fn mint_with(&self, class: TokenClass, id: [u8; 16], secret: &[u8; 32]) -> Minted {
        let plaintext = self.0.format.encode(class, id, secret);
        let keys = self.keys();
        let newest = keys.ring(Purpose::TokenPepper).newest();
        let digest = self.digest(newest, plaintext.expose());
        Minted { plaintext, digest }
    }

    /// Reads a token of `class`; see [`TokenFormat::parse`].
    ///
    /// # Errors
    /// [`TokenParseError`] for what is not a token of this application and class.
    pub fn parse(&self, class: TokenClass, text: &str) -> Result<PresentedToken, TokenParseError> {
        self.0.format.parse(class, text)
    }

    /// The class that `text` claims to be of; see [`TokenFormat::class_of`].
    #[must_use]
    pub fn class_of(&self, text: &str) -> Option<TokenClass> {
        self.0.format.class_of(text)
    }

    /// How these tokens look.
    #[must_use]
    pub fn format(&self) -> &TokenFormat {
        &self.0.format
    }

    /// Whether `stored` is the digest of `presented`, in constant time: one digest is computed whatever the answer, and
    /// also where the key of `stored` is unknown or retired, which is never a match.
    #[must_use]
    pub fn verify(&self, presented: &PresentedToken, stored: &TokenDigest) -> bool {
        let keys = self.keys_with(stored.key_version);
        let ring = keys.ring(Purpose::TokenPepper);
        let key = ring.get(stored.key_version);
        let used = key.map_or_else(|| ring.newest(), |key| (stored.key_version, key));
        let matches = self.digest(used, presented.text()).matches(stored);
        matches & key.is_some()
    }

    /// Does the work of [`Tokens::verify`] for an id that was not found, so that a miss takes as long as a hit with
    /// another secret (AK-03).
    pub fn verify_miss(&self, presented: &PresentedToken) {
        let keys = self.keys();
        let decoy = TokenDigest {
            bytes: [0; 32],
            key_version: keys.ring(Purpose::TokenPepper).newest().0,
        };
        // Without this the compiler could see that nobody looks at the answer, and skip the work.
        black_box(self.verify(presented, black_box(&decoy)));
    }

    /// A digest of `parts` for `domain` under the newest token pepper, for values that are not tokens (sign-up cookies,
    /// confirmation codes). Parts are length-prefixed and cannot run together; digests of two domains never match.
    #[must_use]
    pub fn keyed(&self, domain: &str, parts: &[&[u8]]) -> TokenDigest {
        self.count();
        self.keys().ring(Purpose::TokenPepper).mac(domain, parts)
    }

    /// Whether `stored` was made by [`Tokens::keyed`] from the same domain and parts under a key that is not retired,
    /// in constant time.
    #[must_use]
    pub fn verify_keyed(&self, domain: &str, parts: &[&[u8]], stored: &TokenDigest) -> bool {
        self.count();
        let keys = self.keys_with(stored.key_version);
        let ring = keys.ring(Purpose::TokenPepper);
        match ring.mac_with(stored.key_version, domain, parts) {
            Some(digest) => digest.matches(stored),
            // The same work where the key is gone, and never a match.
            None => {
                black_box(ring.mac(domain, parts));
                false
            }
        }
    }

    /// What attempt counters and logs know an identifier by: a digest of the tenant and the canonical form.
    ///
    /// Under the **oldest** key that is not retired, so that a rotation resets no counter: version 1 stays this key
    /// until it is retired, and then all counters start anew once.
    #[must_use]
    pub fn identifier_digest(&self, tenant: TenantId, canonical: &str) -> [u8; 32] {
        self.count();
        let keys = self.keys();
        let (_, key) = keys.ring(Purpose::TokenPepper).oldest();
        mac::framed(
            key.bytes(),
            Label::Identifier,
            &[tenant.as_bytes(), canonical.as_bytes()],
        )
    }

    /// How many digests were computed since the start, by any method. Tests assert equal work by it, since time is no
    /// measure there.
    #[must_use]
    pub fn digests_computed(&self) -> u64 {
        self.0.digests.load(Ordering::Relaxed)
    }

    pub(super) fn keys(&self) -> KeyRings {
        self.0.keys.current()
    }

    /// The keys, and those of the file where this version is not among them.
    fn keys_with(&self, version: u32) -> KeyRings {
        self.0.keys.with_version(Purpose::TokenPepper, version)
    }

    fn digest(&self, (key_version, key): (u32, &Key), text: &str) -> TokenDigest {
        self.count();
        TokenDigest {
            bytes: mac::hmac(key.bytes(), text.as_bytes()),
            key_version,
        }
    }

    pub(super) fn count(&self) {
        self.0.digests.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
