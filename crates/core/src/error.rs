//! The one error of every store.

use std::error::Error;
use std::fmt;

/// What a failure means to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// A unique value is taken.
    Conflict,
    /// The row changed since it was read.
    Stale,
    /// The store cannot be reached or is overloaded; nothing was written.
    Unavailable,
    /// The fate of the write is unknown: it may have happened.
    Indeterminate,
    /// A stored row breaks its own rules.
    Corrupt,
}

impl StoreErrorKind {
    const fn sentence(self) -> &'static str {
        match self {
            Self::Conflict => "a unique value is taken",
            Self::Stale => "the row changed since it was read",
            Self::Unavailable => "the store is unavailable",
            Self::Indeterminate => "the store failed while committing; the write may have happened",
            Self::Corrupt => "a stored row is corrupt",
        }
    }
}

/// A store failed. "Not found" is never an error but `None`.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    place: Option<Place>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// Where a corrupt value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    table: &'static str,
    column: &'static str,
}

impl StoreError {
    /// A failure of the given kind.
    #[must_use]
    pub const fn new(kind: StoreErrorKind) -> Self {
        Self {
            kind,
            place: None,
            source: None,
        }
    }

    /// A corrupt value, located.
    #[must_use]
    pub const fn corrupt(table: &'static str, column: &'static str) -> Self {
        Self {
            kind: StoreErrorKind::Corrupt,
            place: Some(Place { table, column }),
            source: None,
        }
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What the failure means to the caller.
    #[must_use]
    pub const fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.sentence())?;
        match self.place {
            Some(Place { table, column }) => write!(f, ": {table}.{column}"),
            None => Ok(()),
        }
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source
            .as_ref()
            .map(|source| &**source as &(dyn Error + 'static))
    }
}
