//! Tickets, in the ephemeral family: single-use state that the server keeps between two requests.
//!
//! Laws for every implementation, beside those of [`store`](crate::store); the conformance group `tickets` holds them:
//!
//! - **TK-1 An id is issued once.** Until its deadline nothing else gets it, whatever became of the ticket.
//! - **TK-2 A ticket answers to its tenant, kind and id together**; where one differs, it looks unknown.
//! - **TK-3 It works before its deadline and not at it.**
//! - **TK-4 Attempts are counted before they are checked**: of N callers at once, as many are granted as are left.
//! - **TK-5 At no attempts left a ticket is void**: it can be neither seen nor tried. It can still be taken, by the
//!   caller that was granted the last one and guessed right.
//! - **TK-6 Of N callers that take a ticket, one gets it.** Taken or revoked, it is over.
//!
//! Losing a ticket sends somebody back to the start; it lets nobody in (law 15). On a store that may lose an answered
//! write, such as Redis with an asynchronous replica, a lost take lets the ticket work again: what must never work
//! twice belongs to [`VerificationStore`](super::VerificationStore).

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::id::{TenantId, TicketId};
use crate::secret::{Sealed, TokenDigest};
use crate::time::Timestamp;

/// What a ticket is for. It works for nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TicketKind {
    /// A sign-in that has passed its first factor and waits for the next.
    PendingSignIn,
    /// The state of a sign-in or linking at another provider: PKCE verifier, nonce, return address.
    #[serde(rename = "oauth_state")]
    OAuthState,
    /// The challenge of a passkey ceremony.
    PasskeyChallenge,
    /// A short code that was sent by mail.
    EmailCode,
}

impl TicketKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [
        Self::PendingSignIn,
        Self::OAuthState,
        Self::PasskeyChallenge,
        Self::EmailCode,
    ];

    /// The stored spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PendingSignIn => "pending_sign_in",
            Self::OAuthState => "oauth_state",
            Self::PasskeyChallenge => "passkey_challenge",
            Self::EmailCode => "email_code",
        }
    }

    /// The kind of a stored spelling.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// How long a ticket of the kind lives where policy says nothing else (SECURITY F9, OA-01, WA-01).
    #[must_use]
    pub const fn default_ttl(self) -> Duration {
        Duration::from_secs(match self {
            Self::PendingSignIn | Self::OAuthState | Self::EmailCode => 10 * 60,
            Self::PasskeyChallenge => 5 * 60,
        })
    }
}

/// A ticket as stored. The secret itself is with the browser only.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// Its id, the public half of the token.
    pub id: TicketId,
    /// What it is for.
    pub kind: TicketKind,
    /// In which tenant.
    pub tenant: TenantId,
    /// Keyed hash of the token.
    pub digest: TokenDigest,
    /// What is remembered, sealed: whose it is, their epoch, a challenge, the hash of a code.
    pub payload: Sealed,
    /// How many guesses are left (OT-12: at most 5 for a code); at least 1 when it is issued.
    pub attempts_left: u32,
    /// When it was issued.
    pub created_at: Timestamp,
    /// It works before this moment and not at it.
    pub expires_at: Timestamp,
}

/// How an issue ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum TicketIssue {
    /// It is stored.
    Issued,
    /// The id was used before and its deadline has not passed; nothing was stored.
    IdTaken,
}

/// Tickets.
#[async_trait]
pub trait TicketStore: Send + Sync + 'static {
    /// Stores a ticket whose id is not in use at `ticket.created_at`.
    async fn issue_ticket(&self, ticket: &Ticket) -> Result<TicketIssue, StoreError>;

    /// The ticket, while it works and has attempts left; looking changes nothing.
    async fn peek_ticket(
        &self,
        tenant: TenantId,
        kind: TicketKind,
        id: TicketId,
        now: Timestamp,
    ) -> Result<Option<Ticket>, StoreError>;

    /// Counts one attempt and returns the ticket with what is left after it; `None` where none was left. To be called
    /// before a guess is compared.
    async fn attempt_ticket(
        &self,
        tenant: TenantId,
        kind: TicketKind,
        id: TicketId,
        now: Timestamp,
    ) -> Result<Option<Ticket>, StoreError>;

    /// Uses the ticket up and returns it: of N callers at once, one gets it.
    async fn take_ticket(
        &self,
        tenant: TenantId,
        kind: TicketKind,
        id: TicketId,
        now: Timestamp,
    ) -> Result<Option<Ticket>, StoreError>;

    /// Ends a ticket unused; `false` where there was none to end.
    async fn revoke_ticket(
        &self,
        tenant: TenantId,
        kind: TicketKind,
        id: TicketId,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Removes every ticket past its deadline, used or not; returns how many.
    async fn purge_tickets(&self, now: Timestamp) -> Result<u64, StoreError>;
}
