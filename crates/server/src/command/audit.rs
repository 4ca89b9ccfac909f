//! `audit query`.

mod view;

use portcullis_core::event::{AuthEventStatus, AuthEventType, EventQueryFilter};

use self::view::EventView;
use super::operator::{Operator, failed};
use crate::cli::{Audit, AuditQuery};
use crate::failure::Failure;

pub(super) async fn run(asked: Audit, operator: &Operator) -> Result<(), Failure> {
    match asked {
        Audit::Query(asked) => query(asked, operator).await,
    }
}

async fn query(asked: AuditQuery, operator: &Operator) -> Result<(), Failure> {
    let user_id = match &asked.user {
        Some(who) => Some(operator.find(who).await?.user.id),
        None => None,
    };
    let filter = EventQueryFilter {
        user_id,
        event_type: asked.kind.as_deref().and_then(AuthEventType::from_stored),
        status: asked
            .status
            .as_deref()
            .and_then(AuthEventStatus::from_stored),
        from: asked.from.map(|moment| moment.0),
        until: asked.until.map(|moment| moment.0),
        limit: asked.limit,
        ..EventQueryFilter::default()
    };
    let read = operator
        .portcullis
        .admin_audit(operator.tenant, &filter)
        .await;
    let views: Vec<EventView> = read.map_err(failed)?.iter().map(EventView::new).collect();
    operator.format.print_all(&views, EventView::line)
}
