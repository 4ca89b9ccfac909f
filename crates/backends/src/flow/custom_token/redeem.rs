//! Looking at a token, and using it up.

use portcullis_core::along::{Along, Refusal, Spend, Write};
use portcullis_core::backend::RequestContext;
use portcullis_core::event::{AuthEventType, Reason};
use portcullis_core::id::{UserId, VerificationTokenId};
use portcullis_core::identifier::Identifier;
use portcullis_core::rule;
use portcullis_core::secret::SecretText;
use portcullis_core::time::Timestamp;
use portcullis_core::verification::{KindName, TokenKind, VerificationToken};
use portcullis_tokens::seal::SealError;
use serde_json::{Value, json};

use super::{Carried, sealing};
use crate::error::FlowError;
use crate::flow::mailed_link::reason_of;
use crate::portcullis::Portcullis;

/// What a token says.
#[derive(Clone, Debug)]
pub struct RedeemedToken {
    /// Its id, as the audit log has it.
    pub id: VerificationTokenId,
    /// What it is for.
    pub kind: KindName,
    /// The address that it was made for, in the spelling of then.
    pub email: Identifier,
    /// Whose it is, where it belongs to somebody.
    pub user: Option<UserId>,
    /// What was to be remembered.
    pub payload: Value,
    /// When it was made.
    pub created_at: Timestamp,
    /// It works before this moment and not at it.
    pub expires_at: Timestamp,
}

/// How it ended.
#[derive(Debug)]
pub enum RedeemTokenOutcome {
    /// It is used up, by this call alone.
    Redeemed(Box<RedeemedToken>),
    /// It does not work; the reason is in the audit log only.
    Rejected,
}

impl Portcullis {
    /// What a token of this kind says, while it works. Looking changes nothing, so it is good for the page behind the
    /// link: a mail scanner that opens it uses nothing up.
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer.
    pub async fn peek_token(
        &self,
        kind: KindName,
        token: &SecretText,
        context: &RequestContext,
    ) -> Result<Option<RedeemedToken>, FlowError> {
        let found = self.working_token(kind, token, context).await?;
        Ok(found.map(|(_token, says)| says))
    }

    /// Uses a token up, and says what it is for: of many calls at once, one succeeds. The event is written in the same
    /// write. Whose account is suspended or closed by then redeems nothing, and nobody does in a tenant that is.
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer; whether the token is used up is not known then.
    pub async fn redeem_token(
        &self,
        kind: KindName,
        token: &SecretText,
        context: &RequestContext,
    ) -> Result<RedeemTokenOutcome, FlowError> {
        let Some((token, says)) = self.working_token(kind, token, context).await? else {
            return Ok(RedeemTokenOutcome::Rejected);
        };
        let event = self.event(
            context.tenant,
            AuthEventType::OneTimeTokenRedeemed,
            &context.client,
        )?;
        let event = event.about_if_known(token.user).with(detail(&token));
        let along = Along::event(event.finish()).with_spend(Spend {
            tenant: token.tenant,
            id: token.id,
            kind: token.kind,
            now: self.now(),
        });
        match self.0.stores.security.record(along).await? {
            Write::Applied(()) => Ok(RedeemTokenOutcome::Redeemed(Box::new(says))),
            Write::Refused(Refusal::Token(rejection)) => {
                self.note_token(&token, reason_of(rejection), context).await;
                Ok(RedeemTokenOutcome::Rejected)
            }
            Write::Refused(refusal) => Err(FlowError::internal(refusal)),
        }
    }

    /// A token of the kind that works as far as can be seen; the write that uses it up decides.
    async fn working_token(
        &self,
        kind: KindName,
        text: &SecretText,
        context: &RequestContext,
    ) -> Result<Option<(VerificationToken, RedeemedToken)>, FlowError> {
        let Some(token) = self.find_link(text, context).await? else {
            return Ok(None);
        };
        if let Err(reason) = self.may_be_redeemed(&token, kind).await? {
            self.note_token(&token, reason, context).await;
            return Ok(None);
        }
        let Some(carried) = self.open_carried(&token)? else {
            self.note_token(&token, Reason::Expired, context).await;
            return Ok(None);
        };
        let says = RedeemedToken {
            id: token.id,
            kind,
            email: Identifier::email(&carried.email).map_err(FlowError::internal)?,
            user: token.user,
            payload: carried.payload,
            created_at: token.created_at,
            expires_at: token.expires_at,
        };
        Ok(Some((token, says)))
    }

    async fn may_be_redeemed(
        &self,
        token: &VerificationToken,
        kind: KindName,
    ) -> Result<Result<(), Reason>, FlowError> {
        if let Err(rejection) = token.check(TokenKind::Custom(kind), self.now()) {
            return Ok(Err(reason_of(rejection)));
        }
        let Some(user) = token.user else {
            let (_policy, is_open) = self.policy_and_state(token.tenant).await?;
            return Ok(match is_open {
                true => Ok(()),
                false => Err(Reason::TenantInactive),
            });
        };
        let security = &self.0.stores.security;
        let Some(subject) = security.subject_state(token.tenant, user).await? else {
            return Ok(Err(Reason::UnknownCredential));
        };
        Ok(rule::credential::reset(&subject, token.epoch, self.now()))
    }

    /// `None` where the key it was sealed with is retired: it is over.
    fn open_carried(&self, token: &VerificationToken) -> Result<Option<Carried>, FlowError> {
        let missing = || FlowError::internal("a token without what travels with it");
        let payload = token.payload.as_ref().ok_or_else(missing)?;
        let plain = match self.0.sealer.open(&sealing(token), payload) {
            Err(SealError::RetiredKey { .. }) => return Ok(None),
            opened => opened?,
        };
        serde_json::from_slice(&plain)
            .map(Some)
            .map_err(FlowError::internal)
    }

    async fn note_token(
        &self,
        token: &VerificationToken,
        reason: Reason,
        context: &RequestContext,
    ) {
        let key = token
            .user
            .map_or(*token.id.as_bytes(), |user| *user.as_bytes());
        self.0
            .journal
            .note_once(
                key,
                context.tenant,
                token.user,
                AuthEventType::OneTimeTokenRedeemed,
                reason,
                detail(token),
                &context.client,
            )
            .await;
    }
}

fn detail(token: &VerificationToken) -> Value {
    json!({ "kind": token.kind, "token": token.id })
}
