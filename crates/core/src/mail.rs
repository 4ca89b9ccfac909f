//! Mail: what is queued, what a worker claims, and who delivers it.

use std::error::Error;
use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::id::{ClaimId, MailId, TenantId, UserId};
use crate::secret::{Sealed, SecretText};
use crate::time::Timestamp;

/// Which mail it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MailTemplate {
    /// The link that proves an address after sign-up.
    VerifyEmail,
    /// Somebody tried to sign up with an address that has an account.
    AlreadyRegistered,
    /// The link that signs in.
    MagicLink,
    /// The code that signs in.
    EmailCode,
    /// The link that proves the new address of an account.
    EmailChange,
    /// Somebody asked to change the address of the account; to the address it has.
    EmailChangeRequested,
    /// The address of the account was changed; to the one it had.
    EmailChanged,
    /// Somebody wants the address for another account; to the account that has it.
    AddressTaken,
    /// The link that sets a new password.
    PasswordReset,
    /// The password was changed, or set anew with a link.
    PasswordChanged,
    /// The account was closed by its owner.
    AccountClosed,
}

impl MailTemplate {
    /// Every template.
    pub const ALL: [Self; 11] = [
        Self::VerifyEmail,
        Self::AlreadyRegistered,
        Self::MagicLink,
        Self::EmailCode,
        Self::EmailChange,
        Self::EmailChangeRequested,
        Self::EmailChanged,
        Self::AddressTaken,
        Self::PasswordReset,
        Self::PasswordChanged,
        Self::AccountClosed,
    ];

    /// The stored spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::AlreadyRegistered => "already_registered",
            Self::MagicLink => "magic_link",
            Self::EmailCode => "email_code",
            Self::EmailChange => "email_change",
            Self::EmailChangeRequested => "email_change_requested",
            Self::EmailChanged => "email_changed",
            Self::AddressTaken => "address_taken",
            Self::PasswordReset => "password_reset",
            Self::PasswordChanged => "password_changed",
            Self::AccountClosed => "account_closed",
        }
    }

    /// The template of a stored spelling.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|template| template.as_str() == text)
    }
}

/// A mail in the outbox. Its parameters are sealed: a stored row never contains a usable link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxMail {
    /// Its id, which also becomes its Message-ID, so that a repeated delivery can be recognised.
    pub id: MailId,
    /// In which tenant.
    pub tenant: TenantId,
    /// Whose account it is about, where it is about somebody's: it is erased with them, wherever it goes.
    pub user: Option<UserId>,
    /// The address it goes to, raw.
    pub to: String,
    /// Which mail.
    pub template: MailTemplate,
    /// What the template is filled with.
    pub params: Sealed,
    /// When it was queued.
    pub created_at: Timestamp,
}

/// A mail claimed by one worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedMail {
    /// The mail.
    pub mail: OutboxMail,
    /// Proof of the claim, for `done` and `fail`.
    pub claim: ClaimId,
    /// Claims so far, this one included.
    pub attempts: u32,
}

/// A mail in the outbox as an operator sees it: without its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingMail {
    /// Its id.
    pub id: MailId,
    /// The address it goes to, raw.
    pub to: String,
    /// Which mail.
    pub template: MailTemplate,
    /// When it was queued.
    pub created_at: Timestamp,
    /// Claims so far, or since an operator last had it tried again.
    pub attempts: u32,
    /// When a worker takes it next, or when the claim of the one that has it ends; `None` for a dead one.
    pub due_at: Option<Timestamp>,
}

/// Which mails of the outbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutboxFilter {
    /// All.
    #[default]
    All,
    /// Those that are not tried again.
    Dead,
}

/// Which mails are tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailRetry {
    /// One that no worker has, dead or not.
    One(MailId),
    /// All dead ones.
    Dead,
}

/// A mail ready to go out.
pub struct Mail {
    /// Its id.
    pub id: MailId,
    /// In which tenant.
    pub tenant: TenantId,
    /// Which mail.
    pub template: MailTemplate,
    /// When it was queued.
    pub queued_at: Timestamp,
    /// The address it goes to.
    pub to: String,
    /// The subject, one line.
    pub subject: String,
    /// The text; it may hold a usable link.
    pub text: SecretText,
    /// The same as HTML, where its template has it.
    pub html: Option<SecretText>,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mail({}, [redacted])", self.id)
    }
}

/// Delivery failed; the worker tries again later, unless that is of no use.
#[derive(Debug, thiserror::Error)]
#[error("the mail could not be delivered")]
pub struct MailError {
    permanent: bool,
    source: Box<dyn Error + Send + Sync>,
}

impl MailError {
    /// A failure with its cause.
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            permanent: false,
            source: source.into(),
        }
    }

    /// A failure that would come again every time, such as an address that the receiving server refuses for good: the
    /// mail is not tried again until an operator asks for it.
    pub fn permanent(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            permanent: true,
            source: source.into(),
        }
    }

    /// Whether trying again is of no use.
    #[must_use]
    pub const fn is_permanent(&self) -> bool {
        self.permanent
    }
}

/// Delivers mail. Called by the outbox worker only, never on the way of a request.
#[async_trait]
pub trait Mailer: fmt::Debug + Send + Sync + 'static {
    /// Delivers one mail, at least once: a mail may come again with the same id after a crash.
    async fn send(&self, mail: &Mail) -> Result<(), MailError>;
}
