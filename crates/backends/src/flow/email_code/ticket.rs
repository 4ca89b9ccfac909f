//! What a ticket for a code remembers, and finding it again.

use std::time::Duration;

use portcullis_core::backend::RequestContext;
use portcullis_core::entity::Epoch;
use portcullis_core::id::{TenantId, TicketId, UserId, VerificationTokenId};
use portcullis_core::identifier::Identifier;
use portcullis_core::secret::{Sealed, SecretText, TokenDigest};
use portcullis_core::store::{Ticket, TicketIssue, TicketKind};
use portcullis_tokens::code::MailedCode;
use portcullis_tokens::opaque::TokenClass;
use portcullis_tokens::seal::SealError;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::FlowError;
use crate::portcullis::Portcullis;

/// How many codes may be tried on one ticket (ASVS 6.6.3).
const TRIES: u32 = 5;
/// What the payload is sealed for, with tenant and id: it opens for no other ticket.
const PAYLOAD_CONTEXT: &[u8] = b"tickets.payload.email_code";
/// What the digest of a code is made for.
const CODE_DOMAIN: &str = "email code";

/// What is remembered between the mail and the code, sealed.
#[derive(Serialize, Deserialize)]
pub(super) struct Asked {
    /// The address that was asked for, in the spelling of the directory where it knows it.
    pub(super) email: String,
    /// Whose it was.
    pub(super) user: Option<UserId>,
    /// Their epoch then: the session's.
    pub(super) epoch: Epoch,
    /// The token that signing in uses up; there is none of this id where nobody was sent the code.
    pub(super) token: VerificationTokenId,
    digest: [u8; 32],
    digest_key: u32,
}

/// What a new ticket is for.
pub(super) struct Asking<'a> {
    pub(super) email: &'a Identifier,
    pub(super) user: Option<UserId>,
    pub(super) epoch: Epoch,
    pub(super) token: VerificationTokenId,
    pub(super) code: &'a MailedCode,
    pub(super) life: Duration,
}

/// A ticket whose secret half is right, and what it remembers.
pub(super) struct Found {
    pub(super) ticket: Ticket,
    pub(super) asked: Asked,
}

impl Asked {
    pub(super) fn email(&self) -> Result<Identifier, FlowError> {
        Identifier::email(&self.email).map_err(FlowError::internal)
    }
}

impl Portcullis {
    /// A new ticket; what it answers to is returned, with the digest of its code.
    pub(super) async fn issue_code_ticket(
        &self,
        tenant: TenantId,
        asking: &Asking<'_>,
    ) -> Result<(SecretText, TokenDigest), FlowError> {
        // An id that was used before is refused by the store; then there is another.
        for _ in 0..3 {
            let (now, id) = (self.now(), TicketId::random(self.entropy())?);
            let minted = self
                .0
                .tokens
                .mint(TokenClass::Ticket, *id.as_bytes(), self.entropy())?;
            let code = self
                .0
                .tokens
                .keyed(CODE_DOMAIN, &code_parts(&tenant, &id, asking.code));
            let asked = Asked {
                email: asking.email.raw.clone(),
                user: asking.user,
                epoch: asking.epoch,
                token: asking.token,
                digest: code.bytes,
                digest_key: code.key_version,
            };
            let ticket = Ticket {
                id,
                kind: TicketKind::EmailCode,
                tenant,
                digest: minted.digest,
                payload: self.seal_asked(tenant, id, &asked)?,
                attempts_left: TRIES,
                created_at: now,
                expires_at: now.plus(asking.life),
            };
            if self.0.stores.tickets.issue_ticket(&ticket).await? == TicketIssue::Issued {
                return Ok((minted.plaintext, code));
            }
        }
        Err(FlowError::internal(
            "three ticket ids in a row were used before: the source of randomness repeats itself",
        ))
    }

    /// The ticket that somebody presents, while it works and has tries left.
    pub(super) async fn find_code_ticket(
        &self,
        text: &SecretText,
        context: &RequestContext,
    ) -> Result<Option<Found>, FlowError> {
        let Ok(presented) = self.0.tokens.parse(TokenClass::Ticket, text.expose()) else {
            return Ok(None);
        };
        let id = TicketId::from_bytes(presented.id());
        let (tenant, kind, now) = (context.tenant, TicketKind::EmailCode, self.now());
        let tickets = &self.0.stores.tickets;
        let Some(ticket) = tickets.peek_ticket(tenant, kind, id, now).await? else {
            self.0.tokens.verify_miss(&presented);
            return Ok(None);
        };
        if !self.0.tokens.verify(&presented, &ticket.digest) {
            return Ok(None);
        }
        let asked = self.open_asked(&ticket)?;
        Ok(asked.map(|asked| Found { ticket, asked }))
    }

    /// Whether it is the code that was sent, in constant time.
    pub(super) fn is_code_of(&self, found: &Found, code: &MailedCode) -> bool {
        let Found { ticket, asked } = found;
        let stored = TokenDigest {
            bytes: asked.digest,
            key_version: asked.digest_key,
        };
        let parts = code_parts(&ticket.tenant, &ticket.id, code);
        self.0.tokens.verify_keyed(CODE_DOMAIN, &parts, &stored)
    }

    fn seal_asked(
        &self,
        tenant: TenantId,
        id: TicketId,
        asked: &Asked,
    ) -> Result<Sealed, FlowError> {
        let plain = Zeroizing::new(serde_json::to_vec(asked).map_err(FlowError::internal)?);
        let sealing = [PAYLOAD_CONTEXT, tenant.as_bytes(), id.as_bytes()];
        Ok(self.0.sealer.seal(&sealing, &plain, self.entropy())?)
    }

    /// `None` where the key it was sealed with is retired: it is over.
    fn open_asked(&self, ticket: &Ticket) -> Result<Option<Asked>, FlowError> {
        let sealing = [
            PAYLOAD_CONTEXT,
            ticket.tenant.as_bytes(),
            ticket.id.as_bytes(),
        ];
        let plain = match self.0.sealer.open(&sealing, &ticket.payload) {
            Err(SealError::RetiredKey { .. }) => return Ok(None),
            opened => opened?,
        };
        serde_json::from_slice(&plain)
            .map(Some)
            .map_err(FlowError::internal)
    }
}

fn code_parts<'a>(tenant: &'a TenantId, id: &'a TicketId, code: &'a MailedCode) -> [&'a [u8]; 3] {
    [tenant.as_bytes(), id.as_bytes(), code.digits()]
}
