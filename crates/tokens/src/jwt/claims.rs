//! What an access token says.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_core::api_token::{Scope, Scopes};
use portcullis_core::entity::Epoch;
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::time::Timestamp;
use serde_json::{Map, Value};

use super::{JwtConfig, JwtRejection};

/// The most members of [`AccessClaims::extra`].
pub const EXTRA_MEMBERS_MAX: usize = 32;
/// The most bytes of a name in [`AccessClaims::extra`].
pub const EXTRA_NAME_MAX_BYTES: usize = 64;

/// The last second of the year 9999, in seconds since the Unix epoch. Milliseconds of this century lie beyond it.
const SECONDS_MAX: i64 = 253_402_300_799;

/// Names with a meaning of ours, or with one that nothing here honours.
const RESERVED: [&str; 13] = [
    "iss", "aud", "sub", "exp", "iat", "nbf", "jti", "tenant", "epoch", "family", "scope", "cnf",
    "act",
];

/// The claims of an access token (RFC 9068 section 2.2).
///
/// Times are whole seconds in the token: what is signed is rounded towards the past.
#[derive(Clone, Debug, PartialEq)]
pub struct AccessClaims {
    /// `iss`: the issuer, as configured.
    pub issuer: Arc<str>,
    /// `aud`: the audience, as configured.
    pub audience: Arc<str>,
    /// `sub`: whom it acts for.
    pub subject: UserId,
    /// `tenant`: in which tenant.
    pub tenant: TenantId,
    /// `epoch`: their security stamp when it was made.
    pub epoch: Epoch,
    /// `family`: the refresh family it came from, which ends it when it ends.
    pub family: Option<[u8; 16]>,
    /// `scope`: what it is limited to.
    pub scopes: Option<Scopes>,
    /// `iat`: when it was made.
    pub issued_at: Timestamp,
    /// `nbf`: from when it is good.
    pub not_before: Timestamp,
    /// `exp`: from when it is not.
    pub expires_at: Timestamp,
    /// `jti`: its own id, random.
    pub id: [u8; 16],
    /// Claims of the application: at most [`EXTRA_MEMBERS_MAX`], with names of 1 to [`EXTRA_NAME_MAX_BYTES`] bytes that
    /// are none of the above, `cnf` or `act`.
    pub extra: Map<String, Value>,
}

impl AccessClaims {
    /// As the token's payload. The reserved names win over `extra`; [`AccessClaims::has_reserved`] is asked before.
    pub(super) fn to_payload(&self) -> Map<String, Value> {
        let mut payload = self.extra.clone();
        let mut put = |name: &str, value: Value| payload.insert(name.to_owned(), value);
        put("iss", (*self.issuer).into());
        put("aud", (*self.audience).into());
        put("sub", self.subject.to_string().into());
        put("tenant", self.tenant.to_string().into());
        put("epoch", self.epoch.0.into());
        put("iat", self.issued_at.as_secs().into());
        put("nbf", self.not_before.as_secs().into());
        put("exp", self.expires_at.as_secs().into());
        put("jti", URL_SAFE_NO_PAD.encode(self.id).into());
        if let Some(family) = self.family {
            put("family", URL_SAFE_NO_PAD.encode(family).into());
        }
        if let Some(scopes) = &self.scopes {
            put("scope", scope_text(scopes).into());
        }
        payload
    }

    /// The reserved name that stands in `extra`, if one does.
    pub(super) fn has_reserved(&self) -> Option<&'static str> {
        RESERVED
            .into_iter()
            .find(|name| self.extra.contains_key(*name))
    }

    /// Reads a payload: everything that does not depend on the moment.
    pub(super) fn from_payload(
        payload: Map<String, Value>,
        config: &JwtConfig,
    ) -> Result<Self, JwtRejection> {
        let mut claims = Claims(payload);
        if *claims.text("iss")? != *config.issuer {
            return Err(JwtRejection::Issuer);
        }
        if *claims.text("aud")? != *config.audience {
            return Err(JwtRejection::Audience);
        }
        let read = Self {
            issuer: Arc::clone(&config.issuer),
            audience: Arc::clone(&config.audience),
            subject: claims.printed("sub")?,
            tenant: claims.printed("tenant")?,
            epoch: claims.epoch()?,
            family: claims.optional("family", |claims| claims.bytes("family"))?,
            scopes: claims.optional("scope", Claims::scopes)?,
            issued_at: claims.seconds("iat")?,
            not_before: claims.seconds("nbf")?,
            expires_at: claims.seconds("exp")?,
            id: claims.bytes("jti")?,
            extra: claims.rest()?,
        };
        read.check_lifetime(config.max_lifetime)?;
        Ok(read)
    }

    fn check_lifetime(&self, max: Duration) -> Result<(), JwtRejection> {
        let end = self.expires_at;
        let fits =
            self.issued_at < end && self.not_before < end && end.since(self.issued_at) <= max;
        fits.then_some(()).ok_or(JwtRejection::Lifetime)
    }

    /// Whether the token may be used at `now`, by clocks that are up to `leeway` apart.
    pub(super) fn check_times(&self, now: Timestamp, leeway: Duration) -> Result<(), JwtRejection> {
        let latest = now.plus(leeway);
        if self.issued_at > latest {
            return Err(JwtRejection::IssuedInFuture);
        }
        if self.not_before > latest {
            return Err(JwtRejection::NotYetValid);
        }
        if self.expires_at <= now.minus(leeway) {
            return Err(JwtRejection::Expired);
        }
        Ok(())
    }
}

/// Members that were not read yet.
struct Claims(Map<String, Value>);

impl Claims {
    fn take(&mut self, name: &'static str) -> Result<Value, JwtRejection> {
        self.0.remove(name).ok_or(JwtRejection::MissingClaim(name))
    }

    fn optional<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Self) -> Result<T, JwtRejection>,
    ) -> Result<Option<T>, JwtRejection> {
        self.0.contains_key(name).then(|| read(self)).transpose()
    }

    fn text(&mut self, name: &'static str) -> Result<String, JwtRejection> {
        match self.take(name)? {
            Value::String(text) => Ok(text),
            _ => Err(JwtRejection::Claim(name)),
        }
    }

    /// What prints as it stands there: one spelling of each value.
    fn printed<T: std::str::FromStr + ToString>(
        &mut self,
        name: &'static str,
    ) -> Result<T, JwtRejection> {
        let text = self.text(name)?;
        let value = text.parse::<T>().ok();
        value
            .filter(|value| value.to_string() == text)
            .ok_or(JwtRejection::Claim(name))
    }

    fn bytes(&mut self, name: &'static str) -> Result<[u8; 16], JwtRejection> {
        let decoded = URL_SAFE_NO_PAD.decode(self.text(name)?);
        let bytes = decoded.ok().and_then(|bytes| bytes.try_into().ok());
        bytes.ok_or(JwtRejection::Claim(name))
    }

    /// `NumericDate` (RFC 7519 section 2), of which only integers are accepted.
    fn seconds(&mut self, name: &'static str) -> Result<Timestamp, JwtRejection> {
        let seconds = self.take(name)?.as_u64();
        let seconds = seconds.and_then(|seconds| i64::try_from(seconds).ok());
        seconds
            .filter(|seconds| *seconds <= SECONDS_MAX)
            .map(Timestamp::from_secs)
            .ok_or(JwtRejection::Claim(name))
    }

    fn epoch(&mut self) -> Result<Epoch, JwtRejection> {
        let number = self.take("epoch")?.as_u64();
        let number = number.and_then(|number| u32::try_from(number).ok());
        number.map(Epoch).ok_or(JwtRejection::Claim("epoch"))
    }

    /// RFC 8693 section 4.2: separated by single spaces; sorted, as it is written.
    fn scopes(&mut self) -> Result<Scopes, JwtRejection> {
        let text = self.text("scope")?;
        let scopes: Result<Vec<Scope>, _> = text.split(' ').map(str::parse).collect();
        let scopes = scopes.and_then(Scopes::new).ok();
        scopes
            .filter(|scopes| scope_text(scopes) == text)
            .ok_or(JwtRejection::Claim("scope"))
    }

    /// What is left, once everything of ours was taken.
    fn rest(self) -> Result<Map<String, Value>, JwtRejection> {
        if let Some(name) = RESERVED.into_iter().find(|name| self.0.contains_key(*name)) {
            return Err(JwtRejection::Claim(name));
        }
        let named = |name: &String| (1..=EXTRA_NAME_MAX_BYTES).contains(&name.len());
        if self.0.len() > EXTRA_MEMBERS_MAX || !self.0.keys().all(named) {
            return Err(JwtRejection::Claim("extra"));
        }
        Ok(self.0)
    }
}

fn scope_text(scopes: &Scopes) -> String {
    let scopes: Vec<&str> = scopes.iter().map(Scope::as_str).collect();
    scopes.join(" ")
}
