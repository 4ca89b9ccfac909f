//! The security family, part two: verification tokens, API tokens, the outbox, and reading the audit log.

use async_trait::async_trait;

use super::WriteResult;
use crate::along::Along;
use crate::api_token::{ApiToken, ResolvedApiToken};
use crate::error::StoreError;
use crate::event::{AuthEvent, EventQueryFilter};
use crate::id::{ApiTokenId, ClaimId, MailId, TenantId, UserId, VerificationTokenId};
use crate::mail::{ClaimedMail, MailRetry, OutboxFilter, WaitingMail};
use crate::time::Timestamp;
use crate::verification::{TokenKind, VerificationToken};

/// Single-use tokens. They are made by [`Along::issue`] and used up by [`Along::spend`], on the write that has the
/// effect.
#[async_trait]
pub trait VerificationStore: Send + Sync + 'static {
    /// The token, in whatever condition; looking changes nothing.
    async fn peek(&self, id: VerificationTokenId) -> Result<Option<VerificationToken>, StoreError>;

    /// The live token of a kind that belongs to a person.
    async fn live_token(
        &self,
        tenant: TenantId,
        user: UserId,
        kind: TokenKind,
        now: Timestamp,
    ) -> Result<Option<VerificationToken>, StoreError>;

    /// Supersedes every live token of a person; returns how many.
    async fn revoke_tokens(
        &self,
        tenant: TenantId,
        user: UserId,
        now: Timestamp,
    ) -> Result<u64, StoreError>;

    /// Removes every token that ended before `now`, used or not; returns how many.
    async fn purge_tokens(&self, now: Timestamp) -> Result<u64, StoreError>;
}

/// API tokens.
#[async_trait]
pub trait ApiTokenStore: Send + Sync + 'static {
    /// Adds a token. Live tokens are counted inside the write: N callers at once never pass `cap`. Refused with
    /// `LimitReached`, `Exists` for an id that is taken, `NotFound` for nobody.
    async fn create_api_token(&self, token: &ApiToken, cap: u32, along: Along) -> WriteResult<()>;

    /// Token, owner's and tenant's state in one read, in whatever condition.
    async fn resolve_api_token(
        &self,
        id: ApiTokenId,
    ) -> Result<Option<ResolvedApiToken>, StoreError>;

    /// Notes last uses; never moves one back.
    async fn touch_api_tokens(&self, uses: &[(ApiTokenId, Timestamp)]) -> Result<(), StoreError>;

    /// Live tokens of a person, newest first.
    async fn list_api_tokens(
        &self,
        tenant: TenantId,
        owner: UserId,
        now: Timestamp,
    ) -> Result<Vec<ApiToken>, StoreError>;

    /// Revokes a token of this owner. Refused with `NotFound` where the owner has no such token or it is revoked
    /// already.
    async fn revoke_api_token(
        &self,
        tenant: TenantId,
        owner: UserId,
        id: ApiTokenId,
        now: Timestamp,
        along: Along,
    ) -> WriteResult<()>;

    /// Revokes every live token of a person; says how many.
    async fn revoke_all_api_tokens(
        &self,
        tenant: TenantId,
        owner: UserId,
        now: Timestamp,
        along: Along,
    ) -> WriteResult<u64>;
}

/// The durable mail outbox. [`Along::mail`] fills it.
#[async_trait]
pub trait OutboxStore: Send + Sync + 'static {
    /// Claims up to `limit` mails that are due at `now`, oldest first, until `lease_until`: of N workers one wins each
    /// mail. A claim whose lease has passed is due again.
    async fn claim_mail(
        &self,
        claim: ClaimId,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClaimedMail>, StoreError>;

    /// Removes a delivered mail; `false` where the claim is no longer ours.
    async fn mail_done(&self, mail: MailId, claim: ClaimId) -> Result<bool, StoreError>;

    /// Gives a mail back, due at `retry_at`, or dead where that is `None`; `false` where the claim is no longer ours.
    async fn mail_failed(
        &self,
        mail: MailId,
        claim: ClaimId,
        retry_at: Option<Timestamp>,
    ) -> Result<bool, StoreError>;

    /// Mails of a tenant by id, those after `after`, at most `limit`. They stay sealed.
    async fn list_mail(
        &self,
        tenant: TenantId,
        filter: OutboxFilter,
        after: Option<MailId>,
        limit: u32,
    ) -> Result<Vec<WaitingMail>, StoreError>;

    /// Makes mails of a tenant due now, as if they had never been tried; says how many. A mail that a worker has is left
    /// alone. One mail is refused with `NotFound` where it is not there or a worker has it.
    async fn retry_mail(
        &self,
        tenant: TenantId,
        retry: MailRetry,
        now: Timestamp,
        along: Along,
    ) -> WriteResult<u64>;

    /// Removes dead mails that were queued before `queued_before`; returns how many.
    async fn purge_mail(&self, queued_before: Timestamp) -> Result<u64, StoreError>;
}

/// Optional ability: reading the audit log.
#[async_trait]
pub trait AuditQuery: Send + Sync + 'static {
    /// Events that a reader in `tenant` may see and the filter lets through, newest first.
    async fn audit_events(
        &self,
        tenant: TenantId,
        filter: &EventQueryFilter,
    ) -> Result<Vec<AuthEvent>, StoreError>;
}
