//! API tokens as `token` commands print them.

use portcullis_backends::flow::ApiTokenInfo;
use portcullis_core::api_token::{IpAllowlist, Scopes};
use portcullis_core::id::ApiTokenId;
use portcullis_core::secret::SecretText;
use serde::Serialize;

/// Times are RFC 3339 in UTC. No field is ever left out.
#[derive(Debug, Serialize)]
pub(super) struct TokenView {
    id: ApiTokenId,
    name: String,
    scopes: Scopes,
    ip_allowlist: IpAllowlist,
    created_at: String,
    expires_at: Option<String>,
    last_used_at: Option<String>,
}

impl TokenView {
    pub(super) fn new(info: &ApiTokenInfo) -> Self {
        Self {
            id: info.id,
            name: info.name.clone(),
            scopes: info.scopes.clone(),
            ip_allowlist: info.ip_allowlist.clone(),
            created_at: info.created_at.to_string(),
            expires_at: info.expires_at.map(|at| at.to_string()),
            last_used_at: info.last_used_at.map(|at| at.to_string()),
        }
    }

    pub(super) fn line(&self) -> String {
        let scopes: Vec<&str> = self.scopes.iter().map(|scope| scope.as_str()).collect();
        let ends = self.expires_at.as_deref().unwrap_or("never");
        let used = self.last_used_at.as_deref().unwrap_or("never");
        format!(
            "{}  {}  scopes {}  ends {ends}  used {used}",
            self.id,
            self.name,
            scopes.join(",")
        )
    }
}

/// A new token, with the one copy of its secret.
#[derive(Serialize)]
pub(super) struct CreatedView<'a> {
    #[serde(flatten)]
    info: TokenView,
    token: &'a str,
}

impl<'a> CreatedView<'a> {
    pub(super) fn new(info: &ApiTokenInfo, token: &'a SecretText) -> Self {
        Self {
            info: TokenView::new(info),
            token: token.expose(),
        }
    }

    pub(super) const fn token(&self) -> &'a str {
        self.token
    }
}
