//! Single-use tokens that arrive by mail.

mod kind;

use serde::{Deserialize, Serialize};

use crate::entity::Epoch;
use crate::id::{TenantId, UserId, VerificationTokenId};
use crate::secret::{Sealed, TokenDigest};
use crate::time::Timestamp;

pub use kind::{KindName, KindNameError, TokenKind};

/// A verification token as stored. The secret itself is in the mail only.
#[derive(Clone, Debug)]
pub struct VerificationToken {
    /// Its id, the public half of the token.
    pub id: VerificationTokenId,
    /// What it is for.
    pub kind: TokenKind,
    /// In which tenant.
    pub tenant: TenantId,
    /// The address it was sent to, canonical: it proves this one and no other.
    pub email: String,
    /// Whose it is, where it belongs to somebody.
    pub user: Option<UserId>,
    /// The owner's epoch when it was made; a later epoch ends it.
    pub epoch: Option<Epoch>,
    /// What travels with it, sealed.
    pub payload: Option<Sealed>,
    /// Keyed hash of the token.
    pub digest: TokenDigest,
    /// When it was made.
    pub created_at: Timestamp,
    /// It works before this moment and not at it.
    pub expires_at: Timestamp,
    /// When it was used.
    pub consumed_at: Option<Timestamp>,
    /// When a newer one of its kind took its place.
    pub superseded_at: Option<Timestamp>,
}

impl VerificationToken {
    /// Whether the token can be used for `kind` at `now`, first reason first. The owner's epoch is checked by the
    /// store inside the write that spends it.
    ///
    /// # Errors
    /// The [`TokenRejection`] that applies first; none of them uses the token up.
    pub fn check(&self, kind: TokenKind, now: Timestamp) -> Result<(), TokenRejection> {
        if self.kind != kind {
            Err(TokenRejection::OtherKind)
        } else if self.consumed_at.is_some() {
            Err(TokenRejection::Consumed)
        } else if self.superseded_at.is_some() {
            Err(TokenRejection::Superseded)
        } else if self.expires_at <= now {
            Err(TokenRejection::Expired)
        } else {
            Ok(())
        }
    }
}

/// Why a token does not work, in the order in which it is found. For the audit log; clients see one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum TokenRejection {
    /// No such token, or the secret half is wrong.
    #[error("unknown token")]
    Unknown,
    /// It is for something else.
    #[error("a token of another kind")]
    OtherKind,
    /// It was used before.
    #[error("the token was used before")]
    Consumed,
    /// A newer one, or a change of the account, took its place.
    #[error("the token was superseded")]
    Superseded,
    /// It is past its end.
    #[error("the token has expired")]
    Expired,
}
