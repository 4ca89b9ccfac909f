//! The audit log: who did what to whom, from where, and how it ended.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{EventId, TenantId, UserId};
use crate::net::ClientInfo;
use crate::time::Timestamp;

macro_rules! spelled {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stored spelling.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The value of a stored spelling.
            #[must_use]
            pub fn from_stored(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

spelled! {
    /// What happened.
    AuthEventType {
        /// Somebody signed up.
        SignUp = "sign_up",
        /// A verification mail was asked for again.
        VerificationRequested = "verification_requested",
        /// An address was proved.
        EmailVerified = "email_verified",
        /// Somebody asked to put another address in the place of theirs.
        EmailChangeRequested = "email_change_requested",
        /// An address took the place of another, or somebody tried to make it.
        EmailChanged = "email_changed",
        /// A link to sign in with was asked for.
        MagicLinkRequested = "magic_link_requested",
        /// A code to sign in with was asked for.
        EmailCodeRequested = "email_code_requested",
        /// Somebody signed in, or tried to.
        SignIn = "sign_in",
        /// Somebody signed out.
        SignOut = "sign_out",
        /// One session was ended by its owner or an administrator.
        SessionRevoked = "session_revoked",
        /// A session was given a name by its owner, or lost it.
        SessionRenamed = "session_renamed",
        /// Several sessions were ended.
        SessionsRevoked = "sessions_revoked",
        /// An API token was made.
        ApiTokenCreated = "api_token_created",
        /// An API token was revoked.
        ApiTokenRevoked = "api_token_revoked",
        /// Every API token of a person was revoked.
        ApiTokensRevoked = "api_tokens_revoked",
        /// A pair of access and refresh token was issued.
        TokensIssued = "tokens_issued",
        /// A refresh token was exchanged for the next.
        TokensRefreshed = "tokens_refreshed",
        /// A spent refresh token came again; its family is ended.
        RefreshReuse = "refresh_reuse",
        /// A refresh family was ended by its owner.
        RefreshEnded = "refresh_ended",
        /// A credential that exists was refused.
        CredentialRejected = "credential_rejected",
        /// An authenticated caller was denied.
        AccessDenied = "access_denied",
        /// A link to set a new password was asked for.
        PasswordResetRequested = "password_reset_requested",
        /// A new password was set with a link, or somebody tried to.
        PasswordReset = "password_reset",
        /// The current password was given again in a session, or somebody tried to.
        PasswordConfirmed = "password_confirmed",
        /// A password was changed by its owner.
        PasswordChanged = "password_changed",
        /// A password hash was brought up to the current parameters.
        PasswordRehashed = "password_rehashed",
        /// A single-use token of an application's own kind was made.
        OneTimeTokenIssued = "one_time_token_issued",
        /// It was used up, or somebody tried to.
        OneTimeTokenRedeemed = "one_time_token_redeemed",
        /// An administrator opened an account.
        AccountOpened = "account_opened",
        /// An account's state was set.
        AccountStateChanged = "account_state_changed",
        /// The roles of a person were changed.
        RolesChanged = "roles_changed",
        /// What is kept about a person was given out.
        AccountExported = "account_exported",
        /// A closed account and what was kept about its owner were erased.
        AccountErased = "account_erased",
        /// A sign-up that nobody proved was removed.
        SignUpDiscarded = "sign_up_discarded",
        /// An operator ended what everybody was signed in with, or began to.
        EverythingEnded = "everything_ended",
        /// An administrator cleared an account's failures.
        AttemptsReset = "attempts_reset",
        /// An operator had mail tried again.
        MailRetried = "mail_retried",
        /// A tenant was created.
        TenantCreated = "tenant_created",
    }
}

spelled! {
    /// How it ended.
    AuthEventStatus {
        /// It was done.
        Success = "success",
        /// It was refused.
        Failure = "failure",
    }
}

spelled! {
    /// Why it was refused. For the log only: clients see one answer.
    Reason {
        /// Nobody has the identifier.
        UnknownIdentifier = "unknown_identifier",
        /// The text is no identifier.
        MalformedIdentifier = "malformed_identifier",
        /// The account has no password.
        NoPassword = "no_password",
        /// The password does not match.
        WrongPassword = "wrong_password",
        /// The account's address is not proved.
        Unverified = "unverified",
        /// The account is suspended.
        Suspended = "suspended",
        /// The account is closed.
        Terminated = "terminated",
        /// The tenant is not active.
        TenantInactive = "tenant_inactive",
        /// Too many failures before this one.
        LockedOut = "locked_out",
        /// The address already has an account.
        AlreadyRegistered = "already_registered",
        /// The security stamp moved since the credential was made.
        EpochMoved = "epoch_moved",
        /// Past its end.
        Expired = "expired",
        /// Ended before its end.
        Revoked = "revoked",
        /// No such credential.
        UnknownCredential = "unknown_credential",
        /// The text is no credential of ours.
        MalformedCredential = "malformed_credential",
        /// The secret half does not match.
        WrongSecret = "wrong_secret",
        /// The code does not match.
        WrongCode = "wrong_code",
        /// Asked again too soon.
        TooSoon = "too_soon",
        /// The credential may not be used from this address.
        AddressNotAllowed = "address_not_allowed",
        /// The token is for something else.
        OtherKind = "other_kind",
        /// The token was used before.
        Replayed = "replayed",
        /// A newer token took its place.
        Superseded = "superseded",
        /// The credential lacks the scope.
        MissingScope = "missing_scope",
        /// The person lacks the role.
        MissingRole = "missing_role",
        /// The sign-in is not recent enough.
        NotFresh = "not_fresh",
        /// The credential's class may not do this.
        CredentialClass = "credential_class",
        /// The person has as many as the policy allows.
        LimitReached = "limit_reached",
        /// The tenant's policy does not have it.
        SwitchedOff = "switched_off",
        /// The password breaks the tenant's rules.
        PasswordRules = "password_rules",
        /// The tenant's policy does not let the address sign up.
        SignUpNotAllowed = "sign_up_not_allowed",
        /// The password was set too short a time ago.
        ChangedRecently = "changed_recently",
    }
}

/// One entry of the audit log. Entries are only ever added; where a person is erased, those about them lose
/// [`AuthEvent::client`] and [`AuthEvent::detail`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthEvent {
    /// Its id, which sorts by time.
    pub id: EventId,
    /// When, in microseconds since the Unix epoch.
    pub at: Timestamp,
    /// In which tenant; `None` for the system itself.
    pub tenant: Option<TenantId>,
    /// Whom it is about.
    pub subject: Option<UserId>,
    /// Who did it, where it was not the subject.
    pub actor: Option<UserId>,
    /// What happened.
    pub kind: AuthEventType,
    /// How it ended.
    pub status: AuthEventStatus,
    /// Why it was refused.
    pub reason: Option<Reason>,
    /// From where.
    pub client: ClientInfo,
    /// What else belongs to it: a small JSON object without secrets, or null.
    pub detail: Value,
}

/// The most events one query returns.
pub const EVENT_QUERY_CAP: u32 = 1000;

/// Which events to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventQueryFilter {
    /// Only about this person.
    pub user_id: Option<UserId>,
    /// Only of this type.
    pub event_type: Option<AuthEventType>,
    /// Only with this end.
    pub status: Option<AuthEventStatus>,
    /// From here on.
    pub from: Option<Timestamp>,
    /// Up to and without here.
    pub until: Option<Timestamp>,
    /// With those that belong to no tenant.
    pub include_unscoped: bool,
    /// At most this many, newest first; 0 stands for [`EVENT_QUERY_CAP`], which is also the most.
    pub limit: u32,
}

impl Default for EventQueryFilter {
    fn default() -> Self {
        Self {
            user_id: None,
            event_type: None,
            status: None,
            from: None,
            until: None,
            include_unscoped: true,
            limit: 0,
        }
    }
}

impl EventQueryFilter {
    /// The limit that holds, between 1 and [`EVENT_QUERY_CAP`].
    #[must_use]
    pub const fn effective_limit(&self) -> u32 {
        if self.limit == 0 || self.limit > EVENT_QUERY_CAP {
            EVENT_QUERY_CAP
        } else {
            self.limit
        }
    }

    /// Whether the filter lets `event` through for a reader in `tenant`.
    #[must_use]
    pub fn matches(&self, tenant: TenantId, event: &AuthEvent) -> bool {
        let scoped = match event.tenant {
            Some(of) => of == tenant,
            None => self.include_unscoped,
        };
        scoped
            && self.user_id.is_none_or(|user| event.subject == Some(user))
            && self.event_type.is_none_or(|kind| event.kind == kind)
            && self.status.is_none_or(|status| event.status == status)
            && self.from.is_none_or(|from| from <= event.at)
            && self.until.is_none_or(|until| event.at < until)
    }
}
