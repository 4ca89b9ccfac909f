//! The document. Times are RFC 3339 in UTC; no field is ever left out, and none is a secret, a digest or somebody else's.

use std::net::IpAddr;

use portcullis_core::api_token::{ApiToken, IpAllowlist, Scopes};
use portcullis_core::entity::{Account, User};
use portcullis_core::event::{AuthEvent, AuthEventStatus, AuthEventType, Reason};
use portcullis_core::factor::FactorKind;
use portcullis_core::id::{ApiTokenId, EventId, SessionId, TenantId, UserId};
use portcullis_core::identifier::IdentifierKind;
use portcullis_core::net::ClientInfo;
use portcullis_core::role::Roles;
use portcullis_core::session::Session;
use portcullis_core::state::EntityState;
use portcullis_core::time::Timestamp;
use serde::Serialize;
use serde_json::Value;

/// What is kept about a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountExport {
    /// When this was read.
    pub exported_at: String,
    /// Their id.
    pub user: UserId,
    /// The tenant they live in.
    pub tenant: TenantId,
    /// When they were created.
    pub created_at: String,
    /// How they can be found.
    pub identifiers: Vec<ExportedIdentifier>,
    /// What else is known: a JSON object.
    pub profile: Value,
    /// Their account; `None` for somebody whom only the directory knows.
    pub account: Option<ExportedAccount>,
    /// What they prove themselves with.
    pub factors: Vec<ExportedFactor>,
    /// Their live sessions, newest first.
    pub sessions: Vec<ExportedSession>,
    /// Their live API tokens, newest first.
    pub api_tokens: Vec<ExportedApiToken>,
    /// The newest entries of the audit log about them, at most 1000; `None` where the instance cannot read it.
    pub events: Option<Vec<ExportedEvent>>,
}

/// One way to find a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExportedIdentifier {
    /// Which kind.
    pub kind: IdentifierKind,
    /// As they wrote it.
    pub value: String,
    /// The form that identifiers are compared by.
    pub canonical: String,
    /// When it was proved to be theirs.
    pub verified_at: Option<String>,
}

impl ExportedIdentifier {
    pub(super) fn all(user: &User, account: Option<&Account>) -> Vec<Self> {
        let identifiers = user.identifiers.iter();
        let exported = identifiers.map(|identifier| {
            let mut proofs = account.iter().flat_map(|account| &account.verified);
            let proof = proofs.find(|proved| {
                proved.kind == identifier.kind && proved.canonical == identifier.canonical
            });
            Self {
                kind: identifier.kind,
                value: identifier.raw.clone(),
                canonical: identifier.canonical.clone(),
                verified_at: proof.map(|proved| proved.at.to_string()),
            }
        });
        exported.collect()
    }
}

/// Where an account stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExportedAccount {
    /// The name to show.
    pub handle: String,
    /// The state that holds now.
    pub state: EntityState,
    /// Why.
    pub reason: Option<String>,
    /// Since when.
    pub since: String,
    /// When a suspension ends by itself.
    pub until: Option<String>,
    /// Last sign-in.
    pub last_sign_in: Option<String>,
    /// What operators have made of them.
    pub roles: Roles,
}

impl ExportedAccount {
    pub(super) fn new(account: Account, now: Timestamp) -> Self {
        Self {
            handle: account.handle,
            state: account.status.effective_at(now),
            reason: account.status.detail.reason,
            since: account.status.detail.since.to_string(),
            until: account.status.detail.until.map(|at| at.to_string()),
            last_sign_in: account.last_sign_in.map(|at| at.to_string()),
            roles: account.roles,
        }
    }
}

/// What somebody proves themselves with, and never the proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExportedFactor {
    /// Which kind.
    pub kind: FactorKind,
    /// When it was last changed.
    pub changed_at: String,
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExportedSession {
    /// Its id.
    pub id: SessionId,
    /// When it was opened.
    pub created_at: String,
    /// Last use, to the minute.
    pub seen_at: String,
    /// Over when unused until here.
    pub idle_deadline: String,
    /// Over here, used or not.
    pub absolute_deadline: String,
    /// The address it was opened from.
    pub ip: Option<IpAddr>,
    /// The browser it was opened in.
    pub user_agent: Option<String>,
    /// What its owner calls it.
    pub name: Option<String>,
}

impl ExportedSession {
    pub(super) fn new(session: Session) -> Self {
        Self {
            id: session.id,
            created_at: session.created_at.to_string(),
            seen_at: session.seen_at.to_string(),
            idle_deadline: session.idle_deadline.to_string(),
            absolute_deadline: session.absolute_deadline.to_string(),
            ip: session.device.ip,
            user_agent: session.device.user_agent,
            name: session.name,
        }
    }
}

/// An API token, without the token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExportedApiToken {
    /// Its id.
    pub id: ApiTokenId,
    /// What its owner calls it.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// Where it may be used from; empty allows all.
    pub ip_allowlist: IpAllowlist,
    /// When it was made.
    pub created_at: String,
    /// When it ends.
    pub expires_at: Option<String>,
    /// Last use, to the minute.
    pub last_used_at: Option<String>,
}

impl ExportedApiToken {
    pub(super) fn new(token: ApiToken) -> Self {
        Self {
            id: token.id,
            name: token.name,
            scopes: token.scopes,
            ip_allowlist: token.ip_allowlist,
            created_at: token.created_at.to_string(),
            expires_at: token.expires_at.map(|at| at.to_string()),
            last_used_at: token.last_used_at.map(|at| at.to_string()),
        }
    }
}

/// An entry of the audit log about the person. Who did it, where that was somebody else, is not theirs to have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExportedEvent {
    /// Its id.
    pub id: EventId,
    /// When.
    pub at: String,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: AuthEventType,
    /// How it ended.
    pub status: AuthEventStatus,
    /// Why it was refused.
    pub reason: Option<Reason>,
    /// From where.
    pub client: ClientInfo,
    /// What else belongs to it.
    pub detail: Value,
}

impl ExportedEvent {
    pub(super) fn new(event: AuthEvent) -> Self {
        Self {
            id: event.id,
            at: event.at.to_string(),
            kind: event.kind,
            status: event.status,
            reason: event.reason,
            client: event.client,
            detail: event.detail,
        }
    }
}
