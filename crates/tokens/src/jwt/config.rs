//! What a codec is told once.

use std::sync::Arc;
use std::time::Duration;

/// The longest lifetime that may be configured.
pub const LIFETIME_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// The most leeway that may be configured.
pub const LEEWAY_MAX: Duration = Duration::from_secs(5);

/// The most bytes of an issuer or audience.
const NAME_MAX_BYTES: usize = 256;

/// Who signs, for whom, and how long a token may live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwtConfig {
    /// `iss`: the public URL of this instance. 1 to 256 printable characters.
    pub issuer: Arc<str>,
    /// `aud`: what the tokens are good for. 1 to 256 printable characters.
    pub audience: Arc<str>,
    /// The longest time from `iat` to `exp`: whole seconds, up to [`LIFETIME_MAX`]; 15 minutes by default.
    pub max_lifetime: Duration,
    /// How far the clocks of several servers may be apart: up to [`LEEWAY_MAX`], which is the default.
    pub leeway: Duration,
}

/// The settings cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwtConfigError {
    /// The issuer is empty, too long, or has white space or control characters.
    #[error("the issuer of access tokens must have 1 to 256 characters, none of them white space")]
    Issuer,
    /// The audience is empty, too long, or has white space or control characters.
    #[error(
        "the audience of access tokens must have 1 to 256 characters, none of them white space"
    )]
    Audience,
    /// The lifetime is no whole number of seconds, zero, or over [`LIFETIME_MAX`].
    #[error("the longest lifetime of access tokens must be 1 to 86400 whole seconds")]
    Lifetime,
    /// The leeway is over [`LEEWAY_MAX`].
    #[error(
        "the leeway for clocks must be at most 5 seconds; set the clocks of the servers instead"
    )]
    Leeway,
}

impl JwtConfig {
    /// Tokens of `issuer` for `audience`, with the default times.
    #[must_use]
    pub fn new(issuer: impl Into<Arc<str>>, audience: impl Into<Arc<str>>) -> Self {
        Self {
            issuer: issuer.into(),
            audience: audience.into(),
            max_lifetime: Duration::from_secs(15 * 60),
            leeway: LEEWAY_MAX,
        }
    }

    pub(super) fn check(&self) -> Result<(), JwtConfigError> {
        if !is_name(&self.issuer) {
            return Err(JwtConfigError::Issuer);
        }
        if !is_name(&self.audience) {
            return Err(JwtConfigError::Audience);
        }
        let lifetime = self.max_lifetime;
        if lifetime.is_zero() || lifetime.subsec_nanos() != 0 || lifetime > LIFETIME_MAX {
            return Err(JwtConfigError::Lifetime);
        }
        if self.leeway > LEEWAY_MAX {
            return Err(JwtConfigError::Leeway);
        }
        Ok(())
    }
}

fn is_name(text: &str) -> bool {
    let printable = |c: char| !c.is_whitespace() && !c.is_control();
    (1..=NAME_MAX_BYTES).contains(&text.len()) && text.chars().all(printable)
}
