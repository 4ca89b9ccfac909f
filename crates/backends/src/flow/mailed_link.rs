//! What the flows with a link in a mail share: making the link, and reading it when it comes back.

use std::time::Duration;

use portcullis_core::backend::RequestContext;
use portcullis_core::entity::{Epoch, SubjectState};
use portcullis_core::event::{AuthEventType, Reason};
use portcullis_core::id::{TenantId, UserId, VerificationTokenId};
use portcullis_core::identifier::Identifier;
use portcullis_core::policy::TenantPolicy;
use portcullis_core::secret::{Sealed, SecretText};
use portcullis_core::verification::{TokenKind, TokenRejection, VerificationToken};
use portcullis_tokens::opaque::TokenClass;
use portcullis_tokens::seal::SealError;

use crate::error::FlowError;
use crate::portcullis::Portcullis;

/// What the spelling of the address is sealed for, with tenant and canonical form: it opens for no other.
const ADDRESS_CONTEXT: &[u8] = b"verification_tokens.payload.address";

/// Whom a mail with a link goes to.
pub(super) struct Recipient<'a> {
    pub(super) tenant: TenantId,
    /// Nobody's, where the link may make the account.
    pub(super) user: Option<UserId>,
    pub(super) epoch: Option<Epoch>,
    /// The address as the directory holds it, or the latest sign-up while nothing is proved, not the spelling that was
    /// typed now.
    pub(super) email: &'a Identifier,
}

/// Which link, and for how long.
pub(super) struct LinkSpec {
    pub(super) kind: TokenKind,
    /// The page that it opens, below the mount path.
    pub(super) page: &'static str,
    pub(super) ttl: Duration,
}

/// What a link turned out to be.
pub(super) enum ReadLink {
    /// Ours, for this, and not over as far as its row says, with its owner as they are now; the write that spends it
    /// decides.
    Works(Box<VerificationToken>, Box<SubjectState>),
    Rejected,
}

impl Portcullis {
    /// A new token, and the link that carries it.
    pub(super) fn mint_link(
        &self,
        spec: &LinkSpec,
        to: &Recipient<'_>,
        payload: Option<Sealed>,
    ) -> Result<(VerificationToken, String), FlowError> {
        let now = self.now();
        let id = VerificationTokenId::time_ordered(now, self.entropy())?;
        let minted =
            self.0
                .tokens
                .mint(TokenClass::Verification, *id.as_bytes(), self.entropy())?;
        let token = VerificationToken {
            id,
            kind: spec.kind,
            tenant: to.tenant,
            email: to.email.canonical.clone(),
            user: to.user,
            epoch: to.epoch,
            payload,
            digest: minted.digest,
            created_at: now,
            expires_at: now.plus(spec.ttl),
            consumed_at: None,
            superseded_at: None,
        };
        let settings = &self.0.settings;
        let link = format!(
            "{}{}{}?token={}",
            settings.public_url.as_str(),
            settings.mount_path,
            spec.page,
            minted.plaintext.expose()
        );
        Ok((token, link))
    }

    /// Finds a token by its text and checks all that its row says. `event` is what a refusal is noted as.
    pub(super) async fn read_link(
        &self,
        text: &SecretText,
        kind: TokenKind,
        event: AuthEventType,
        policy: &TenantPolicy,
        context: &RequestContext,
    ) -> Result<ReadLink, FlowError> {
        let Some(token) = self.find_link(text, context).await? else {
            return Ok(ReadLink::Rejected);
        };
        let Some(user) = token.user else {
            return Ok(ReadLink::Rejected);
        };
        let reason = match token.check(kind, self.now()) {
            Err(rejection) => reason_of(rejection),
            Ok(()) if !policy.ip.admits(context.client.ip) => Reason::AddressNotAllowed,
            Ok(()) => {
                let security = &self.0.stores.security;
                match security.subject_state(token.tenant, user).await? {
                    Some(subject) => {
                        return Ok(ReadLink::Works(Box::new(token), Box::new(subject)));
                    }
                    None => Reason::UnknownCredential,
                }
            }
        };
        self.note_link(user, event, reason, context).await;
        Ok(ReadLink::Rejected)
    }

    /// The row of a token by its text, in whatever condition; `None` where the secret half is wrong or the tenant another.
    pub(super) async fn find_link(
        &self,
        text: &SecretText,
        context: &RequestContext,
    ) -> Result<Option<VerificationToken>, FlowError> {
        let Ok(presented) = self.0.tokens.parse(TokenClass::Verification, text.expose()) else {
            return Ok(None);
        };
        let id = VerificationTokenId::from_bytes(presented.id());
        let Some(token) = self.0.stores.security.peek(id).await? else {
            self.0.tokens.verify_miss(&presented);
            return Ok(None);
        };
        let good = self.0.tokens.verify(&presented, &token.digest);
        Ok((good && token.tenant == context.tenant).then_some(token))
    }

    /// Notes in the audit log why a link was refused.
    pub(super) async fn note_link(
        &self,
        user: UserId,
        event: AuthEventType,
        reason: Reason,
        context: &RequestContext,
    ) {
        let (tenant, detail) = (context.tenant, serde_json::Value::Null);
        self.0
            .journal
            .note(tenant, user, event, reason, detail, &context.client)
            .await;
    }

    /// Seals an address in the spelling of now.
    pub(super) fn seal_address(
        &self,
        tenant: TenantId,
        email: &Identifier,
    ) -> Result<Sealed, FlowError> {
        let sealing = [
            ADDRESS_CONTEXT,
            tenant.as_bytes(),
            email.canonical.as_bytes(),
        ];
        let raw = email.raw.as_bytes();
        Ok(self.0.sealer.seal(&sealing, raw, self.entropy())?)
    }

    /// The address that a token was sent to, in the spelling of then; `None` where it does not say, or the key
    /// it was sealed with is retired.
    pub(super) fn address_of(
        &self,
        token: &VerificationToken,
    ) -> Result<Option<Identifier>, FlowError> {
        let Some(payload) = &token.payload else {
            return Ok(None);
        };
        let sealing = [
            ADDRESS_CONTEXT,
            token.tenant.as_bytes(),
            token.email.as_bytes(),
        ];
        let raw = match self.0.sealer.open(&sealing, payload) {
            Err(SealError::RetiredKey { .. }) => return Ok(None),
            opened => opened?,
        };
        let raw = String::from_utf8(raw.to_vec()).map_err(FlowError::internal)?;
        let email = Identifier::email(&raw).map_err(FlowError::internal)?;
        Ok(Some(email))
    }
}

/// What the audit log calls it.
pub(super) const fn reason_of(rejection: TokenRejection) -> Reason {
    match rejection {
        TokenRejection::Unknown => Reason::UnknownCredential,
        TokenRejection::OtherKind => Reason::OtherKind,
        TokenRejection::Consumed => Reason::Replayed,
        TokenRejection::Superseded => Reason::Superseded,
        TokenRejection::Expired => Reason::Expired,
    }
}
