//! What can go wrong inside a flow. Expected results are outcomes, never errors.

use std::error::Error;
use std::time::Duration;

use portcullis_core::backend::BackendError;
use portcullis_core::entropy::EntropyError;
use portcullis_core::error::StoreError;
use portcullis_tokens::password::HashError;
use portcullis_tokens::seal::SealError;

/// A flow could not decide. None of these is ever "no".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FlowError {
    /// The hash workers have no room; the answer is 503 with `Retry-After`.
    #[error("too busy to hash a password now")]
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
    /// A store fails, also by a corrupt row, or the source of randomness does; 503.
    #[error("a part this depends on is unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// Something that was sealed or made here cannot be read back, or must not happen; 500.
    #[error("internal error")]
    Internal(#[source] Box<dyn Error + Send + Sync>),
}

impl FlowError {
    pub(crate) fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }
}

impl From<StoreError> for FlowError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

impl From<EntropyError> for FlowError {
    fn from(error: EntropyError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

impl From<BackendError> for FlowError {
    fn from(error: BackendError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

/// Missing keys are an outage; anything else that cannot be opened was changed.
impl From<SealError> for FlowError {
    fn from(error: SealError) -> Self {
        match error {
            SealError::UnknownKey { .. } => Self::Unavailable(Box::new(error)),
            other => Self::Internal(Box::new(other)),
        }
    }
}

impl From<HashError> for FlowError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy { retry_after } => Self::Busy { retry_after },
            HashError::Entropy(error) => error.into(),
            // A key that is missing here may be there in a moment, or on another machine.
            HashError::UnknownPepper { .. } => Self::Unavailable(Box::new(error)),
            other => Self::Internal(Box::new(other)),
        }
    }
}
