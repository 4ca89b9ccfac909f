//! A person's own API tokens.

use std::time::Duration;

use portcullis_core::along::{Along, Refusal, Write};
use portcullis_core::api_token::{ApiToken, ApiTokenInputError, IpAllowlist, Scopes, parse_name};
use portcullis_core::backend::RequestContext;
use portcullis_core::event::AuthEventType;
use portcullis_core::id::{ApiTokenId, TenantId, UserId};
use portcullis_core::net::ClientInfo;
use portcullis_core::policy::ApiTokenPolicy;
use portcullis_core::principal::Principal;
use portcullis_core::secret::SecretText;
use portcullis_core::time::Timestamp;
use portcullis_tokens::opaque::TokenClass;
use serde::Serialize;
use serde_json::json;

use crate::error::FlowError;
use crate::portcullis::Portcullis;

/// The shortest life of a token.
const LIFETIME_MIN: Duration = Duration::from_secs(60);

/// An API token to make.
#[derive(Clone, Debug)]
pub struct NewApiToken {
    /// What its owner calls it.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// Where it may be used from; empty allows all.
    pub ip_allowlist: IpAllowlist,
    /// How long it lives: from a minute to what the policy allows. `None` for no end, where the policy allows that.
    pub expires_in: Option<Duration>,
}

/// How making a token ended.
#[derive(Debug)]
pub enum CreateApiTokenOutcome {
    /// It is made.
    Created {
        /// What is stored of it.
        info: Box<ApiTokenInfo>,
        /// The token itself; it exists once.
        token: SecretText,
    },
    /// A field is outside its bounds.
    Invalid(ApiTokenInputError),
    /// Its owner has as many as the policy allows.
    LimitReached {
        /// The cap.
        limit: u32,
    },
    /// There is no such owner.
    NotFound,
}

/// An API token as its owner sees it; never a secret nor its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ApiTokenInfo {
    /// Its id.
    pub id: ApiTokenId,
    /// What its owner calls it.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// Where it may be used from; empty allows all.
    pub ip_allowlist: IpAllowlist,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// Last use, to the minute.
    pub last_used_at: Option<Timestamp>,
}

impl From<ApiToken> for ApiTokenInfo {
    fn from(token: ApiToken) -> Self {
        Self {
            id: token.id,
            name: token.name,
            scopes: token.scopes,
            ip_allowlist: token.ip_allowlist,
            created_at: token.created_at,
            expires_at: token.expires_at,
            last_used_at: token.last_used_at,
        }
    }
}

/// For whom a change of tokens is made, and by whom.
pub(super) struct Owner<'a> {
    pub(super) tenant: TenantId,
    pub(super) user: UserId,
    /// Who does it, where it is not the owner.
    pub(super) actor: Option<UserId>,
    pub(super) client: &'a ClientInfo,
}

impl<'a> Owner<'a> {
    const fn of(principal: &Principal, context: &'a RequestContext) -> Self {
        Self {
            tenant: principal.tenant,
            user: principal.user(),
            actor: principal.actor,
            client: &context.client,
        }
    }
}

impl Portcullis {
    /// Makes an API token for the principal, whose it is whatever a request says.
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer.
    pub async fn create_api_token(
        &self,
        principal: &Principal,
        new: NewApiToken,
        context: &RequestContext,
    ) -> Result<CreateApiTokenOutcome, FlowError> {
        self.create_token_for(&Owner::of(principal, context), new)
            .await
    }

    pub(super) async fn create_token_for(
        &self,
        owner: &Owner<'_>,
        new: NewApiToken,
    ) -> Result<CreateApiTokenOutcome, FlowError> {
        let policy = self.policy(owner.tenant).await?.api_token;
        let (name, lifetime) =
            match parse_name(&new.name).and_then(|name| Ok((name, lifetime(&new, &policy)?))) {
                Ok(fits) => fits,
                Err(error) => return Ok(CreateApiTokenOutcome::Invalid(error)),
            };
        let now = self.now();
        let id = ApiTokenId::time_ordered(now, self.entropy())?;
        let minted = self
            .0
            .tokens
            .mint(TokenClass::ApiToken, *id.as_bytes(), self.entropy())?;
        let token = ApiToken {
            id,
            tenant: owner.tenant,
            owner: owner.user,
            name,
            scopes: new.scopes,
            ip_allowlist: new.ip_allowlist,
            digest: minted.digest,
            created_at: now,
            expires_at: lifetime.map(|lifetime| now.plus(lifetime)),
            last_used_at: None,
            revoked_at: None,
        };
        let detail = json!({ "api_token": id, "name": token.name, "scopes": token.scopes });
        let along = self.token_event(owner, AuthEventType::ApiTokenCreated, detail)?;
        match self
            .0
            .stores
            .security
            .create_api_token(&token, policy.max_per_user, along)
            .await?
        {
            Write::Applied(()) => Ok(CreateApiTokenOutcome::Created {
                info: Box::new(token.into()),
                token: minted.plaintext,
            }),
            Write::Refused(Refusal::LimitReached { limit }) => {
                Ok(CreateApiTokenOutcome::LimitReached { limit })
            }
            Write::Refused(Refusal::NotFound) => Ok(CreateApiTokenOutcome::NotFound),
            Write::Refused(refusal) => Err(FlowError::internal(refusal)),
        }
    }

    /// The principal's live API tokens, newest first.
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer.
    pub async fn list_api_tokens(
        &self,
        principal: &Principal,
    ) -> Result<Vec<ApiTokenInfo>, FlowError> {
        self.list_tokens_of(principal.tenant, principal.user())
            .await
    }

    pub(super) async fn list_tokens_of(
        &self,
        tenant: TenantId,
        user: UserId,
    ) -> Result<Vec<ApiTokenInfo>, FlowError> {
        let tokens = self
            .0
            .stores
            .security
            .list_api_tokens(tenant, user, self.now())
            .await?;
        Ok(tokens.into_iter().map(ApiTokenInfo::from).collect())
    }

    /// Revokes one of the principal's API tokens; `false` where they have no such live token.
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer.
    pub async fn revoke_api_token(
        &self,
        principal: &Principal,
        id: ApiTokenId,
        context: &RequestContext,
    ) -> Result<bool, FlowError> {
        self.revoke_token_of(&Owner::of(principal, context), id)
            .await
    }

    pub(super) async fn revoke_token_of(
        &self,
        owner: &Owner<'_>,
        id: ApiTokenId,
    ) -> Result<bool, FlowError> {
        let along = self.token_event(
            owner,
            AuthEventType::ApiTokenRevoked,
            json!({ "api_token": id }),
        )?;
        let security = &self.0.stores.security;
        match security
            .revoke_api_token(owner.tenant, owner.user, id, self.now(), along)
            .await?
        {
            Write::Applied(()) => Ok(true),
            Write::Refused(Refusal::NotFound) => Ok(false),
            Write::Refused(refusal) => Err(FlowError::internal(refusal)),
        }
    }

    /// Revokes all of the principal's API tokens; says how many.
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer.
    pub async fn revoke_all_api_tokens(
        &self,
        principal: &Principal,
        context: &RequestContext,
    ) -> Result<u64, FlowError> {
        if self.list_api_tokens(principal).await?.is_empty() {
            return Ok(0);
        }
        let owner = Owner::of(principal, context);
        let along = self.token_event(
            &owner,
            AuthEventType::ApiTokensRevoked,
            serde_json::Value::Null,
        )?;
        let security = &self.0.stores.security;
        match security
            .revoke_all_api_tokens(owner.tenant, owner.user, self.now(), along)
            .await?
        {
            Write::Applied(count) => Ok(count),
            Write::Refused(refusal) => Err(FlowError::internal(refusal)),
        }
    }

    fn token_event(
        &self,
        owner: &Owner<'_>,
        kind: AuthEventType,
        detail: serde_json::Value,
    ) -> Result<Along, FlowError> {
        let draft = self
            .event(owner.tenant, kind, owner.client)?
            .about(owner.user)
            .with(detail);
        Ok(Along::event(match owner.actor {
            Some(actor) => draft.by(actor).finish(),
            None => draft.finish(),
        }))
    }
}

fn lifetime(
    new: &NewApiToken,
    policy: &ApiTokenPolicy,
) -> Result<Option<Duration>, ApiTokenInputError> {
    match new.expires_in {
        None if policy.expiry_required => Err(ApiTokenInputError::Lifetime),
        None => Ok(None),
        Some(asked) if asked < LIFETIME_MIN || asked > policy.max_lifetime => {
            Err(ApiTokenInputError::Lifetime)
        }
        Some(asked) => Ok(Some(asked)),
    }
}
