//! Stored forms: JSON, and beside it bytes that JSON would blow up.
//!
//! A field that a later version adds must have a default, so that two versions can share a store.

use serde::Serialize;
use serde::de::DeserializeOwned;

use portcullis_core::error::{StoreError, StoreErrorKind};

pub(super) fn write(row: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(row)
        .map_err(|error| StoreError::new(StoreErrorKind::Corrupt).with_source(error))
}

pub(super) fn read<R: DeserializeOwned>(
    table: &'static str,
    bytes: &[u8],
) -> Result<R, StoreError> {
    serde_json::from_slice(bytes)
        .map_err(|error| StoreError::corrupt(table, "row").with_source(error))
}

/// The length of the JSON in four bytes, the JSON, the payload.
pub(super) fn write_with(row: &impl Serialize, payload: &[u8]) -> Result<Vec<u8>, StoreError> {
    let json = write(row)?;
    let length = u32::try_from(json.len())
        .map_err(|error| StoreError::new(StoreErrorKind::Corrupt).with_source(error))?;
    let mut bytes = Vec::with_capacity(4 + json.len() + payload.len());
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&json);
    bytes.extend_from_slice(payload);
    Ok(bytes)
}

pub(super) fn read_with<'a, R: DeserializeOwned>(
    table: &'static str,
    bytes: &'a [u8],
) -> Result<(R, &'a [u8]), StoreError> {
    let split = || {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        rest.split_at_checked(length)
    };
    let (json, payload) = split().ok_or_else(|| StoreError::corrupt(table, "row"))?;
    Ok((read(table, json)?, payload))
}
