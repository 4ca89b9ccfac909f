//! Reading the audit log.

use std::cmp::Reverse;

use async_trait::async_trait;

use portcullis_core::error::StoreError;
use portcullis_core::event::{AuthEvent, EventQueryFilter};
use portcullis_core::id::TenantId;
use portcullis_core::store::AuditQuery;

use super::MemoryStore;

#[async_trait]
impl AuditQuery for MemoryStore {
    async fn audit_events(
        &self,
        tenant: TenantId,
        filter: &EventQueryFilter,
    ) -> Result<Vec<AuthEvent>, StoreError> {
        let limit = usize::try_from(filter.effective_limit()).unwrap_or(usize::MAX);
        self.read(|state| {
            let seen = state.events.rows();
            let mut seen: Vec<&AuthEvent> =
                seen.filter(|event| filter.matches(tenant, event)).collect();
            seen.sort_unstable_by_key(|event| Reverse((event.at, event.id)));
            seen.into_iter().take(limit).cloned().collect()
        })
    }
}
