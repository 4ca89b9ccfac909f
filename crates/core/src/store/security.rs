//! The security family, part one: accounts, attempts, factors.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::WriteResult;
use crate::along::Along;
use crate::entity::{Account, Epoch, IdentifierChange, SubjectState, TenantSecurity};
use crate::error::StoreError;
use crate::factor::{FactorConfig, FactorKind, FactorVersion, LoadedFactor};
use crate::id::{TenantId, UserId};
use crate::identifier::IdentifierKind;
use crate::policy::LockoutPolicy;
use crate::state::Status;
use crate::time::Timestamp;

/// An identifier to mark as proved, and what that activates.
#[derive(Clone, Debug)]
pub struct Activation {
    /// Which kind of identifier.
    pub kind: IdentifierKind,
    /// Its canonical form; it must be one the account may hold, which the caller has checked in the directory.
    pub canonical: String,
    /// Takes a candidate or pending account to active.
    pub activate: bool,
    /// Where a sign-up is proved: its address in the spelling that the mail went to, which must still be the account's
    /// handle. The account must be pending then, for one that is active has its mailbox.
    pub spelling: Option<String>,
    /// The password that came with the token: set in the same write, in place of any there is.
    pub factor: Option<FactorConfig>,
    /// The present moment.
    pub now: Timestamp,
}

/// Accounts and tenants: state, epoch, what is proved.
#[async_trait]
pub trait AccountStore: Send + Sync + 'static {
    /// The account of a person.
    async fn account(&self, tenant: TenantId, user: UserId) -> Result<Option<Account>, StoreError>;

    /// State of person and tenant and the epoch, in one read.
    async fn subject_state(
        &self,
        tenant: TenantId,
        user: UserId,
    ) -> Result<Option<SubjectState>, StoreError>;

    /// Sets the account's state. Refused with `Transition` where the table has no such step (decided inside the write),
    /// `NotFound` for nobody.
    async fn set_state(
        &self,
        tenant: TenantId,
        user: UserId,
        to: &Status,
        along: Along,
    ) -> WriteResult<()>;

    /// Marks an identifier as proved and activates what comes with it. Refused with `Transition` where `activate` is
    /// set and the account is none of candidate, pending and active, and where it is terminated in any case. With a
    /// `spelling`, refused with `Transition` where it is not pending, `Stale` where its handle is another by now.
    ///
    /// A spelling belongs to the directory too: whoever gives one calls [`Crossing::prove`](super::Crossing::prove).
    async fn verify_identifier(
        &self,
        tenant: TenantId,
        user: UserId,
        activation: &Activation,
        along: Along,
    ) -> WriteResult<()>;

    /// Puts the proof of one identifier in the place of another's, and the handle with it where it was the old one's
    /// spelling: the security half of [`Crossing::change_identifier`](super::Crossing::change_identifier). That the
    /// person may have the new one, the caller has made sure in the directory. Refused with `NotFound` for nobody.
    async fn change_verified(&self, change: &IdentifierChange, along: Along) -> WriteResult<()>;

    /// Moves the epoch on by one and returns the new one; `along.bump_epoch` must be empty.
    async fn bump_epoch(&self, tenant: TenantId, user: UserId, along: Along) -> WriteResult<Epoch>;

    /// State and policy of a tenant.
    async fn tenant_security(&self, tenant: TenantId)
    -> Result<Option<TenantSecurity>, StoreError>;

    /// Replaces state and policy of a tenant. Refused with `Transition` or `NotFound`; the same state again with
    /// another policy is no transition.
    async fn set_tenant_security(&self, security: &TenantSecurity, along: Along)
    -> WriteResult<()>;

    /// The fingerprint of the keys this database belongs to.
    async fn key_marker(&self) -> Result<Option<String>, StoreError>;

    /// Replaces the fingerprint where it still is `expected`; says whether it was.
    async fn set_key_marker(
        &self,
        expected: Option<&str>,
        marker: &str,
    ) -> Result<bool, StoreError>;
}

/// What is tried; each has a count of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AttemptPurpose {
    /// A password.
    Password,
    /// A link or a code that was sent by mail.
    Email,
}

impl AttemptPurpose {
    /// Every one.
    pub const ALL: &'static [Self] = &[Self::Password, Self::Email];

    /// The stored spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Email => "email",
        }
    }
}

/// Whose attempts are counted: by digest of the identifier, so that unknown accounts count alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AttemptKey {
    /// In which tenant.
    pub tenant: TenantId,
    /// Keyed digest of the canonical identifier.
    pub identifier: [u8; 32],
    /// What is tried.
    pub purpose: AttemptPurpose,
}

/// Whether an attempt may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reservation {
    /// It may, and is already counted as failed.
    Granted {
        /// Failures in a row, this one included.
        failures: u32,
    },
    /// It may not before `until`; nothing was counted.
    Locked {
        /// The end of the delay.
        until: Timestamp,
    },
}

/// How a reserved attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// It failed; the count stays.
    Failed,
    /// It succeeded: the count goes back to zero and the person's last sign-in is `now`.
    Succeeded {
        /// Who signed in.
        user: UserId,
    },
}

/// Sign-in attempts and the audit log.
#[async_trait]
pub trait IdentityAuthnLog: Send + Sync + 'static {
    /// Commits companions that have no other effect: events, mail, a token to issue or to spend, an epoch to move.
    async fn record(&self, along: Along) -> WriteResult<()>;

    /// Counts an attempt as failed **before** it is verified, so that a burst cannot slip past: of N callers at once,
    /// as many are granted as the policy leaves. Follows [`rule::lockout`](crate::rule::lockout) to the letter.
    async fn reserve_attempt(
        &self,
        key: &AttemptKey,
        policy: &LockoutPolicy,
        now: Timestamp,
    ) -> Result<Reservation, StoreError>;

    /// Settles a reserved attempt.
    async fn settle_attempt(
        &self,
        key: &AttemptKey,
        settlement: Settlement,
        now: Timestamp,
        along: Along,
    ) -> WriteResult<()>;

    /// Forgets the failures of an identifier, for administrators.
    async fn reset_attempts(&self, key: &AttemptKey, along: Along) -> WriteResult<()>;

    /// Removes counts whose window has passed; returns how many.
    async fn purge_attempts(&self, now: Timestamp) -> Result<u64, StoreError>;
}

/// Factors. The only way to change one is to name the version that was read.
#[async_trait]
pub trait FactorStore: Send + Sync + 'static {
    /// The factor of a kind with its owner's state, in one read; `None` for nobody.
    async fn load_factor(
        &self,
        tenant: TenantId,
        user: UserId,
        kind: FactorKind,
    ) -> Result<Option<LoadedFactor>, StoreError>;

    /// Adds a factor of a kind the person has none of. Refused with `Exists` or `NotFound`.
    async fn insert_factor(
        &self,
        tenant: TenantId,
        user: UserId,
        config: &FactorConfig,
        now: Timestamp,
        along: Along,
    ) -> WriteResult<FactorVersion>;

    /// Replaces the factor where its version still is `expected`. Refused with `Stale` or `NotFound`. `changed_at` is kept
    /// with it, also where it is no later than the one before: a hash that is brought up to date is no change.
    async fn compare_and_save_factor(
        &self,
        tenant: TenantId,
        user: UserId,
        expected: FactorVersion,
        config: &FactorConfig,
        changed_at: Timestamp,
        along: Along,
    ) -> WriteResult<FactorVersion>;

    /// Removes the factor of a kind. Refused with `NotFound`.
    async fn remove_factor(
        &self,
        tenant: TenantId,
        user: UserId,
        kind: FactorKind,
        along: Along,
    ) -> WriteResult<()>;
}
