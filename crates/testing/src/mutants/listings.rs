//! Lists in another order.

use async_trait::async_trait;
use portcullis_core::api_token::ApiToken;
use portcullis_core::error::StoreError;
use portcullis_core::event::{AuthEvent, EventQueryFilter};
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::session::Session;
use portcullis_core::store::{ApiTokenStore, AuditQuery, SessionStore};
use portcullis_core::time::Timestamp;

use super::mutant;
use crate::wrap::Around;

mutant! {
    /// Lists API tokens, sessions and audit events oldest first.
    ///
    /// Caught by [`api_tokens::live_tokens_are_listed_newest_first`][tokens],
    /// [`sessions::live_sessions_are_listed_newest_first`][sessions] and [`audit::events_come_newest_first`][events].
    ///
    /// [tokens]: crate::conformance::api_tokens::live_tokens_are_listed_newest_first
    /// [sessions]: crate::conformance::sessions::live_sessions_are_listed_newest_first
    /// [events]: crate::conformance::audit::events_come_newest_first
    NewestFirstForgotten {}
}

#[async_trait]
impl<S: ApiTokenStore + SessionStore + AuditQuery> Around for NewestFirstForgotten<S> {
    type Store = S;

    fn store(&self) -> &S {
        &self.store
    }

    async fn list_api_tokens(
        &self,
        tenant: TenantId,
        owner: UserId,
        now: Timestamp,
    ) -> Result<Vec<ApiToken>, StoreError> {
        let mut tokens = self.store.list_api_tokens(tenant, owner, now).await?;
        tokens.reverse();
        Ok(tokens)
    }

    async fn list_sessions(
        &self,
        tenant: TenantId,
        user: UserId,
        now: Timestamp,
    ) -> Result<Vec<Session>, StoreError> {
        let mut sessions = self.store.list_sessions(tenant, user, now).await?;
        sessions.reverse();
        Ok(sessions)
    }

    async fn audit_events(
        &self,
        tenant: TenantId,
        filter: &EventQueryFilter,
    ) -> Result<Vec<AuthEvent>, StoreError> {
        let mut events = self.store.audit_events(tenant, filter).await?;
        events.reverse();
        Ok(events)
    }
}
