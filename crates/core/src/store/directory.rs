//! The directory family: who people are. Adopters may keep it in tables of their own.

use async_trait::async_trait;
use serde_json::Value;

use super::{Activation, WriteResult};
use crate::along::Along;
use crate::entity::{
    Enrolment, Erasure, IdentifierChange, Tenant, TenantKey, TenantSecurity, Unproved, User,
};
use crate::error::StoreError;
use crate::id::{TenantId, UserId};
use crate::identifier::Identifier;

/// Finds people and tenants.
#[async_trait]
pub trait IdentityLookup: Send + Sync + 'static {
    /// A person by id; `None` for one of another tenant.
    async fn user(&self, tenant: TenantId, user: UserId) -> Result<Option<User>, StoreError>;

    /// A person by identifier: kind and canonical form, to the letter.
    async fn find_user(
        &self,
        tenant: TenantId,
        identifier: &Identifier,
    ) -> Result<Option<User>, StoreError>;

    /// A tenant.
    async fn tenant(&self, key: TenantKey<'_>) -> Result<Option<Tenant>, StoreError>;
}

/// Changes people and tenants in the directory alone. What also touches an account is in [`Crossing`].
#[async_trait]
pub trait IdentityAdmin: IdentityLookup {
    /// People of a tenant by id, those after `after`, at most `limit` (1..=1000).
    async fn users(
        &self,
        tenant: TenantId,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<User>, StoreError>;

    /// The id of somebody who is about to be created: `offered`, where the directory takes any id; one of its own, where
    /// its keys are integers ([`UserId::from_integer`]) or come from a sequence. No id is given out twice, not even one
    /// that nobody was created with.
    async fn new_user_id(&self, tenant: TenantId, offered: UserId) -> Result<UserId, StoreError>;

    /// Creates a person. The same person again (same id and tenant) is done already.
    ///
    /// # Errors
    /// `Conflict` where an identifier belongs to somebody else in the tenant, or the id to another tenant or the system;
    /// also for an id that is none of this directory's, and for an unknown tenant where it knows its tenants.
    async fn create_user(&self, user: &User) -> Result<(), StoreError>;

    /// Replaces a person's identifiers; `false` where there is no such person.
    ///
    /// # Errors
    /// `Conflict` where one belongs to somebody else in the tenant; nothing is changed then.
    async fn set_identifiers(
        &self,
        tenant: TenantId,
        user: UserId,
        identifiers: &[Identifier],
    ) -> Result<bool, StoreError>;

    /// Replaces a person's profile; `false` where there is no such person.
    async fn set_profile(
        &self,
        tenant: TenantId,
        user: UserId,
        profile: &Value,
    ) -> Result<bool, StoreError>;

    /// Removes a person from the directory; `false` where there is no such person.
    async fn remove_user(&self, tenant: TenantId, user: UserId) -> Result<bool, StoreError>;

    /// Creates a tenant. The same tenant again (same id) is done already.
    ///
    /// # Errors
    /// `Conflict` where slug or a domain belongs to another tenant, or the id to the system; also where this directory
    /// takes no new tenants.
    async fn insert_tenant(&self, tenant: &Tenant) -> Result<(), StoreError>;

    /// Renames a tenant; `false` where there is no such tenant.
    async fn rename_tenant(&self, tenant: TenantId, name: &str) -> Result<bool, StoreError>;
}

/// The writes that cross directory and security family, each atomic where one store holds both. Where two do,
/// [`Split`](super::Split) says what a crash between them leaves, and how it is completed.
#[async_trait]
pub trait Crossing: Send + Sync + 'static {
    /// Creates a tenant with its security row.
    ///
    /// Refused with `Exists` where id, slug or a domain is taken, `Reserved` for the system's id.
    async fn create_tenant(
        &self,
        tenant: &Tenant,
        security: &TenantSecurity,
        along: Along,
    ) -> WriteResult<()>;

    /// Creates a person with their account and, where given, first factor. `verified` proves every identifier given.
    ///
    /// Refused with `IdentifierTaken` where somebody in the tenant has an identifier (N callers at once: one wins),
    /// `Exists` where the id is taken, `Reserved` for the system's id, `NotFound` for an unknown tenant.
    async fn enrol(&self, enrolment: &Enrolment, along: Along) -> WriteResult<()>;

    /// Marks an identifier as proved and activates what comes with it, as
    /// [`AccountStore::verify_identifier`](super::AccountStore::verify_identifier) does, which says what is refused. With a
    /// spelling, the person's identifier is written in that spelling from then on.
    async fn prove(
        &self,
        tenant: TenantId,
        user: UserId,
        activation: &Activation,
        along: Along,
    ) -> WriteResult<()>;

    /// Puts one identifier in the place of another, in the directory and among those that the account has proved. What
    /// was proved of the old one is gone; the account's handle follows where it was the old one's spelling. The same
    /// canonical form in another spelling is a change too.
    ///
    /// Refused with `NotFound` for nobody, `Stale` where they no longer have `from`, `IdentifierTaken` where somebody in
    /// the tenant, they themselves too, has `to` (N callers at once: one wins).
    async fn change_identifier(&self, change: &IdentifierChange, along: Along) -> WriteResult<()>;

    /// Erases somebody whose account is closed: the person from the directory, and with them their identifiers and
    /// profile, and in the security family what [`AccountErasure::erase_account`](super::AccountErasure::erase_account)
    /// erases. The identifiers are free for somebody else; the id is not, in this and in every other tenant.
    ///
    /// Refused with `NotFound` where there is no account, `Transition` where it is not terminated, `Reserved` for the
    /// system's id (N callers at once: one erases).
    async fn erase(&self, erasure: &Erasure, along: Along) -> WriteResult<()>;

    /// Removes an account that proved nothing for long, and the person that came with it; nothing is left of either but
    /// what the audit log says.
    ///
    /// Refused with `NotFound` where there is no account, `Transition` where it is not pending, `Stale` where it may not
    /// go: it is pending for less long, an identifier of its is proved, or a link to it works that can still prove one.
    async fn discard(&self, unproved: &Unproved, along: Along) -> WriteResult<()>;
}
