//! What somebody proves themselves with.

use serde::{Deserialize, Serialize};

use crate::entity::SubjectState;
use crate::secret::PasswordHash;
use crate::time::Timestamp;

/// The kinds of factor. More come with second factors; stores keep the spelling, so an older store keeps newer kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FactorKind {
    /// Something known: a password.
    Password,
    /// Something received: a link or a code that was sent to a proved address. One factor (AAL1) and never the second
    /// beside another that arrives by mail (SECURITY F9, MF-09).
    Email,
}

impl FactorKind {
    /// The stored spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Email => "email",
        }
    }
}

/// A factor's configuration, typed by kind. Stores keep it as versioned JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum FactorConfig {
    /// A password hash.
    Password(PasswordHash),
}

impl FactorConfig {
    /// Which kind it configures.
    #[must_use]
    pub const fn kind(&self) -> FactorKind {
        match self {
            Self::Password(_) => FactorKind::Password,
        }
    }
}

/// Counts the changes of one factor, from 1; the only way to change it is to name the version that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FactorVersion(pub u32);

/// A factor as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Factor {
    /// What it is.
    pub config: FactorConfig,
    /// Which version was read.
    pub version: FactorVersion,
    /// When it was last changed.
    pub changed_at: Timestamp,
}

/// A factor read together with its owner's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedFactor {
    /// The factor; `None` where the person has none of the kind.
    pub factor: Option<Factor>,
    /// The owner's state in the same read.
    pub subject: SubjectState,
}
