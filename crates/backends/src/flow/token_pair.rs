//! Access and refresh tokens: a pair for a password, and the next pair for a refresh token.
//!
//! A family is one row that a refresh takes on by one token, by compare-and-swap. A caller whose answer got lost may
//! come again within the grace and gets the same successor; a spent token outside it ends the whole family (RFC 9700
//! section 4.14.2).

use std::time::Duration;

use portcullis_core::along::{Along, Refusal, Write};
use portcullis_core::api_token::Scopes;
use portcullis_core::backend::RequestContext;
use portcullis_core::entity::SubjectState;
use portcullis_core::entropy::random_bytes;
use portcullis_core::event::{AuthEventType, Reason};
use portcullis_core::factor::FactorKind;
use portcullis_core::id::RefreshFamilyId;
use portcullis_core::policy::TokenPolicy;
use portcullis_core::principal::{Principal, Subject, Via};
use portcullis_core::refresh::{Generation, RefreshFamily, ResolvedFamily, Rotation};
use portcullis_core::rule;
use portcullis_core::secret::{Password, SecretText};
use portcullis_core::session::{Assurance, AssuranceLevel, Device};
use portcullis_tokens::opaque::{PresentedToken, TokenClass};
use portcullis_tokens::seal::SealError;
use serde_json::json;

use crate::access::Access;
use crate::error::FlowError;
use crate::metrics::{Ended, Way};
use crate::passwords::{Asking, Checked, Matched};
use crate::portcullis::Portcullis;

/// What a successor is sealed for, with tenant and family: it opens in no other row.
const SUCCESSOR_CONTEXT: &[u8] = b"refresh_families.successor";

/// Asks for a pair of tokens with a password.
pub struct TokenRequest {
    /// An e-mail address or user name, as typed.
    pub identifier: String,
    /// The password, as typed.
    pub password: Password,
    /// What the access tokens are to be limited to; `None` for no limit.
    pub scopes: Option<Scopes>,
}

/// Prints nothing of its content: people type passwords into the wrong field.
impl std::fmt::Debug for TokenRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenRequest([redacted])")
    }
}

/// Asks for the next pair with a refresh token.
#[derive(Debug)]
pub struct RefreshRequest {
    /// The refresh token.
    pub token: SecretText,
    /// Narrower scopes for this access token; never wider than the family's.
    pub scopes: Option<Scopes>,
}

/// A pair of tokens.
#[derive(Debug)]
pub struct TokenPair {
    /// A JWT for `Authorization: Bearer` (RFC 9068).
    pub access: SecretText,
    /// How long it is good for.
    pub access_expires_in: Duration,
    /// For the next pair, once.
    pub refresh: SecretText,
    /// How long it is good for unused.
    pub refresh_expires_in: Duration,
    /// Whom the pair stands for.
    pub principal: Principal,
}

/// How asking for a pair ended.
#[derive(Debug)]
pub enum TokenOutcome {
    /// Here it is.
    Issued(Box<TokenPair>),
    /// Not given; the reason is in the audit log only.
    Refused,
    /// Too many failures before this one, of this identifier, known or not. Nothing was hashed.
    Locked {
        /// When the next attempt may be made.
        retry_after: Duration,
    },
}

/// How a refresh ended.
#[derive(Debug)]
pub enum RefreshOutcome {
    /// Here is the next pair, or the same one again for a caller whose answer got lost.
    Refreshed(Box<TokenPair>),
    /// Not given; the reason is in the audit log only.
    Refused,
}

/// What a presented refresh token turned out to be.
enum Found {
    /// The current one of its family.
    Current,
    /// The one before, within the grace: this is the successor it was given.
    Again(SecretText),
    /// Not good. `reuse` where it was ours and was spent before.
    Not { reason: Reason, reuse: bool },
}

impl Portcullis {
    /// Whether this instance makes access tokens: it was built with
    /// [`access_tokens`](crate::Builder::access_tokens).
    #[must_use]
    pub fn has_access_tokens(&self) -> bool {
        self.0.access.is_some()
    }

    /// Gives a pair of tokens for a password. Counts and delays are those of sign-in.
    ///
    /// # Errors
    /// [`FlowError`] where hashing or the store could not be had, and [`FlowError::Internal`] where the instance makes
    /// no access tokens.
    pub async fn issue_tokens(
        &self,
        input: TokenRequest,
        context: &RequestContext,
    ) -> Result<TokenOutcome, FlowError> {
        let outcome = self.check_and_issue(input, context).await?;
        let ended = match &outcome {
            TokenOutcome::Issued(_) => Ended::SignedIn,
            TokenOutcome::Refused => Ended::Refused,
            TokenOutcome::Locked { .. } => Ended::Locked,
        };
        self.0.metrics.signed_in(Way::Token, ended);
        Ok(outcome)
    }

    async fn check_and_issue(
        &self,
        input: TokenRequest,
        context: &RequestContext,
    ) -> Result<TokenOutcome, FlowError> {
        let policy = self.policy(context.tenant).await?;
        let detail = json!({ "factors": [FactorKind::Password], "via": "token" });
        let asking = Asking {
            event: AuthEventType::SignIn,
            tenant: context.tenant,
            client: &context.client,
            detail: &detail,
        };
        let passwords = &self.0.passwords;
        let matched = match passwords
            .check(&input.identifier, &input.password, &policy, asking)
            .await?
        {
            Checked::Matched(matched) => matched,
            Checked::Refused => return Ok(TokenOutcome::Refused),
            Checked::Locked { retry_after } => return Ok(TokenOutcome::Locked { retry_after }),
        };
        passwords.rehash(&matched, &input.password, asking).await?;
        let pair = self
            .open_family(&matched, input.scopes, &policy.token, context)
            .await?;
        Ok(pair.map_or(TokenOutcome::Refused, |pair| {
            TokenOutcome::Issued(Box::new(pair))
        }))
    }

    /// Opens a family with the epoch that was read together with the password.
    async fn open_family(
        &self,
        matched: &Matched,
        scopes: Option<Scopes>,
        policy: &TokenPolicy,
        context: &RequestContext,
    ) -> Result<Option<TokenPair>, FlowError> {
        // An id that was used before is refused by the store; then there is another.
        for _ in 0..3 {
            let now = self.now();
            let id = RefreshFamilyId::tagged(matched.user, self.entropy())?;
            let minted =
                self.0
                    .tokens
                    .mint_proven(TokenClass::Refresh, *id.as_bytes(), self.entropy())?;
            let absolute_deadline = now.plus(policy.refresh_absolute);
            let family = RefreshFamily {
                id,
                user: matched.user,
                tenant: context.tenant,
                epoch: matched.loaded.subject.epoch,
                scopes: scopes.clone(),
                assurance: Assurance {
                    level: AssuranceLevel::Aal1,
                    factors: vec![FactorKind::Password],
                    at: now,
                },
                device: Device {
                    ip: context.client.ip,
                    user_agent: context.client.user_agent.clone(),
                },
                created_at: now,
                generation: Generation(1),
                current: minted.digest,
                idle_deadline: now.plus(policy.refresh_idle).min(absolute_deadline),
                absolute_deadline,
                spent: None,
                ended_at: None,
            };
            let event = self.event(context.tenant, AuthEventType::TokensIssued, &context.client)?;
            let event = event
                .about(matched.user)
                .with(json!({ "family": id, "scopes": scopes }));
            let along = Along::event(event.finish());
            let security = &self.0.stores.security;
            match security
                .open_family(&family, policy.refresh_max_per_user, along)
                .await?
            {
                Write::Applied(()) => {
                    let scopes = family.scopes.clone();
                    let pair = self.pair(
                        &family,
                        &matched.loaded.subject,
                        scopes,
                        minted.plaintext,
                        policy,
                    )?;
                    return Ok(Some(pair));
                }
                Write::Refused(Refusal::Exists) => {}
                Write::Refused(Refusal::NotFound) => return Ok(None),
                Write::Refused(refusal) => return Err(FlowError::internal(refusal)),
            }
        }
        Err(FlowError::internal(
            "three family ids in a row were used before: the source of randomness repeats itself",
        ))
    }

    /// Exchanges a refresh token for the next pair, exactly once.
    ///
    /// # Errors
    /// [`FlowError`] where the store could not be had: the token is not spent, or was and gives the same successor
    /// again within the grace.
    pub async fn refresh_tokens(
        &self,
        input: RefreshRequest,
        context: &RequestContext,
    ) -> Result<RefreshOutcome, FlowError> {
        let Ok(presented) = self
            .0
            .tokens
            .parse(TokenClass::Refresh, input.token.expose())
        else {
            return Ok(RefreshOutcome::Refused);
        };
        let id = RefreshFamilyId::from_bytes(presented.id());
        let policy = self.policy(context.tenant).await?.token;
        // Somebody else may take the family on between our read and our write; then the token is the one before.
        for _ in 0..2 {
            let Some(resolved) = self.0.stores.security.resolve_family(id).await? else {
                self.0.tokens.verify_miss(&presented);
                return Ok(RefreshOutcome::Refused);
            };
            if resolved.family.tenant != context.tenant {
                self.0.tokens.verify_miss(&presented);
                return Ok(RefreshOutcome::Refused);
            }
            let widened = match (&resolved.family.scopes, &input.scopes) {
                (Some(held), Some(asked)) => {
                    asked.iter().any(|scope| !held.contains(scope.as_str()))
                }
                _ => false,
            };
            let scopes = input
                .scopes
                .clone()
                .or_else(|| resolved.family.scopes.clone());
            match self.find(&presented, &input.token, &resolved, &policy, context)? {
                Found::Not { reason, reuse } => {
                    self.refuse_refresh(&resolved, reason, reuse, context)
                        .await?;
                    return Ok(RefreshOutcome::Refused);
                }
                _ if widened => {
                    self.refuse_refresh(&resolved, Reason::MissingScope, false, context)
                        .await?;
                    return Ok(RefreshOutcome::Refused);
                }
                Found::Again(successor) => {
                    let pair = self.pair(
                        &resolved.family,
                        &resolved.subject,
                        scopes,
                        successor,
                        &policy,
                    )?;
                    return Ok(RefreshOutcome::Refreshed(Box::new(pair)));
                }
                Found::Current => {
                    if let Some(next) = self
                        .rotate(&resolved, &input.token, &policy, context)
                        .await?
                    {
                        let pair =
                            self.pair(&resolved.family, &resolved.subject, scopes, next, &policy)?;
                        return Ok(RefreshOutcome::Refreshed(Box::new(pair)));
                    }
                }
            }
        }
        Err(FlowError::Unavailable(Box::new(Refusal::Stale)))
    }

    /// What the token is to its family at this moment.
    fn find(
        &self,
        presented: &PresentedToken,
        text: &SecretText,
        resolved: &ResolvedFamily,
        policy: &TokenPolicy,
        context: &RequestContext,
    ) -> Result<Found, FlowError> {
        let (family, now, tokens) = (&resolved.family, self.now(), &self.0.tokens);
        let is_current = tokens.verify(presented, &family.current);
        let spent = family
            .spent
            .as_ref()
            .filter(|spent| tokens.verify(presented, &spent.digest));
        if !is_current && spent.is_none() {
            // Further back than the row remembers, or made up by somebody who knows the family's id.
            let reuse = tokens.is_proven(presented);
            let reason = if reuse {
                Reason::Replayed
            } else {
                Reason::WrongSecret
            };
            return Ok(Found::Not { reason, reuse });
        }
        if let Err(reason) = rule::credential::family(resolved, self.arrival(context), now) {
            return Ok(Found::Not {
                reason,
                reuse: false,
            });
        }
        let Some(spent) = spent else {
            let idle = family.idle_deadline <= now;
            let over = Found::Not {
                reason: Reason::Expired,
                reuse: false,
            };
            return Ok(if idle { over } else { Found::Current });
        };
        if now >= spent.spent_at.plus(policy.refresh_grace) {
            return Ok(Found::Not {
                reason: Reason::Replayed,
                reuse: true,
            });
        }
        let sealing = [
            SUCCESSOR_CONTEXT,
            family.tenant.as_bytes(),
            family.id.as_bytes(),
        ];
        let opened = self.0.sealer.open_for(text, &sealing, &spent.successor);
        if matches!(opened, Err(SealError::RetiredKey { .. })) {
            // Its key ended, and with it the way back from a lost answer.
            return Ok(Found::Not {
                reason: Reason::Expired,
                reuse: false,
            });
        }
        let plain = opened?;
        let successor = std::str::from_utf8(&plain).map_err(FlowError::internal)?;
        Ok(Found::Again(SecretText::new(successor)))
    }

    /// Takes the family on by one token; `None` where somebody else was faster.
    async fn rotate(
        &self,
        resolved: &ResolvedFamily,
        spent: &SecretText,
        policy: &TokenPolicy,
        context: &RequestContext,
    ) -> Result<Option<SecretText>, FlowError> {
        let (family, now) = (&resolved.family, self.now());
        let minted = self.0.tokens.mint_proven(
            TokenClass::Refresh,
            *family.id.as_bytes(),
            self.entropy(),
        )?;
        let sealing = [
            SUCCESSOR_CONTEXT,
            family.tenant.as_bytes(),
            family.id.as_bytes(),
        ];
        let plain = minted.plaintext.expose().as_bytes();
        let rotation = Rotation {
            expected: family.generation,
            next: minted.digest,
            successor: self
                .0
                .sealer
                .seal_for(spent, &sealing, plain, self.entropy())?,
            idle_deadline: now.plus(policy.refresh_idle).min(family.absolute_deadline),
            now,
        };
        let event = self.event(
            family.tenant,
            AuthEventType::TokensRefreshed,
            &context.client,
        )?;
        let event = event
            .about(family.user)
            .with(json!({ "family": family.id }));
        let along = Along::event(event.finish());
        match self
            .0
            .stores
            .security
            .rotate_family(family.tenant, family.id, &rotation, along)
            .await?
        {
            Write::Applied(_) => Ok(Some(minted.plaintext)),
            Write::Refused(Refusal::Stale | Refusal::NotFound) => Ok(None),
            Write::Refused(refusal) => Err(FlowError::internal(refusal)),
        }
    }

    /// Notes a refusal; a spent token that came again ends its family, with the event in the same write.
    async fn refuse_refresh(
        &self,
        resolved: &ResolvedFamily,
        reason: Reason,
        reuse: bool,
        context: &RequestContext,
    ) -> Result<(), FlowError> {
        let family = &resolved.family;
        let detail = json!({ "family": family.id });
        if !reuse || family.ended_at.is_some() {
            let kind = AuthEventType::TokensRefreshed;
            self.0
                .journal
                .note(
                    family.tenant,
                    family.user,
                    kind,
                    reason,
                    detail,
                    &context.client,
                )
                .await;
            return Ok(());
        }
        let event = self.event(family.tenant, AuthEventType::RefreshReuse, &context.client)?;
        let along = Along::event(
            event
                .about(family.user)
                .refused(reason)
                .with(detail)
                .finish(),
        );
        match self
            .0
            .stores
            .security
            .end_family(family.tenant, family.id, self.now(), along)
            .await?
        {
            // Ended by somebody else meanwhile, with an event of its own.
            Write::Applied(()) | Write::Refused(Refusal::NotFound) => Ok(()),
            Write::Refused(refusal) => Err(FlowError::internal(refusal)),
        }
    }

    /// Ends the family that the principal's access token belongs to.
    pub(super) async fn end_own_family(
        &self,
        principal: &Principal,
        family: RefreshFamilyId,
        context: &RequestContext,
    ) -> Result<(), FlowError> {
        let event = self.event(
            principal.tenant,
            AuthEventType::RefreshEnded,
            &context.client,
        )?;
        let along = Along::event(
            event
                .about(principal.user())
                .with(json!({ "family": family }))
                .finish(),
        );
        match self
            .0
            .stores
            .security
            .end_family(principal.tenant, family, self.now(), along)
            .await?
        {
            Write::Applied(()) | Write::Refused(Refusal::NotFound) => Ok(()),
            Write::Refused(refusal) => Err(FlowError::internal(refusal)),
        }
    }

    fn pair(
        &self,
        family: &RefreshFamily,
        subject: &SubjectState,
        scopes: Option<Scopes>,
        refresh: SecretText,
        policy: &TokenPolicy,
    ) -> Result<TokenPair, FlowError> {
        let access = self.0.access.as_ref();
        let access =
            access.ok_or_else(|| FlowError::internal("built without .access_tokens(..)"))?;
        let now = self.now();
        let expires_at = now.plus(policy.access).min(family.absolute_deadline);
        let access_token = access.sign(&Access {
            user: family.user,
            tenant: family.tenant,
            epoch: family.epoch,
            family: family.id,
            scopes: scopes.clone(),
            issued_at: now,
            expires_at,
            id: random_bytes::<16>(self.entropy())?,
        })?;
        Ok(TokenPair {
            access: access_token,
            access_expires_in: expires_at.since(now),
            refresh,
            refresh_expires_in: family.idle_deadline.since(now),
            principal: Principal {
                subject: Subject::User(family.user),
                handle: subject.handle.clone(),
                tenant: family.tenant,
                via: Via::AccessToken(family.id),
                assurance: family.assurance.clone(),
                roles: subject.roles_within(scopes.as_ref()),
                scopes,
                actor: None,
            },
        })
    }
}
