//! A person as `user` commands print them.

use std::fmt::Write as _;

use portcullis_backends::flow::UserRecord;
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::identifier::{Identifier, IdentifierKind};
use portcullis_core::role::{RoleName, Roles};
use portcullis_core::time::Timestamp;
use serde::Serialize;

/// Times are RFC 3339 in UTC. No field is ever left out.
#[derive(Debug, Serialize)]
pub(super) struct UserView {
    id: UserId,
    tenant: TenantId,
    /// The state that holds now; null for somebody without an account.
    state: Option<&'static str>,
    reason: Option<String>,
    since: Option<String>,
    until: Option<String>,
    identifiers: Vec<IdentifierView>,
    roles: Roles,
    created_at: String,
    last_sign_in: Option<String>,
}

#[derive(Debug, Serialize)]
struct IdentifierView {
    kind: IdentifierKind,
    value: String,
    verified: bool,
}

impl UserView {
    pub(super) fn new(record: &UserRecord, now: Timestamp) -> Self {
        let UserRecord { user, account, .. } = record;
        let account = account.as_ref();
        let detail = account.map(|account| &account.status.detail);
        let verified = |identifier: &Identifier| {
            account.is_some_and(|account| {
                account.verified.iter().any(|proved| {
                    proved.kind == identifier.kind && proved.canonical == identifier.canonical
                })
            })
        };
        Self {
            id: user.id,
            tenant: user.tenant,
            state: account.map(|account| account.status.effective_at(now).as_str()),
            reason: detail.and_then(|detail| detail.reason.clone()),
            since: detail.map(|detail| detail.since.to_string()),
            until: detail.and_then(|detail| detail.until.map(|until| until.to_string())),
            identifiers: user
                .identifiers
                .iter()
                .map(|identifier| IdentifierView {
                    kind: identifier.kind,
                    value: identifier.raw.clone(),
                    verified: verified(identifier),
                })
                .collect(),
            roles: account
                .map(|account| account.roles.clone())
                .unwrap_or_default(),
            created_at: user.created_at.to_string(),
            last_sign_in: account
                .and_then(|account| account.last_sign_in)
                .map(|at| at.to_string()),
        }
    }

    /// For a list.
    pub(super) fn line(&self) -> String {
        let names: Vec<&str> = self.identifiers.iter().map(|i| i.value.as_str()).collect();
        format!("{}  {:<10}  {}", self.id, self.state(), names.join(" "))
    }

    /// For one person.
    pub(super) fn text(&self) -> String {
        let mut text = format!("id            {}\nstate         {}", self.id, self.state());
        let mut row = |name: &str, value: &str| {
            let _ = write!(text, "\n{name:<14}{value}");
        };
        for (name, value) in [
            ("reason", &self.reason),
            ("since", &self.since),
            ("until", &self.until),
        ] {
            if let Some(value) = value {
                row(name, value);
            }
        }
        for identifier in &self.identifiers {
            let proved = if identifier.verified {
                ""
            } else {
                " (not proved)"
            };
            let value = format!("{}{proved}", identifier.value);
            row(identifier.kind.as_str(), &value);
        }
        if !self.roles.is_empty() {
            let names: Vec<&str> = self.roles.iter().map(RoleName::as_str).collect();
            row("roles", &names.join(" "));
        }
        row("created", &self.created_at);
        row(
            "last sign-in",
            self.last_sign_in.as_deref().unwrap_or("never"),
        );
        text
    }

    fn state(&self) -> &'static str {
        self.state.unwrap_or("no account")
    }
}
