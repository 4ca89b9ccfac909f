//! What the security family keeps of tenants, and the marker of the keys that the database belongs to.

use portcullis_core::along::{Along, Refusal};
use portcullis_core::entity::TenantSecurity;
use portcullis_core::error::StoreError;
use portcullis_core::id::TenantId;
use portcullis_core::policy::PolicyOverrides;
use portcullis_core::store::WriteResult;

use super::companions::accompanied;
use super::subject::{effective_state, sources, state, status};
use crate::columns::{Columns, Row};
use crate::driver::Driver;
use crate::script::{Script, Step};
use crate::value::{Value, values};

const SECURITY: &str = "SELECT tenant_id, state, state_reason, state_since, state_until, policy \
     FROM tenant_security WHERE tenant_id = ?";

pub(super) fn tenant_security(columns: &mut Columns<'_>) -> Result<TenantSecurity, StoreError> {
    columns.of("tenant_security");
    Ok(TenantSecurity {
        tenant: columns.id("tenant_id", TenantId::from_bytes)?,
        status: status(columns)?,
        policy: columns.json("policy")?,
    })
}

pub(super) async fn security<D: Driver>(
    driver: &D,
    tenant: TenantId,
) -> Result<Option<TenantSecurity>, StoreError> {
    driver.one(SECURITY, values![tenant], tenant_security).await
}

/// What the policy says about where people may come from, once more by itself: it is read with every credential, and the
/// rest of the policy is not.
fn networks(policy: &PolicyOverrides) -> Result<Value, StoreError> {
    let ip = policy.ip();
    if ip.is_empty() {
        return Ok(Value::Null);
    }
    Value::json(&ip)
}

const INSERT: &str = "INSERT INTO tenant_security \
     (tenant_id, state, state_reason, state_since, state_until, policy, networks) \
     VALUES (?, ?, ?, ?, ?, ?, ?)";

pub(super) fn security_step(
    tenant: TenantId,
    security: &TenantSecurity,
) -> Result<Step, StoreError> {
    let status = &security.status;
    let values = values![
        tenant,
        status.state.as_str(),
        status.detail.reason.as_deref(),
        status.detail.since,
        status.detail.until,
        Value::json(&security.policy)?,
        networks(&security.policy)?,
    ];
    Ok(Step::new("insert the tenant's security", INSERT, values).if_taken(Refusal::Exists))
}

/// The same state again is no transition.
const SET: &str = concat!(
    "UPDATE tenant_security \
     SET state = ?, state_reason = ?, state_since = ?, state_until = ?, policy = ?, networks = ? \
     WHERE tenant_id = ? AND (state = ? OR ",
    effective_state!(),
    " IN (?, ?, ?, ?, ?, ?))"
);

const STATE: &str = concat!(
    "SELECT ",
    effective_state!(),
    " FROM tenant_security WHERE tenant_id = ?"
);

fn transition(rows: &[Row]) -> Result<Refusal, StoreError> {
    let Some(row) = rows.first() else {
        return Ok(Refusal::NotFound);
    };
    let from = state(Columns::new(row).of("tenant_security"))?;
    Ok(Refusal::Transition { from })
}

pub(super) async fn set_security<D: Driver>(
    driver: &D,
    security: &TenantSecurity,
    along: Along,
) -> WriteResult<()> {
    let TenantSecurity {
        tenant,
        status,
        policy,
    } = security;
    let now = status.detail.since;
    let to = status.state.as_str();
    let mut values = values![
        to,
        status.detail.reason.as_deref(),
        now,
        status.detail.until,
        Value::json(policy)?,
        networks(policy)?,
        *tenant,
        to,
        now,
    ];
    values.extend(sources(status.state));
    let step = Step::new("set the tenant's security", SET, values).one_or_why(
        STATE,
        values![now, *tenant],
        transition,
    );
    let script = accompanied(along, |script| {
        script.step(step);
        Ok(())
    })?;
    Ok(driver.write(script).await?.map(drop))
}

const MARKER: &str = "SELECT marker FROM key_marker WHERE id = 1";

fn marker(columns: &mut Columns<'_>) -> Result<String, StoreError> {
    columns.of("key_marker").text("marker")
}

pub(super) async fn key_marker<D: Driver>(driver: &D) -> Result<Option<String>, StoreError> {
    driver.one(MARKER, Vec::new(), marker).await
}

const FIRST_MARKER: &str = "INSERT INTO key_marker (id, marker) VALUES (1, ?)";
const NEXT_MARKER: &str = "UPDATE key_marker SET marker = ? WHERE id = 1 AND marker = ?";

pub(super) async fn set_key_marker<D: Driver>(
    driver: &D,
    expected: Option<&str>,
    marker: &str,
) -> Result<bool, StoreError> {
    let step = match expected {
        None => Step::new("set the first marker", FIRST_MARKER, values![marker]),
        Some(expected) => Step::new("set the marker", NEXT_MARKER, values![marker, expected]),
    };
    let step = step.one_or(Refusal::Stale).if_taken(Refusal::Exists);
    Ok(driver.change(Script::of(step)).await?.is_some())
}
