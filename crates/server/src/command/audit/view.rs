//! An audit event as `audit query` prints it.

use std::fmt::Write as _;

use portcullis_core::event::{AuthEvent, AuthEventStatus, AuthEventType, Reason};
use portcullis_core::id::{EventId, TenantId, UserId};
use portcullis_core::net::ClientInfo;
use serde::Serialize;
use serde_json::Value;

/// The time is RFC 3339 in UTC. No field is ever left out.
#[derive(Debug, Serialize)]
pub(super) struct EventView {
    id: EventId,
    at: String,
    tenant: Option<TenantId>,
    subject: Option<UserId>,
    actor: Option<UserId>,
    #[serde(rename = "type")]
    kind: AuthEventType,
    status: AuthEventStatus,
    reason: Option<Reason>,
    client: ClientInfo,
    detail: Value,
}

impl EventView {
    pub(super) fn new(event: &AuthEvent) -> Self {
        Self {
            id: event.id,
            at: event.at.to_string(),
            tenant: event.tenant,
            subject: event.subject,
            actor: event.actor,
            kind: event.kind,
            status: event.status,
            reason: event.reason,
            client: event.client.clone(),
            detail: event.detail.clone(),
        }
    }

    pub(super) fn line(&self) -> String {
        let mut line = format!("{}  {:<22}  {}", self.at, self.kind.as_str(), self.status);
        if let Some(reason) = self.reason {
            let _ = write!(line, " ({reason})");
        }
        if let Some(subject) = self.subject {
            let _ = write!(line, "  {subject}");
        }
        if let Some(actor) = self.actor {
            let _ = write!(line, "  by {actor}");
        }
        if let Some(ip) = self.client.ip {
            let _ = write!(line, "  from {ip}");
        }
        line
    }
}
