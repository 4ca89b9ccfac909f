//! JWT access tokens (RFC 9068), as `Authorization: Bearer` or in the access cookie.
//!
//! The signature says who it was made for; the one store read says whether they may still come in: the family it came
//! from is live and the owner's epoch has not moved. A bounded memory of verified tokens saves the signature check and
//! never that read.

use std::error::Error;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use async_trait::async_trait;
use portcullis_core::backend::{
    AuthBackend, BackendError, Credential, Presented, RequestContext, Verdict,
};
use portcullis_core::clock::Clock;
use portcullis_core::event::{AuthEventType, Reason};
use portcullis_core::id::RefreshFamilyId;
use portcullis_core::policy::IpPolicy;
use portcullis_core::principal::{Principal, Subject, Via};
use portcullis_core::rule;
use portcullis_core::rule::credential::Arrival;
use portcullis_core::secret::SecretText;
use portcullis_core::store::SecurityStore;
use portcullis_tokens::jwt::{
    AccessClaims, JwtCodec, JwtConfig, JwtConfigError, JwtRejection, LIFETIME_MAX, LiveJwtKeys,
    VerifiedMemory, looks_like_jwt,
};
use serde_json::{Map, Value, json};

use crate::access::{Access, AccessSigner};
use crate::error::FlowError;
use crate::journal::Journal;
use crate::settings::Settings;

/// Tokens that are remembered as verified, about 1 KiB each.
const MEMORY_ENTRIES: NonZeroUsize = match NonZeroUsize::new(4096) {
    Some(entries) => entries,
    None => NonZeroUsize::MIN,
};

/// The codec of an instance: its public URL signs, for itself as audience.
pub(crate) fn codec(settings: &Settings, keys: LiveJwtKeys) -> Result<JwtCodec, JwtConfigError> {
    let url = settings.public_url().as_str();
    let mut config = JwtConfig::new(url, url);
    config.max_lifetime = LIFETIME_MAX;
    JwtCodec::with_memory(config, keys, VerifiedMemory::new(MEMORY_ENTRIES))
}

impl AccessSigner for JwtCodec {
    fn sign(&self, access: &Access) -> Result<SecretText, FlowError> {
        let claims = AccessClaims {
            issuer: Arc::clone(&self.config().issuer),
            audience: Arc::clone(&self.config().audience),
            subject: access.user,
            tenant: access.tenant,
            epoch: access.epoch,
            family: Some(*access.family.as_bytes()),
            scopes: access.scopes.clone(),
            issued_at: access.issued_at,
            not_before: access.issued_at,
            expires_at: access.expires_at,
            id: access.id,
            extra: Map::new(),
        };
        JwtCodec::sign(self, &claims).map_err(FlowError::internal)
    }

    fn jwks(&self) -> Value {
        self.keys().jwks()
    }

    fn refresh_keys(&self) -> Result<bool, Box<dyn Error + Send + Sync>> {
        let fresh = self.live_keys().read_again()?;
        let changed = fresh.is_some();
        if let Some(fresh) = fresh {
            self.live_keys().take_up(fresh);
        }
        Ok(changed)
    }
}

/// Verifies access tokens and reads, once, whether they still count.
pub struct JwtBackend {
    pub(crate) codec: JwtCodec,
    pub(crate) security: Arc<dyn SecurityStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) journal: Arc<Journal>,
    /// Where people may come from, where their tenant does not say it.
    pub(crate) system: IpPolicy,
}

impl fmt::Debug for JwtBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JwtBackend")
    }
}

#[async_trait]
impl AuthBackend for JwtBackend {
    fn name(&self) -> &'static str {
        "jwt"
    }

    fn claims(&self, presented: &Presented<'_>) -> bool {
        match presented.credential {
            Some(Credential::Bearer(text) | Credential::Cookie(text)) => looks_like_jwt(text),
            _ => false,
        }
    }

    async fn authenticate(
        &self,
        presented: &Presented<'_>,
        context: &RequestContext,
    ) -> Result<Verdict, BackendError> {
        let Some(Credential::Bearer(text) | Credential::Cookie(text)) = presented.credential else {
            return Ok(Verdict::NotMine);
        };
        let now = self.clock.now();
        let claims = match self.codec.verify(text, now) {
            Ok(claims) => claims,
            Err(rejection) => return Ok(refused(rejection)),
        };
        let Some(family) = claims.family.filter(|_| claims.tenant == context.tenant) else {
            return Ok(Verdict::Rejected(Reason::UnknownCredential));
        };
        let family = RefreshFamilyId::from_bytes(family);
        let Some(resolved) = self.security.resolve_family(family).await? else {
            return Ok(Verdict::Rejected(Reason::UnknownCredential));
        };
        let theirs =
            resolved.family.user == claims.subject && resolved.family.tenant == claims.tenant;
        let from = Arrival {
            ip: context.client.ip,
            system: &self.system,
        };
        let checked = match theirs && resolved.family.epoch == claims.epoch {
            true => rule::credential::family(&resolved, from, now),
            false => Err(Reason::EpochMoved),
        };
        if let Err(reason) = checked {
            let detail = json!({ "family": family });
            let (tenant, user) = (resolved.family.tenant, resolved.family.user);
            let kind = AuthEventType::CredentialRejected;
            self.journal
                .note(tenant, user, kind, reason, detail, &context.client)
                .await;
            return Ok(Verdict::Rejected(reason));
        }
        let roles = resolved.subject.roles_within(claims.scopes.as_ref());
        Ok(Verdict::Authenticated(Box::new(Principal {
            subject: Subject::User(claims.subject),
            handle: resolved.subject.handle,
            tenant: claims.tenant,
            via: Via::AccessToken(family),
            assurance: resolved.family.assurance,
            roles,
            scopes: claims.scopes,
            actor: None,
        })))
    }
}

/// What no key of ours claims to have signed may be for a backend behind; any other that is not good is nobody's.
fn refused(rejection: JwtRejection) -> Verdict {
    match rejection {
        JwtRejection::Malformed
        | JwtRejection::Header
        | JwtRejection::Type
        | JwtRejection::UnknownKey => Verdict::NotMine,
        JwtRejection::Expired => Verdict::Rejected(Reason::Expired),
        _ => Verdict::Rejected(Reason::MalformedCredential),
    }
}
