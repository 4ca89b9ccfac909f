//! What must happen together travels together.
//!
//! A write of the security family takes its companions as data. The store commits effect and companions as one or not
//! at all, so a failed effect never burns a token and no change goes unexplained.

use crate::event::AuthEvent;
use crate::id::{TenantId, UserId, VerificationTokenId};
use crate::mail::OutboxMail;
use crate::state::EntityState;
use crate::store::AttemptKey;
use crate::time::Timestamp;
use crate::verification::{TokenKind, TokenRejection, VerificationToken};

/// The companions of a write.
#[derive(Clone, Debug, Default)]
pub struct Along {
    /// The audit events that explain it.
    pub events: Vec<AuthEvent>,
    /// The mail it sends.
    pub mail: Vec<OutboxMail>,
    /// The one-time token it uses up.
    pub spend: Option<Spend>,
    /// The one-time token it makes. Live tokens of the same kind and owner are superseded in the same write, and so are
    /// those without an owner that went to the same address. Whoever it belongs to must have an account that is not
    /// archived: the write is refused with `NotFound` otherwise, so that nobody who is erased meanwhile is sent a link.
    pub issue: Option<VerificationToken>,
    /// The person whose epoch it moves.
    pub bump_epoch: Option<(TenantId, UserId)>,
    /// The counts of failures it sets back to zero.
    pub forgive: Vec<AttemptKey>,
    /// Whose password of before it keeps among the earlier ones. Only for a store with
    /// [`PasswordHistory`](crate::store::PasswordHistory).
    pub remember: Option<Remember>,
}

impl Along {
    /// Nothing but one event.
    #[must_use]
    pub fn event(event: AuthEvent) -> Self {
        Self {
            events: vec![event],
            ..Self::default()
        }
    }

    /// Nothing but some events.
    #[must_use]
    pub fn events(events: impl IntoIterator<Item = AuthEvent>) -> Self {
        Self {
            events: events.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Sends this mail too.
    #[must_use]
    pub fn with_mail(mut self, mail: OutboxMail) -> Self {
        self.mail.push(mail);
        self
    }

    /// Uses this token up too.
    #[must_use]
    pub fn with_spend(mut self, spend: Spend) -> Self {
        self.spend = Some(spend);
        self
    }

    /// Makes this token too.
    #[must_use]
    pub fn with_issue(mut self, token: VerificationToken) -> Self {
        self.issue = Some(token);
        self
    }

    /// Moves the epoch of this person too.
    #[must_use]
    pub fn with_epoch_of(mut self, tenant: TenantId, user: UserId) -> Self {
        self.bump_epoch = Some((tenant, user));
        self
    }

    /// Keeps the password of before too.
    #[must_use]
    pub fn with_remembered(mut self, remember: Remember) -> Self {
        self.remember = Some(remember);
        self
    }

    /// Forgets these failures too.
    #[must_use]
    pub fn with_forgiven(mut self, counts: impl IntoIterator<Item = AttemptKey>) -> Self {
        self.forgive.extend(counts);
        self
    }
}

/// The password of somebody, as it stands before the effect, joins their earlier ones: what the write replaces, and
/// nothing where they have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remember {
    /// In which tenant.
    pub tenant: TenantId,
    /// Whose.
    pub user: UserId,
    /// How many earlier passwords are kept from then on, the newest; older ones are removed.
    pub keep: u32,
}

/// A one-time token to use up. The caller has compared the secret half already; the store checks everything that can
/// change, inside the write: kind, not consumed, not superseded, not expired, owner's epoch unmoved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spend {
    /// In which tenant.
    pub tenant: TenantId,
    /// Which token.
    pub id: VerificationTokenId,
    /// What it must be for.
    pub kind: TokenKind,
    /// The present moment.
    pub now: Timestamp,
}

/// How a write ended that can be refused by what it finds. A refused write commits nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Write<T> {
    /// Effect and companions are committed.
    Applied(T),
    /// Nothing is.
    Refused(Refusal),
}

impl<T> Write<T> {
    /// The value where it was applied.
    pub fn applied(self) -> Option<T> {
        match self {
            Self::Applied(value) => Some(value),
            Self::Refused(_) => None,
        }
    }

    /// The reason where it was refused.
    #[must_use]
    pub const fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Applied(_) => None,
            Self::Refused(refusal) => Some(refusal),
        }
    }

    /// The same end with another value.
    pub fn map<U>(self, with: impl FnOnce(T) -> U) -> Write<U> {
        match self {
            Self::Applied(value) => Write::Applied(with(value)),
            Self::Refused(refusal) => Write::Refused(refusal),
        }
    }
}

/// Why a write was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// No such row in this tenant; a row of another tenant looks the same.
    #[error("not found")]
    NotFound,
    /// The one-time token in [`Along::spend`] does not work.
    #[error(transparent)]
    Token(TokenRejection),
    /// An identifier belongs to somebody else in the tenant.
    #[error("the identifier is taken")]
    IdentifierTaken,
    /// The row to insert is there already.
    #[error("it exists already")]
    Exists,
    /// The row changed since it was read.
    #[error("it changed since it was read")]
    Stale,
    /// The person has as many as allowed.
    #[error("no more than {limit} are allowed")]
    LimitReached {
        /// The cap.
        limit: u32,
    },
    /// The account's state has no such transition.
    #[error("the account is {} and cannot change to that", from.as_str())]
    Transition {
        /// The state found.
        from: EntityState,
    },
    /// The id is reserved for the system.
    #[error("the id is reserved for the system")]
    Reserved,
}
