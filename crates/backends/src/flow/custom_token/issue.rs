//! Making a token.

use std::time::Duration;

use portcullis_core::along::{Along, Refusal, Write};
use portcullis_core::backend::RequestContext;
use portcullis_core::entity::SubjectState;
use portcullis_core::event::AuthEventType;
use portcullis_core::id::{UserId, VerificationTokenId};
use portcullis_core::identifier::Identifier;
use portcullis_core::rule;
use portcullis_core::secret::SecretText;
use portcullis_core::time::Timestamp;
use portcullis_core::verification::{KindName, TokenKind, VerificationToken};
use portcullis_tokens::opaque::TokenClass;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{Carried, sealing};
use crate::error::FlowError;
use crate::portcullis::Portcullis;

/// The most bytes of a payload as JSON.
pub const TOKEN_PAYLOAD_MAX_BYTES: usize = 4096;

const LIFE_MIN: Duration = Duration::from_secs(60);
const LIFE_MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// A token to make.
#[derive(Clone, Debug)]
pub struct IssueToken {
    /// What it is for; it works for nothing else.
    pub kind: KindName,
    /// The address that it is sent to: redeemed, it proves this one and no other.
    pub email: Identifier,
    /// Whose it is, where it belongs to somebody: then it ends when their epoch moves, with a new password for example.
    pub user: Option<UserId>,
    /// What is to be remembered until it is redeemed, at most [`TOKEN_PAYLOAD_MAX_BYTES`] as JSON; sealed where it is
    /// stored. [`Value::Null`] for nothing.
    pub payload: Value,
    /// How long it works, 1 minute to 366 days.
    pub ttl: Duration,
}

/// How it ended.
#[derive(Debug)]
pub enum IssueTokenOutcome {
    /// It is made. Older ones of its kind and owner, or address where it has no owner, work no more.
    Issued(IssuedToken),
    /// None is made.
    Refused(IssueRefusal),
}

/// A new token.
#[derive(Debug)]
pub struct IssuedToken {
    /// Its id, as the audit log has it.
    pub id: VerificationTokenId,
    /// The token itself, which exists once: for the link in the application's mail.
    pub token: SecretText,
    /// It works before this moment and not at it.
    pub expires_at: Timestamp,
}

/// Why no token was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssueRefusal {
    /// Nobody has the id in this tenant, or they are suspended or closed; or the tenant is, whoever it is for.
    #[error("there is no such person who may have a token")]
    User,
    /// The payload is longer than [`TOKEN_PAYLOAD_MAX_BYTES`].
    #[error("the payload is longer than {TOKEN_PAYLOAD_MAX_BYTES} bytes of JSON")]
    Payload,
    /// The life is too short or too long.
    #[error("a token lives 1 minute to 366 days")]
    Life,
}

impl Portcullis {
    /// Makes a token of a kind of the application's own. How often, and for whom, is for the application to limit.
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer.
    pub async fn issue_token(
        &self,
        input: IssueToken,
        context: &RequestContext,
    ) -> Result<IssueTokenOutcome, FlowError> {
        let IssueToken {
            kind,
            email,
            user,
            payload,
            ttl,
        } = input;
        if !(LIFE_MIN..=LIFE_MAX).contains(&ttl) {
            return Ok(IssueTokenOutcome::Refused(IssueRefusal::Life));
        }
        let written = Zeroizing::new(serde_json::to_vec(&payload).map_err(FlowError::internal)?);
        if written.len() > TOKEN_PAYLOAD_MAX_BYTES {
            return Ok(IssueTokenOutcome::Refused(IssueRefusal::Payload));
        }
        let Ok(owner) = self.owner_of_a_token(user, context).await? else {
            return Ok(IssueTokenOutcome::Refused(IssueRefusal::User));
        };
        let (tenant, now) = (context.tenant, self.now());
        let id = VerificationTokenId::time_ordered(now, self.entropy())?;
        let class = TokenClass::Verification;
        let minted = self.0.tokens.mint(class, *id.as_bytes(), self.entropy())?;
        let mut token = VerificationToken {
            id,
            kind: TokenKind::Custom(kind),
            tenant,
            email: email.canonical,
            user,
            epoch: owner.map(|owner| owner.epoch),
            payload: None,
            digest: minted.digest,
            created_at: now,
            expires_at: now.plus(ttl),
            consumed_at: None,
            superseded_at: None,
        };
        let carried = Carried {
            email: email.raw,
            payload,
        };
        let plain = Zeroizing::new(serde_json::to_vec(&carried).map_err(FlowError::internal)?);
        let sealed = self
            .0
            .sealer
            .seal(&sealing(&token), &plain, self.entropy())?;
        token.payload = Some(sealed);
        let expires_at = token.expires_at;
        let event = self.event(tenant, AuthEventType::OneTimeTokenIssued, &context.client)?;
        let event = event
            .about_if_known(user)
            .with(json!({ "kind": kind.as_str(), "token": id }));
        let along = Along::event(event.finish()).with_issue(token);
        match self.0.stores.security.record(along).await? {
            Write::Applied(()) => Ok(IssueTokenOutcome::Issued(IssuedToken {
                id,
                token: minted.plaintext,
                expires_at,
            })),
            // They were erased meanwhile.
            Write::Refused(Refusal::NotFound) => Ok(IssueTokenOutcome::Refused(IssueRefusal::User)),
            Write::Refused(refusal) => Err(FlowError::internal(refusal)),
        }
    }

    /// Whose a token is to be; an error for nobody and for somebody whom somebody switched off. Whoever is pending has
    /// nothing proved yet, and a token may be for that.
    async fn owner_of_a_token(
        &self,
        user: Option<UserId>,
        context: &RequestContext,
    ) -> Result<Result<Option<SubjectState>, IssueRefusal>, FlowError> {
        let Some(user) = user else {
            let (_policy, is_open) = self.policy_and_state(context.tenant).await?;
            return Ok(match is_open {
                true => Ok(None),
                false => Err(IssueRefusal::User),
            });
        };
        let security = &self.0.stores.security;
        let subject = security.subject_state(context.tenant, user).await?;
        Ok(match subject {
            Some(subject) if rule::credential::reset(&subject, None, self.now()).is_ok() => {
                Ok(Some(subject))
            }
            _ => Err(IssueRefusal::User),
        })
    }
}
