//! People and tenants: what an adopter may own, and what portcullis keeps about them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{TenantId, UserId};
use crate::identifier::{Identifier, IdentifierKind};
use crate::policy::{IpOverrides, PolicyOverrides};
use crate::role::Roles;
use crate::state::{EntityState, Status};
use crate::time::Timestamp;

/// A closed world of people, addresses and policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Its name in URLs: 1..=63 of `a-z`, `0-9` and inner `-`.
    pub slug: String,
    /// Host names that lead to it, lower case.
    pub domains: Vec<String>,
    /// Its name for people, at most 200 bytes.
    pub name: String,
}

/// Whether a text is a slug: 1..=63 of `a-z`, `0-9` and inner `-`, as a DNS label (RFC 1123 section 2.1).
#[must_use]
pub fn is_slug(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// How to find a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantKey<'a> {
    /// By id.
    Id(TenantId),
    /// By slug.
    Slug(&'a str),
    /// By one of its domains.
    Domain(&'a str),
}

/// A person as the directory knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "AuthUser")]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// The tenant they live in.
    pub tenant: TenantId,
    /// How they can be found; unique in the tenant by kind and canonical form.
    pub identifiers: Vec<Identifier>,
    /// What else is known: a JSON object of at most 16 KiB, never trusted for decisions.
    pub profile: Value,
    /// When they were created.
    pub created_at: Timestamp,
}

impl User {
    /// Their e-mail address, where they have one.
    #[must_use]
    pub fn email(&self) -> Option<&Identifier> {
        self.identifiers
            .iter()
            .find(|identifier| identifier.kind == IdentifierKind::Email)
    }
}

/// The security stamp. Credentials carry the epoch that was read together with the verified factor; moving it ends
/// every session, link and token made before.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Epoch(pub u32);

impl Epoch {
    /// How far [`AnyTenant::end_all`](crate::store::AnyTenant::end_all) moves an epoch: past every value that the account
    /// may have had between a backup and its being restored, so that no credential made meanwhile fits again.
    pub const LEAP: u32 = 65_536;
}

/// What portcullis keeps about a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Whose it is.
    pub user: UserId,
    /// In which tenant.
    pub tenant: TenantId,
    /// A name to show: the raw e-mail address or user name of the day it was made.
    pub handle: String,
    /// Where the account stands.
    pub status: Status,
    /// The security stamp.
    pub epoch: Epoch,
    /// Last sign-in.
    pub last_sign_in: Option<Timestamp>,
    /// What operators have made of them.
    pub roles: Roles,
    /// Identifiers that are proved to be theirs.
    pub verified: Vec<VerifiedIdentifier>,
}

/// An identifier that was proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedIdentifier {
    /// Which kind.
    pub kind: IdentifierKind,
    /// The canonical form that was proved.
    pub canonical: String,
    /// When.
    pub at: Timestamp,
}

/// What portcullis keeps about a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantSecurity {
    /// Whose it is.
    pub tenant: TenantId,
    /// Where the tenant stands.
    pub status: Status,
    /// What it sets over the system's policy.
    pub policy: PolicyOverrides,
}

/// What decides, at one moment, whether a person's credential still counts: read together with the credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectState {
    /// Who.
    pub user: UserId,
    /// In which tenant.
    pub tenant: TenantId,
    /// The name to show.
    pub handle: String,
    /// Where the account stands.
    pub user_status: Status,
    /// Where the tenant stands.
    pub tenant_status: Status,
    /// The security stamp.
    pub epoch: Epoch,
    /// What operators have made of them.
    pub roles: Roles,
    /// What the tenant's own policy says about where people may come from.
    pub ip: IpOverrides,
}

/// A new person with the account that goes with them, for [`Crossing::enrol`](crate::store::Crossing::enrol).
#[derive(Clone, Debug)]
pub struct Enrolment {
    /// Who.
    pub user: User,
    /// The account's first state: `Pending` for a sign-up, `Active` for one an administrator made.
    pub state: EntityState,
    /// The name to show.
    pub handle: String,
    /// Whether their identifiers count as proved from the start.
    pub verified: bool,
    /// Their first factor, where they have one already.
    pub factor: Option<crate::factor::FactorConfig>,
    /// The present moment.
    pub now: Timestamp,
}

impl Enrolment {
    /// What the security family keeps of it.
    #[must_use]
    pub fn account(&self) -> NewAccount {
        let user = &self.user;
        NewAccount {
            user: user.id,
            tenant: user.tenant,
            state: self.state,
            handle: self.handle.clone(),
            verified: if self.verified {
                user.identifiers.clone()
            } else {
                Vec::new()
            },
            factor: self.factor.clone(),
            now: self.now,
        }
    }
}

/// An account for somebody the directory knows, for
/// [`AccountOpening::open_account`](crate::store::AccountOpening::open_account).
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Whose.
    pub user: UserId,
    /// In which tenant.
    pub tenant: TenantId,
    /// The account's first state.
    pub state: EntityState,
    /// The name to show.
    pub handle: String,
    /// Identifiers that count as proved from the start.
    pub verified: Vec<Identifier>,
    /// The first factor, where there is one already.
    pub factor: Option<crate::factor::FactorConfig>,
    /// The present moment.
    pub now: Timestamp,
}

/// What is known of somebody who is to be erased, for [`Crossing::erase`](crate::store::Crossing::erase).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// In which tenant.
    pub tenant: TenantId,
    /// Whom.
    pub user: UserId,
    /// How they could be found: mail and links that are nobody's and went to one of these addresses are removed. What is
    /// somebody's goes with its owner, wherever it went.
    pub identifiers: Vec<Identifier>,
    /// Mail and links made after this are somebody else's, who has the address by now.
    pub until: Timestamp,
    /// Digests of the identifiers, by which attempts are counted.
    pub attempts: Vec<[u8; 32]>,
    /// The present moment.
    pub now: Timestamp,
}

/// An account that somebody signed up for and proved nothing of, for
/// [`Crossing::discard`](crate::store::Crossing::discard).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unproved {
    /// In which tenant.
    pub tenant: TenantId,
    /// Whose.
    pub user: UserId,
    /// It must be pending since then or longer.
    pub pending_since: Timestamp,
    /// The present moment.
    pub now: Timestamp,
}

/// A batch of accounts, by the ids of their owners, of which everything is ended, for
/// [`AnyTenant::end_all`](crate::store::AnyTenant::end_all).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndAll {
    /// Those after this one; the first batch begins with `None`.
    pub after: Option<UserId>,
    /// At most so many (1..=1000).
    pub limit: u32,
    /// Whether their API tokens are revoked as well.
    pub api_tokens: bool,
    /// The present moment.
    pub now: Timestamp,
}

/// What was ended of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EndedAll {
    /// Accounts whose epoch moved.
    pub accounts: u64,
    /// API tokens that were revoked.
    pub api_tokens: u64,
    /// The last account of the batch; `None` where there was none, and everybody's turn is over.
    pub last: Option<UserId>,
}

/// Another identifier in place of one that a person has, for
/// [`Crossing::change_identifier`](crate::store::Crossing::change_identifier). It is proved by the write that makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentifierChange {
    /// In which tenant.
    pub tenant: TenantId,
    /// Whose.
    pub user: UserId,
    /// The one they have.
    pub from: Identifier,
    /// The one that takes its place, of the same kind.
    pub to: Identifier,
    /// The present moment.
    pub now: Timestamp,
}
