//! Server-side sessions.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::entity::{Epoch, SubjectState};
use crate::factor::FactorKind;
use crate::id::{SessionId, TenantId, UserId};
use crate::secret::TokenDigest;
use crate::text::is_deceptive;
use crate::time::Timestamp;

/// How sure we are of who it is (SP 800-63B-4 section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssuranceLevel {
    /// One factor.
    Aal1,
    /// Two factors of different kinds.
    Aal2,
}

/// How and when somebody proved themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assurance {
    /// The level reached.
    pub level: AssuranceLevel,
    /// What was proved.
    pub factors: Vec<FactorKind>,
    /// When it was last proved.
    pub at: Timestamp,
}

/// Where a session was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// The `User-Agent`, cleaned and bounded.
    pub user_agent: Option<String>,
}

/// A session as stored. The secret itself is with the browser only.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its id, the public half of the token.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// In which tenant.
    pub tenant: TenantId,
    /// The epoch that was read together with the verified factor.
    pub epoch: Epoch,
    /// Keyed hash of the token.
    pub digest: TokenDigest,
    /// How its owner proved themselves.
    pub assurance: Assurance,
    /// When it was opened.
    pub created_at: Timestamp,
    /// Last use, to the minute.
    pub seen_at: Timestamp,
    /// Over when unused until here.
    pub idle_deadline: Timestamp,
    /// Over here, used or not.
    pub absolute_deadline: Timestamp,
    /// Where it was opened.
    pub device: Device,
    /// What its owner calls it, as [`parse_name`] takes it.
    pub name: Option<String>,
    /// Who acts as its owner, where it is not the owner.
    pub actor: Option<UserId>,
    /// When it was ended; the row stays until its absolute deadline, so that its id is never used again.
    pub revoked_at: Option<Timestamp>,
}

impl Session {
    /// Whether it is neither ended nor past a deadline at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.idle_deadline && now < self.absolute_deadline
    }
}

/// The most characters of a session's name.
pub const NAME_MAX_CHARS: usize = 100;

/// A text that no session can be called by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("name must have at most {NAME_MAX_CHARS} printable characters")]
pub struct SessionNameError;

/// What an owner calls a session: trimmed, at most 100 characters, none of them deceptive. `None` for an empty one, which
/// takes the name away.
///
/// # Errors
/// [`SessionNameError`] for anything else.
pub fn parse_name(text: &str) -> Result<Option<String>, SessionNameError> {
    let name = text.trim();
    if name.chars().count() > NAME_MAX_CHARS || name.chars().any(is_deceptive) {
        return Err(SessionNameError);
    }
    Ok((!name.is_empty()).then(|| name.to_owned()))
}

/// A session with the state of its owner, from one read.
#[derive(Clone, Debug)]
pub struct ResolvedSession {
    /// The session.
    pub session: Session,
    /// Its owner's state.
    pub subject: SubjectState,
}

/// A later last use of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionTouch {
    /// Which session.
    pub id: SessionId,
    /// Last use.
    pub seen_at: Timestamp,
    /// The idle deadline that follows; stores never move it past the absolute one.
    pub idle_deadline: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_and_bounded_and_an_empty_one_is_none() {
        assert_eq!(
            parse_name("  Zoë's phone ").unwrap().unwrap(),
            "Zoë's phone"
        );
        for none in ["", "   ", "\t\n"] {
            assert_eq!(parse_name(none), Ok(None));
        }
        let longest = "é".repeat(NAME_MAX_CHARS);
        assert_eq!(parse_name(&longest), Ok(Some(longest.clone())));
        for bad in [
            format!("{longest}x"),
            "a\nb".into(),
            "a\0".into(),
            "\u{202e}a".into(),
        ] {
            assert_eq!(parse_name(&bad), Err(SessionNameError), "{bad:?}");
        }
    }
}
