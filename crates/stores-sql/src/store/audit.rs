//! Reading the audit log. Writing it travels with other writes, see [`companions`](super::companions); nothing here or
//! there changes or removes an event, and the schema refuses it.

use async_trait::async_trait;
use portcullis_core::error::StoreError;
use portcullis_core::event::{AuthEvent, AuthEventStatus, AuthEventType, EventQueryFilter, Reason};
use portcullis_core::id::{EventId, TenantId, UserId};
use portcullis_core::net::ClientInfo;
use portcullis_core::store::AuditQuery;
use portcullis_core::time::Timestamp;

use super::SqlStore;
use crate::columns::Columns;
use crate::driver::{Driver, each};
use crate::value::{Value, values};

/// The newest events of one scope, from one index and in its order, so that a long log costs no more than a short one.
macro_rules! newest {
    ($scope:literal) => {
        concat!(
            "SELECT * FROM (SELECT id, at, tenant_id, subject_id, actor_id, kind, status, reason, \
             ip, user_agent, request_id, detail FROM auth_events WHERE ",
            $scope,
            " AND (? = 0 OR kind = ?) AND (? = 0 OR status = ?) AND at >= ? AND (? = 0 OR at < ?) \
             ORDER BY at DESC, id DESC LIMIT ?) newest"
        )
    };
}

const OF_TENANT: &str = concat!(
    newest!("tenant_id = ?"),
    " UNION ALL ",
    newest!("tenant_id IS NULL AND ? = 1"),
    " ORDER BY at DESC, id DESC LIMIT ?"
);

const OF_SUBJECT: &str = concat!(
    newest!("tenant_id = ? AND subject_id = ?"),
    " UNION ALL ",
    newest!("tenant_id IS NULL AND ? = 1 AND subject_id = ?"),
    " ORDER BY at DESC, id DESC LIMIT ?"
);

fn event(columns: &mut Columns<'_>) -> Result<AuthEvent, StoreError> {
    columns.of("auth_events");
    Ok(AuthEvent {
        id: columns.id("id", EventId::from_bytes)?,
        at: columns.time("at")?,
        tenant: columns.optional_id("tenant_id", TenantId::from_bytes)?,
        subject: columns.optional_id("subject_id", UserId::from_bytes)?,
        actor: columns.optional_id("actor_id", UserId::from_bytes)?,
        kind: columns.spelled("kind", AuthEventType::from_stored)?,
        status: columns.spelled("status", AuthEventStatus::from_stored)?,
        reason: columns.optional_spelled("reason", Reason::from_stored)?,
        client: ClientInfo {
            ip: columns.optional_spelled("ip", |text| text.parse().ok())?,
            user_agent: columns.optional_text("user_agent")?,
            request_id: columns.optional_text("request_id")?,
            ..ClientInfo::default()
        },
        detail: columns.json("detail")?,
    })
}

/// The values of one scope that follow those of the scope itself.
fn conditions(filter: &EventQueryFilter) -> Vec<Value> {
    let earliest = Timestamp::from_micros(i64::MIN);
    values![
        filter.event_type.is_some(),
        filter.event_type.map(|kind| kind.as_str()),
        filter.status.is_some(),
        filter.status.map(|status| status.as_str()),
        filter.from.unwrap_or(earliest),
        filter.until.is_some(),
        filter.until,
        filter.effective_limit(),
    ]
}

#[async_trait]
impl<D: Driver> AuditQuery for SqlStore<D> {
    async fn audit_events(
        &self,
        tenant: TenantId,
        filter: &EventQueryFilter,
    ) -> Result<Vec<AuthEvent>, StoreError> {
        let subject = || filter.user_id.map(Value::from);
        let sql = match filter.user_id {
            Some(_) => OF_SUBJECT,
            None => OF_TENANT,
        };
        let mut values = values![tenant];
        values.extend(subject());
        values.extend(conditions(filter));
        values.push(filter.include_unscoped.into());
        values.extend(subject());
        values.extend(conditions(filter));
        values.push(filter.effective_limit().into());
        self.driver.many(sql, values, each!(event)).await
    }
}
