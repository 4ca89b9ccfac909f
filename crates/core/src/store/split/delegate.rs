//! Every trait of the halves, passed on.

use async_trait::async_trait;
use serde_json::Value;

use super::Split;
use crate::along::Along;
use crate::api_token::{ApiToken, ResolvedApiToken};
use crate::entity::{
    Account, EndAll, EndedAll, Epoch, Erasure, IdentifierChange, NewAccount, SubjectState, Tenant,
    TenantKey, TenantSecurity, Unproved, User,
};
use crate::error::StoreError;
use crate::event::{AuthEvent, EventQueryFilter};
use crate::factor::{FactorConfig, FactorKind, FactorVersion, LoadedFactor};
use crate::id::{
    ApiTokenId, ClaimId, MailId, RefreshFamilyId, SessionId, TenantId, TicketId, UserId,
    VerificationTokenId,
};
use crate::identifier::Identifier;
use crate::mail::{ClaimedMail, MailRetry, OutboxFilter, WaitingMail};
use crate::policy::LockoutPolicy;
use crate::refresh::{Generation, RefreshFamily, ResolvedFamily, Rotation};
use crate::role::Roles;
use crate::secret::PasswordHash;
use crate::session::{ResolvedSession, Session, SessionTouch};
use crate::state::Status;
use crate::store::{
    AccountErasure, AccountOpening, AccountStore, Activation, AnyTenant, ApiTokenStore, AttemptKey,
    AuditQuery, Due, FactorStore, IdentityAdmin, IdentityAuthnLog, IdentityLookup, LimitKey,
    OutboxStore, PasswordHistory, RateLimit, RateLimitStore, RefreshStore, Reservation,
    ResolveSession, RoleStore, SessionInsert, SessionRotation, SessionStore, Settlement, Taken,
    Ticket, TicketIssue, TicketKind, TicketStore, VerificationStore, WriteResult,
};
use crate::time::Timestamp;
use crate::verification::{TokenKind, VerificationToken};

/// Which half has which trait.
macro_rules! halves {
    ($($trait:ident { $($methods:tt)+ })+) => {
        $(half!($trait { $($methods)+ });)+
    };
}

macro_rules! half {
    // It is neither half's.
    (Crossing { $($methods:tt)+ }) => {};
    // A store under a store.
    (KeyValueStore { $($methods:tt)+ }) => {};
    (IdentityLookup { $($methods:tt)+ }) => {
        pass_on!(IdentityLookup, directory: Directory, Security { $($methods)+ });
    };
    (IdentityAdmin { $($methods:tt)+ }) => {
        pass_on!(IdentityAdmin, directory: Directory, Security { $($methods)+ });
    };
    ($trait:ident { $($methods:tt)+ }) => {
        pass_on!($trait, security: Security, Directory { $($methods)+ });
    };
}

macro_rules! pass_on {
    ($trait:ident, $half:ident: $Half:ident, $Other:ident { $(
        fn $method:ident($($arg:ident: $ty:ty),* $(; $along:ident)?) -> $answer:ty;
    )+ }) => {
        #[async_trait]
        impl<Directory, Security> $trait for Split<Directory, Security>
        where
            $Half: $trait,
            $Other: Send + Sync + 'static,
        {
            $(async fn $method(&self, $($arg: $ty,)* $($along: Along)?) -> $answer {
                self.$half.$method($($arg,)* $($along)?).await
            })+
        }
    };
}

crate::every_store_method!(halves);
