//! What is bound to a statement and what a row gives back, the same on every engine.

use portcullis_core::error::{StoreError, StoreErrorKind};
use portcullis_core::id::{
    ApiTokenId, ClaimId, EventId, MailId, RefreshFamilyId, SessionId, TenantId, TicketId, UserId,
    VerificationTokenId,
};
use portcullis_core::time::Timestamp;
use serde::Serialize;

/// A value to bind, or one that came back. It has no `Debug`: digests, addresses and sealed bytes go through here.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    /// Integers, booleans and times in microseconds.
    Int(i64),
    Text(String),
    /// Ids, digests and sealed bytes.
    Blob(Vec<u8>),
}

impl Value {
    /// A value kept as JSON text.
    pub(crate) fn json(value: &impl Serialize) -> Result<Self, StoreError> {
        match serde_json::to_string(value) {
            Ok(text) => Ok(Self::Text(text)),
            Err(error) => Err(StoreError::new(StoreErrorKind::Corrupt).with_source(error)),
        }
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<Timestamp> for Value {
    fn from(value: Timestamp) -> Self {
        Self::Int(value.as_micros())
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::Text(value.clone())
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Blob(value.to_owned())
    }
}

impl<const N: usize> From<[u8; N]> for Value {
    fn from(value: [u8; N]) -> Self {
        Self::Blob(value.to_vec())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

macro_rules! ids {
    ($($id:ty),+) => {$(
        impl From<$id> for Value {
            fn from(id: $id) -> Self {
                Self::Blob(id.as_bytes().to_vec())
            }
        }
    )+};
}

ids!(
    ApiTokenId,
    ClaimId,
    EventId,
    MailId,
    RefreshFamilyId,
    SessionId,
    TenantId,
    TicketId,
    UserId,
    VerificationTokenId
);

/// The values of a statement, in the order of its `?`.
macro_rules! values {
    ($($value:expr),* $(,)?) => {
        vec![$($crate::value::Value::from($value)),*]
    };
}
pub(crate) use values;
