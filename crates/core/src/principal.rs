//! Who is behind a request.

use serde::Serialize;

use crate::api_token::Scopes;
use crate::id::{ApiTokenId, RefreshFamilyId, SessionId, TenantId, UserId};
use crate::role::Roles;
use crate::rule::CLOCK_SKEW;
use crate::session::Assurance;
use crate::time::Timestamp;

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "type", content = "id", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Subject {
    /// A person.
    User(UserId),
}

/// Which credential they came with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "type", content = "id", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Via {
    /// A session.
    Session(SessionId),
    /// An API token.
    ApiToken(ApiTokenId),
    /// An access token of a refresh family.
    AccessToken(RefreshFamilyId),
    /// A password in the request itself (HTTP Basic).
    Basic,
    /// The word of a trusted proxy.
    TrustedProxy,
    /// A backend of the adopter's own.
    Other,
}

/// The one type that handlers see, human or machine.
///
/// It is made by backends after every factor passed, and by nothing else: it cannot be deserialised, so no request body
/// can claim to be one.
///
/// ```compile_fail
/// fn from_client<T: serde::de::DeserializeOwned>() {}
/// from_client::<portcullis_core::principal::Principal>();
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Principal {
    /// Who acts.
    pub subject: Subject,
    /// The name to show.
    pub handle: String,
    /// In which tenant.
    pub tenant: TenantId,
    /// Which credential they came with.
    pub via: Via,
    /// How and when they proved themselves.
    pub assurance: Assurance,
    /// What the credential is limited to; `None` for one that is not limited.
    pub scopes: Option<Scopes>,
    /// What operators have made of the subject; none for a credential that is limited to scopes.
    pub roles: Roles,
    /// Who acts in the subject's name, where it is somebody else.
    pub actor: Option<UserId>,
}

impl Principal {
    /// The person's id.
    #[must_use]
    pub const fn user(&self) -> UserId {
        match self.subject {
            Subject::User(user) => user,
        }
    }

    /// The session they came with, if it was one.
    #[must_use]
    pub const fn session(&self) -> Option<SessionId> {
        match self.via {
            Via::Session(id) => Some(id),
            _ => None,
        }
    }

    /// Whether a browser sends the credential by itself, so that what it changes must come from a page of ours.
    #[must_use]
    pub const fn is_ambient(&self) -> bool {
        matches!(self.via, Via::Session(_) | Via::Basic | Via::TrustedProxy)
    }

    /// Whether the credential may be used for `scope`: one without limits may be used for all.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes
            .as_ref()
            .is_none_or(|scopes| scopes.contains(scope))
    }

    /// Whether the subject has a role, by a credential that carries roles.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.contains(role)
    }

    /// Whether a person proved themselves within the last `within`. A program's token never counts as that, nor does a
    /// moment that is further ahead than clocks differ.
    #[must_use]
    pub fn is_fresh(&self, within: std::time::Duration, now: Timestamp) -> bool {
        let at = self.assurance.at;
        self.session().is_some() && now < at.plus(within) && at <= now.plus(CLOCK_SKEW)
    }
}
