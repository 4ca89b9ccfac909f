//! What our routes answer, as JSON.

use std::fmt;

use portcullis_backends::flow::{
    AccountExport, ApiTokenInfo, Profile, ProfileIdentifier, SessionInfo,
};
use portcullis_core::api_token::{IpAllowlist, Scopes};
use portcullis_core::factor::FactorKind;
use portcullis_core::id::{ApiTokenId, SessionId, TenantId, UserId};
use portcullis_core::identifier::IdentifierKind;
use portcullis_core::principal::{Principal, Subject, Via};
use portcullis_core::role::Roles;
use portcullis_core::rule;
use portcullis_core::secret::SecretText;
use portcullis_core::session::AssuranceLevel;
use portcullis_core::time::Timestamp;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// A time as RFC 3339 in UTC.
#[derive(Debug)]
pub(crate) struct Rfc3339(pub(crate) Timestamp);

impl Serialize for Rfc3339 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// The answer to whoever asked for a mail, whatever there is behind the address.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Accepted {
    /// For people.
    message: &'static str,
}

impl Accepted {
    /// The only one there is (SECURITY TH-01).
    pub(crate) const MAIL: Self = Self {
        message: "If the address can be used, a mail is on its way. Open the link in it.",
    };
}

/// The answer to whoever asked for a code, whatever there is behind the address.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CodeSent {
    /// For people.
    message: &'static str,
    /// What the code works with, and nothing else does: keep it until the code is typed. A browser has it in a cookie.
    #[schema(value_type = String)]
    #[serde(serialize_with = "expose_one")]
    ticket: SecretText,
    /// How long both work, in seconds.
    expires_in: u64,
}

impl CodeSent {
    /// The same for everybody, bar the ticket (SECURITY TH-01).
    pub(crate) const fn new(ticket: SecretText, expires_in: u64) -> Self {
        Self {
            message: "If the address can be used, a mail is on its way. Type the code in it here.",
            ticket,
            expires_in,
        }
    }
}

/// Who is signed in, and how.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Caller {
    /// Their id.
    #[schema(value_type = String, format = "uuid")]
    user: UserId,
    /// Who acts: `type` is `user`, `id` theirs.
    #[schema(inline = false, value_type = Typed)]
    subject: Subject,
    /// The tenant they live in.
    #[schema(value_type = String, format = "uuid")]
    tenant: TenantId,
    /// The name to show.
    handle: String,
    /// With which credential: `type` is `session`, `api_token` or `other`, `id` its public id.
    #[schema(inline = false, value_type = Typed)]
    via: Via,
    /// How and when they proved themselves.
    #[schema(inline)]
    assurance: CallerAssurance,
    /// What the credential is limited to; null for one that is not limited.
    #[schema(value_type = Option<Vec<String>>)]
    scopes: Option<Scopes>,
    /// What operators have made of them; none for a credential that is limited to scopes.
    #[schema(value_type = Vec<String>)]
    roles: Roles,
    /// Who acts in their name, where it is somebody else.
    #[schema(value_type = Option<String>, format = "uuid")]
    actor: Option<UserId>,
}

/// A kind and an id.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the schema of what core serialises by itself")]
struct Typed {
    /// Which kind.
    r#type: String,
    /// Which one.
    #[schema(format = "uuid")]
    id: Option<String>,
}

/// How somebody proved themselves.
#[derive(Debug, Serialize, ToSchema)]
struct CallerAssurance {
    /// `aal1` for one factor, `aal2` for two of different kinds (SP 800-63B-4).
    #[schema(value_type = String)]
    level: AssuranceLevel,
    /// What was proved.
    #[schema(value_type = Vec<String>)]
    factors: Vec<FactorKind>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Rfc3339,
}

impl From<Principal> for Caller {
    fn from(principal: Principal) -> Self {
        Self {
            user: principal.user(),
            subject: principal.subject,
            tenant: principal.tenant,
            handle: principal.handle,
            via: principal.via,
            assurance: CallerAssurance {
                level: principal.assurance.level,
                factors: principal.assurance.factors,
                at: Rfc3339(principal.assurance.at),
            },
            scopes: principal.scopes,
            roles: principal.roles,
            actor: principal.actor,
        }
    }
}

/// A pair of tokens (RFC 6749 section 5.1). In cookies, the tokens themselves are not in the body.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tokens {
    /// A JWT for `Authorization: Bearer`.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "expose")]
    #[schema(value_type = Option<String>)]
    pub(crate) access_token: Option<SecretText>,
    /// `Bearer`.
    pub(crate) token_type: &'static str,
    /// How long the access token is good for, in seconds.
    pub(crate) expires_in: u64,
    /// For the next pair, once.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "expose")]
    #[schema(value_type = Option<String>)]
    pub(crate) refresh_token: Option<SecretText>,
    /// How long the refresh token is good for unused, in seconds.
    pub(crate) refresh_expires_in: u64,
    /// What the access token is limited to; null for one that is not limited.
    #[schema(value_type = Option<Vec<String>>)]
    pub(crate) scopes: Option<Scopes>,
}

/// Where tokens leave their wrapper into a body: they are their owner's, and shown once.
fn expose<S: Serializer>(token: &Option<SecretText>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(token.as_ref().map_or("", SecretText::expose))
}

fn expose_one<S: Serializer>(token: &SecretText, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(token.expose())
}

/// A person as they see themselves.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Person {
    /// Their id.
    #[schema(value_type = String, format = "uuid")]
    user: UserId,
    /// The tenant they live in.
    #[schema(value_type = String, format = "uuid")]
    tenant: TenantId,
    /// The name to show.
    handle: String,
    /// How they can be found.
    #[schema(inline)]
    identifiers: Vec<PersonIdentifier>,
    /// What else is known.
    #[schema(value_type = Object)]
    profile: serde_json::Value,
    /// When they were created.
    #[schema(value_type = String, format = DateTime)]
    created_at: Rfc3339,
    /// Last sign-in.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_sign_in: Option<Rfc3339>,
}

/// One way to find a person.
#[derive(Debug, Serialize, ToSchema)]
struct PersonIdentifier {
    /// `email` or `username`.
    #[schema(value_type = String)]
    kind: IdentifierKind,
    /// As they wrote it.
    value: String,
    /// Whether it is proved to be theirs.
    verified: bool,
}

impl From<Profile> for Person {
    fn from(profile: Profile) -> Self {
        let identifier = |found: ProfileIdentifier| PersonIdentifier {
            kind: found.kind,
            value: found.value,
            verified: found.verified,
        };
        Self {
            user: profile.user,
            tenant: profile.tenant,
            handle: profile.handle,
            identifiers: profile.identifiers.into_iter().map(identifier).collect(),
            profile: profile.profile,
            created_at: Rfc3339(profile.created_at),
            last_sign_in: profile.last_sign_in.map(Rfc3339),
        }
    }
}

/// What is kept about a person: identifiers, profile, account, factors, sessions, API tokens and the newest events.
#[derive(Debug, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object)]
pub(crate) struct Export(pub(crate) AccountExport);

/// A person's live sessions, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Sessions {
    /// Them.
    sessions: Vec<Session>,
}

/// A session as its owner sees it; never a secret.
#[derive(Debug, Serialize, ToSchema)]
struct Session {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    id: SessionId,
    /// Whether it is the one that asks.
    current: bool,
    /// When it was opened.
    #[schema(value_type = String, format = DateTime)]
    created_at: Rfc3339,
    /// Last use, to the minute.
    #[schema(value_type = String, format = DateTime)]
    seen_at: Rfc3339,
    /// Over when unused until here.
    #[schema(value_type = String, format = DateTime)]
    idle_deadline: Rfc3339,
    /// Over here, used or not.
    #[schema(value_type = String, format = DateTime)]
    absolute_deadline: Rfc3339,
    /// What its owner calls it.
    name: Option<String>,
    /// Browser and system in a few words, such as `Firefox on Linux`.
    device: String,
    /// The address it was opened from.
    #[schema(value_type = Option<String>)]
    ip: Option<std::net::IpAddr>,
    /// The browser it was opened in.
    user_agent: Option<String>,
}

impl From<Vec<SessionInfo>> for Sessions {
    fn from(found: Vec<SessionInfo>) -> Self {
        let session = |info: SessionInfo| Session {
            id: info.id,
            current: info.current,
            created_at: Rfc3339(info.created_at),
            seen_at: Rfc3339(info.seen_at),
            idle_deadline: Rfc3339(info.idle_deadline),
            absolute_deadline: Rfc3339(info.absolute_deadline),
            name: info.name,
            device: rule::device::label(info.device.user_agent.as_deref()),
            ip: info.device.ip,
            user_agent: info.device.user_agent,
        };
        Self {
            sessions: found.into_iter().map(session).collect(),
        }
    }
}

/// A person's live API tokens, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApiTokens {
    /// Them.
    api_tokens: Vec<ApiToken>,
}

/// An API token as its owner sees it; never the token itself.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApiToken {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    id: ApiTokenId,
    /// What its owner calls it.
    name: String,
    /// What it may do.
    #[schema(value_type = Vec<String>)]
    scopes: Scopes,
    /// Where it may be used from; empty allows all.
    #[schema(value_type = Vec<String>)]
    ip_allowlist: IpAllowlist,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Rfc3339,
    /// When it ends; null for never.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Rfc3339>,
    /// Last use, to the minute.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Rfc3339>,
}

impl From<ApiTokenInfo> for ApiToken {
    fn from(info: ApiTokenInfo) -> Self {
        Self {
            id: info.id,
            name: info.name,
            scopes: info.scopes,
            ip_allowlist: info.ip_allowlist,
            created_at: Rfc3339(info.created_at),
            expires_at: info.expires_at.map(Rfc3339),
            last_used_at: info.last_used_at.map(Rfc3339),
        }
    }
}

impl From<Vec<ApiTokenInfo>> for ApiTokens {
    fn from(found: Vec<ApiTokenInfo>) -> Self {
        Self {
            api_tokens: found.into_iter().map(ApiToken::from).collect(),
        }
    }
}

/// A new API token. The token itself is shown here and never again.
#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedApiToken {
    /// The token itself.
    token: String,
    /// What is stored of it.
    #[serde(flatten)]
    info: ApiToken,
}

impl CreatedApiToken {
    pub(crate) fn new(token: &SecretText, info: ApiTokenInfo) -> Self {
        Self {
            token: token.expose().to_owned(),
            info: info.into(),
        }
    }
}

impl fmt::Debug for CreatedApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CreatedApiToken({:?})", self.info.id)
    }
}

/// How many were ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Revoked {
    /// So many.
    pub(crate) revoked: u64,
}

/// An address that is proved.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Verified {
    /// Whose.
    #[schema(value_type = String, format = "uuid")]
    pub(crate) user: UserId,
}

/// A link that would set a new password.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ResetLinkWorks {
    /// Before this moment.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) expires_at: Rfc3339,
}

/// Whether the service runs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `live` or `ready`.
    pub(crate) status: &'static str,
}
