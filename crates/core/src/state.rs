//! The life of a person's account or a tenant.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Where an account or tenant stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntityState {
    /// Known, not yet signed up.
    Candidate,
    /// Signed up, nothing proved yet.
    Pending,
    /// In use.
    Active,
    /// Switched off, for a while or until somebody switches it on.
    Suspended,
    /// Closed for good.
    Terminated,
    /// Closed, and its personal data gone.
    Archived,
}

impl EntityState {
    /// Every state.
    pub const ALL: [Self; 6] = [
        Self::Candidate,
        Self::Pending,
        Self::Active,
        Self::Suspended,
        Self::Terminated,
        Self::Archived,
    ];

    /// The stored spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Candidate => "candidate",
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Terminated => "terminated",
            Self::Archived => "archived",
        }
    }

    /// The state of a stored spelling.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether the table of transitions has the step from `self` to `to`.
    #[must_use]
    pub const fn may_become(self, to: Self) -> bool {
        matches!(
            (self, to),
            (
                Self::Candidate,
                Self::Pending | Self::Active | Self::Terminated
            ) | (
                Self::Pending,
                Self::Active | Self::Suspended | Self::Terminated
            ) | (Self::Active, Self::Suspended | Self::Terminated)
                | (
                    Self::Suspended,
                    Self::Active | Self::Suspended | Self::Terminated
                )
                | (Self::Terminated, Self::Archived)
        )
    }

    /// The states from which `to` can be reached in one step, for a store's predicate.
    pub fn sources_of(to: Self) -> impl Iterator<Item = Self> {
        Self::ALL
            .into_iter()
            .filter(move |from| from.may_become(to))
    }
}

/// Why a state holds, since when and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusDetail {
    /// For operators; at most 500 bytes.
    pub reason: Option<String>,
    /// When the state began.
    pub since: Timestamp,
    /// When a suspension ends by itself; `None` where somebody has to end it.
    pub until: Option<Timestamp>,
}

/// A state with its detail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The state as last set.
    pub state: EntityState,
    /// Why, since when, until when.
    pub detail: StatusDetail,
}

impl Status {
    /// A state that begins `since`, without reason or end.
    #[must_use]
    pub const fn new(state: EntityState, since: Timestamp) -> Self {
        Self {
            state,
            detail: StatusDetail {
                reason: None,
                since,
                until: None,
            },
        }
    }

    /// The state that holds at `now`: a suspension whose end has come is active again.
    #[must_use]
    pub fn effective_at(&self, now: Timestamp) -> EntityState {
        match (self.state, self.detail.until) {
            (EntityState::Suspended, Some(until)) if until <= now => EntityState::Active,
            (state, _) => state,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_suspension_ends_at_its_end_and_not_before() {
        let end = Timestamp::from_secs(100);
        let mut status = Status::new(EntityState::Suspended, Timestamp::from_secs(10));
        status.detail.until = Some(end);
        assert_eq!(
            status.effective_at(end.minus(Duration::from_micros(1))),
            EntityState::Suspended
        );
        assert_eq!(status.effective_at(end), EntityState::Active);
    }

    #[test]
    fn nothing_comes_back_from_terminated() {
        for to in EntityState::ALL {
            assert_eq!(
                EntityState::Terminated.may_become(to),
                to == EntityState::Archived
            );
            assert!(!EntityState::Archived.may_become(to));
        }
    }

    #[test]
    fn stored_spellings_read_back() {
        for state in EntityState::ALL {
            assert_eq!(EntityState::from_stored(state.as_str()), Some(state));
        }
    }
}
