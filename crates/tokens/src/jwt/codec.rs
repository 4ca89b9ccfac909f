//! Signing and verifying.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_core::secret::SecretText;
use portcullis_core::time::Timestamp;
use serde_json::{Map, Value};

use super::memory::TokenHash;
use super::{
    AccessClaims, JwtConfig, JwtConfigError, JwtKeys, JwtRejection, LiveJwtKeys, VerifiedMemory,
};
use super::{JWT_MAX_BYTES, decode};

/// A token cannot be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwtSignError {
    /// A custom claim has a name that is not the application's to use.
    #[error("the claim name `{0}` is reserved")]
    ReservedClaim(&'static str),
    /// The token would be refused whenever it came back.
    #[error("a token that would be refused")]
    Refused(#[from] JwtRejection),
    /// The signature could not be made, as without randomness.
    #[error("the token could not be signed")]
    Signature,
}

/// Signs and verifies the access tokens of one issuer for one audience. Cheap to clone: all clones are one codec.
#[derive(Clone, Debug)]
pub struct JwtCodec(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: JwtConfig,
    keys: LiveJwtKeys,
    memory: Option<VerifiedMemory>,
    decoded: AtomicU64,
}

impl JwtCodec {
    /// A codec that checks every signature.
    ///
    /// # Errors
    /// [`JwtConfigError`] for settings out of bounds.
    pub fn new(config: JwtConfig, keys: impl Into<LiveJwtKeys>) -> Result<Self, JwtConfigError> {
        Self::build(config, keys.into(), None)
    }

    /// A codec that remembers which signatures it has checked.
    ///
    /// # Errors
    /// [`JwtConfigError`] for settings out of bounds.
    pub fn with_memory(
        config: JwtConfig,
        keys: impl Into<LiveJwtKeys>,
        memory: VerifiedMemory,
    ) -> Result<Self, JwtConfigError> {
        Self::build(config, keys.into(), Some(memory))
    }

    fn build(
        config: JwtConfig,
        keys: LiveJwtKeys,
        memory: Option<VerifiedMemory>,
    ) -> Result<Self, JwtConfigError> {
        config.check()?;
        Ok(Self(Arc::new(Inner {
            config,
            keys,
            memory,
            decoded: AtomicU64::new(0),
        })))
    }

    /// The token of these claims, signed with the newest key. Times are rounded to the second, towards the past.
    ///
    /// # Errors
    /// [`JwtSignError`] for claims that [`JwtCodec::verify`] would refuse at every moment: another issuer or audience, a
    /// longer lifetime, a reserved name or too many in `extra`, more than [`JWT_MAX_BYTES`] in all.
    pub fn sign(&self, claims: &AccessClaims) -> Result<SecretText, JwtSignError> {
        if let Some(name) = claims.has_reserved() {
            return Err(JwtSignError::ReservedClaim(name));
        }
        let payload = claims.to_payload();
        let current = self.0.keys.snapshot();
        let (_, key) = current.keys.newest();
        let mut token = String::with_capacity(JWT_MAX_BYTES);
        append(&mut token, &decode::header(key))?;
        token.push('.');
        append(&mut token, &payload)?;
        let signature = key.sign(token.as_bytes()).ok_or(JwtSignError::Signature)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        if token.len() > JWT_MAX_BYTES {
            return Err(JwtRejection::TooLong.into());
        }
        AccessClaims::from_payload(payload, &self.0.config)?;
        Ok(SecretText::new(token))
    }

    /// The claims of a token that is ours, unchanged, and good at `now`.
    ///
    /// # Errors
    /// [`JwtRejection`], for the audit log alone: the client sees one answer for all of them.
    pub fn verify(&self, text: &str, now: Timestamp) -> Result<AccessClaims, JwtRejection> {
        let Inner { config, memory, .. } = &*self.0;
        let mut current = self.0.keys.snapshot();
        let memory = memory.as_ref().zip(TokenHash::of(text));
        if let Some((memory, token)) = memory
            && let Some(claims) = memory.get(token, current.generation)
        {
            claims.check_times(now, config.leeway)?;
            return Ok((*claims).clone());
        }
        self.0.decoded.fetch_add(1, Ordering::Relaxed);
        let mut decoded = decode::decode(text, &current.keys, config);
        if decoded == Err(JwtRejection::UnknownKey) {
            // Of another issuer, or of a key that another process knows already. A file that has not changed is not read.
            let before = current.generation;
            current = self.0.keys.enough(|_| false);
            if current.generation != before {
                decoded = decode::decode(text, &current.keys, config);
            }
        }
        let claims = decoded?;
        claims.check_times(now, config.leeway)?;
        if let Some((memory, token)) = memory {
            memory.put(token, current.generation, Arc::new(claims.clone()));
        }
        Ok(claims)
    }

    /// Signs and verifies with other keys from now on, and forgets what was verified with the ones before.
    pub fn replace_keys(&self, keys: JwtKeys) {
        self.0.keys.swap(keys);
    }

    /// The keys in use.
    #[must_use]
    pub fn keys(&self) -> JwtKeys {
        self.0.keys.current()
    }

    /// The same, as they may change.
    #[must_use]
    pub fn live_keys(&self) -> &LiveJwtKeys {
        &self.0.keys
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &JwtConfig {
        &self.0.config
    }

    /// How many tokens were decoded rather than remembered, since the codec was made: what tests and metrics count.
    #[must_use]
    pub fn tokens_decoded(&self) -> u64 {
        self.0.decoded.load(Ordering::Relaxed)
    }
}

fn append(token: &mut String, part: &Map<String, Value>) -> Result<(), JwtSignError> {
    let json = serde_json::to_vec(part).map_err(|_| JwtRejection::Malformed)?;
    // Room was made for the longest token; more would move it.
    if json.len() > JWT_MAX_BYTES {
        return Err(JwtRejection::TooLong.into());
    }
    URL_SAFE_NO_PAD.encode_string(json, token);
    Ok(())
}
