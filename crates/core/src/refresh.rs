//! Refresh families: one sign-in that goes on as a chain of refresh tokens, each good for one use.

use crate::api_token::Scopes;
use crate::entity::{Epoch, SubjectState};
use crate::id::{RefreshFamilyId, TenantId, UserId};
use crate::secret::{Sealed, TokenDigest};
use crate::session::{Assurance, Device};
use crate::time::Timestamp;

/// Counts the tokens of a family, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u32);

/// The token before the current one, for callers whose answer got lost.
#[derive(Clone, Debug)]
pub struct SpentToken {
    /// Keyed hash of the spent token.
    pub digest: TokenDigest,
    /// When it was spent.
    pub spent_at: Timestamp,
    /// The token that took its place, sealed under a key derived from the spent token's plaintext: only whoever holds
    /// the one can have the other.
    pub successor: Sealed,
}

/// A family as stored: one row, whatever its length.
#[derive(Clone, Debug)]
pub struct RefreshFamily {
    /// Its id, the public half of every token of it.
    pub id: RefreshFamilyId,
    /// Whose it is.
    pub user: UserId,
    /// In which tenant.
    pub tenant: TenantId,
    /// The epoch that was read together with the verified factor.
    pub epoch: Epoch,
    /// What its access tokens are limited to; never widened by a refresh.
    pub scopes: Option<Scopes>,
    /// How its owner proved themselves.
    pub assurance: Assurance,
    /// Where it was opened.
    pub device: Device,
    /// When it was opened.
    pub created_at: Timestamp,
    /// Which token of the family is the current one.
    pub generation: Generation,
    /// Keyed hash of the current token.
    pub current: TokenDigest,
    /// The current token is over here when it was not used.
    pub idle_deadline: Timestamp,
    /// The family is over here, used or not.
    pub absolute_deadline: Timestamp,
    /// The token before the current one.
    pub spent: Option<SpentToken>,
    /// When it was ended; the row stays until its absolute deadline.
    pub ended_at: Option<Timestamp>,
}

impl RefreshFamily {
    /// Whether it is neither ended nor past its absolute deadline at `now`: its access tokens count for as long.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && now < self.absolute_deadline
    }
}

/// A family with the state of its owner, from one read.
#[derive(Clone, Debug)]
pub struct ResolvedFamily {
    /// The family.
    pub family: RefreshFamily,
    /// Its owner's state.
    pub subject: SubjectState,
}

/// The next token of a family.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// The generation that was read; the write is refused where it is no longer the current one.
    pub expected: Generation,
    /// Keyed hash of the new token.
    pub next: TokenDigest,
    /// The new token, sealed for whoever holds the spent one.
    pub successor: Sealed,
    /// The new token is over here when it is not used; stores never move it past the absolute deadline.
    pub idle_deadline: Timestamp,
    /// The present moment.
    pub now: Timestamp,
}
