//! The list of core's store methods, and what their signatures name.

pub(crate) use portcullis_core::every_store_method as every_method;

/// What the signatures name.
pub(crate) mod named {
    pub(crate) use async_trait::async_trait;
    pub(crate) use portcullis_core::along::Along;
    pub(crate) use portcullis_core::api_token::{ApiToken, ResolvedApiToken};
    pub(crate) use portcullis_core::entity::{
        Account, EndAll, EndedAll, Enrolment, Epoch, Erasure, IdentifierChange, NewAccount,
        SubjectState, Tenant, TenantKey, TenantSecurity, Unproved, User,
    };
    pub(crate) use portcullis_core::error::StoreError;
    pub(crate) use portcullis_core::event::{AuthEvent, EventQueryFilter};
    pub(crate) use portcullis_core::factor::{
        FactorConfig, FactorKind, FactorVersion, LoadedFactor,
    };
    pub(crate) use portcullis_core::id::{
        ApiTokenId, ClaimId, MailId, RefreshFamilyId, SessionId, TenantId, TicketId, UserId,
        VerificationTokenId,
    };
    pub(crate) use portcullis_core::identifier::Identifier;
    pub(crate) use portcullis_core::mail::{ClaimedMail, MailRetry, OutboxFilter, WaitingMail};
    pub(crate) use portcullis_core::policy::LockoutPolicy;
    pub(crate) use portcullis_core::refresh::{
        Generation, RefreshFamily, ResolvedFamily, Rotation,
    };
    pub(crate) use portcullis_core::role::Roles;
    pub(crate) use portcullis_core::secret::PasswordHash;
    pub(crate) use portcullis_core::session::{ResolvedSession, Session, SessionTouch};
    pub(crate) use portcullis_core::state::Status;
    pub(crate) use portcullis_core::store::{
        AccountErasure, AccountOpening, AccountStore, Activation, AnyTenant, ApiTokenStore,
        AttemptKey, AuditQuery, Crossing, Due, FactorStore, IdentityAdmin, IdentityAuthnLog,
        IdentityLookup, KeyValueStore, KvCheck, KvCommit, KvEntry, KvWrite, LimitKey, OutboxStore,
        Part, PasswordHistory, RateLimit, RateLimitStore, RefreshStore, Reservation,
        ResolveSession, RoleStore, SessionInsert, SessionRotation, SessionStore, Settlement, Taken,
        Ticket, TicketIssue, TicketKind, TicketStore, VerificationStore, WriteResult,
    };
    pub(crate) use portcullis_core::time::Timestamp;
    pub(crate) use portcullis_core::verification::{TokenKind, VerificationToken};
    pub(crate) use serde_json::Value;
}

#[cfg(test)]
mod tests;
