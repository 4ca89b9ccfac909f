//! What decides whether a credential still counts, read in the same statement as the credential.

use portcullis_core::entity::{Epoch, SubjectState};
use portcullis_core::error::StoreError;
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::state::{EntityState, Status, StatusDetail};

use crate::columns::Columns;
use crate::value::Value;

/// The columns that [`subject`] takes, of accounts as `a` and tenant_security as `t`.
macro_rules! subject_columns {
    () => {
        "a.user_id, a.tenant_id, a.handle, \
         a.state, a.state_reason, a.state_since, a.state_until, a.epoch, a.roles, \
         t.state, t.state_reason, t.state_since, t.state_until, t.networks"
    };
}
pub(super) use subject_columns;

pub(super) fn subject(columns: &mut Columns<'_>) -> Result<SubjectState, StoreError> {
    columns.of("accounts");
    Ok(SubjectState {
        user: columns.id("user_id", UserId::from_bytes)?,
        tenant: columns.id("tenant_id", TenantId::from_bytes)?,
        handle: columns.text("handle")?,
        user_status: status(columns)?,
        epoch: epoch(columns)?,
        roles: columns.json("roles")?,
        tenant_status: status(columns.of("tenant_security"))?,
        // Null for most tenants, and then nothing is read.
        ip: columns.optional_json("networks")?.unwrap_or_default(),
    })
}

pub(super) fn epoch(columns: &mut Columns<'_>) -> Result<Epoch, StoreError> {
    columns.number("epoch").map(Epoch)
}

/// Four columns: state, reason, since, until.
pub(super) fn status(columns: &mut Columns<'_>) -> Result<Status, StoreError> {
    Ok(Status {
        state: state(columns)?,
        detail: StatusDetail {
            reason: columns.optional_text("state_reason")?,
            since: columns.time("state_since")?,
            until: columns.optional_time("state_until")?,
        },
    })
}

pub(super) fn state(columns: &mut Columns<'_>) -> Result<EntityState, StoreError> {
    columns.spelled("state", EntityState::from_stored)
}

/// The state that holds at `?`: a suspension whose end has come is active again.
macro_rules! effective_state {
    () => {
        "CASE WHEN state = 'suspended' AND state_until <= ? THEN 'active' ELSE state END"
    };
}
pub(super) use effective_state;

/// The states from which `to` can be reached, for `IN (?, ?, ?, ?, ?, ?)`: as many places as there are states, those
/// left over null.
pub(super) fn sources(to: EntityState) -> impl Iterator<Item = Value> {
    EntityState::sources_of(to)
        .map(|from| Value::from(from.as_str()))
        .chain(std::iter::repeat(Value::Null))
        .take(EntityState::ALL.len())
}
