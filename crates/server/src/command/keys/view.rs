//! Keys as `keys` commands print them: everything but the key.

use portcullis_tokens::jwt::JwtKeyInfo;
use portcullis_tokens::keys::{KeyInfo, Purpose};
use serde::Serialize;

/// The purpose of the keys that have a file of their own.
pub(super) const ACCESS_TOKENS: &str = "access_tokens";

/// Times are RFC 3339 in UTC. No field is ever left out.
#[derive(Debug, Serialize)]
pub(super) struct KeyView {
    purpose: &'static str,
    version: u32,
    state: State,
    created_at: String,
    retired_at: Option<String>,
    algorithm: Option<&'static str>,
    kid: Option<String>,
}

/// What a key still does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// Makes and verifies.
    Newest,
    /// Verifies.
    InUse,
    /// Nothing.
    Retired,
}

impl KeyView {
    pub(super) fn of_ring(purpose: Purpose, newest: u32, info: KeyInfo) -> Self {
        Self::new(purpose.as_str(), newest, info)
    }

    pub(super) fn of_access(newest: u32, info: JwtKeyInfo) -> Self {
        Self {
            algorithm: Some(info.algorithm.as_str()),
            kid: Some(info.kid),
            ..Self::new(ACCESS_TOKENS, newest, info.key)
        }
    }

    fn new(purpose: &'static str, newest: u32, info: KeyInfo) -> Self {
        let state = match info.retired_at {
            Some(_) => State::Retired,
            None if info.version == newest => State::Newest,
            None => State::InUse,
        };
        Self {
            purpose,
            version: info.version,
            state,
            created_at: info.created_at.to_string(),
            retired_at: info.retired_at.map(|at| at.to_string()),
            algorithm: None,
            kid: None,
        }
    }

    pub(super) fn is(&self, purpose: &str, version: u32) -> bool {
        self.purpose == purpose && self.version == version
    }

    pub(super) fn is_newest_of(&self, purpose: &str) -> bool {
        self.purpose == purpose && self.state == State::Newest
    }

    pub(super) fn line(&self) -> String {
        let mut line = format!(
            "{:<15}  {:>3}  made {}  ",
            self.purpose, self.version, self.created_at
        );
        match (self.state, &self.retired_at) {
            (State::Retired, Some(at)) => line.push_str(&format!("retired {at}")),
            (State::Newest, _) => line.push_str("newest"),
            _ => line.push_str("in use"),
        }
        if let (Some(algorithm), Some(kid)) = (self.algorithm, &self.kid) {
            line.push_str(&format!("  {algorithm} {kid}"));
        }
        line
    }
}
