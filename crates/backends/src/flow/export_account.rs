//! What is kept about one person, in one document: for themselves, or for an operator whom they asked.

mod document;

use portcullis_core::along::Along;
use portcullis_core::backend::RequestContext;
use portcullis_core::event::{AuthEvent, AuthEventType, EVENT_QUERY_CAP, EventQueryFilter};
use portcullis_core::factor::FactorKind;
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::principal::Principal;

pub use self::document::{
    AccountExport, ExportedAccount, ExportedApiToken, ExportedEvent, ExportedFactor,
    ExportedIdentifier, ExportedSession,
};
use crate::error::FlowError;
use crate::portcullis::Portcullis;

impl Portcullis {
    /// What is kept about the caller; `None` where they are gone from the directory. That the sign-in behind it is
    /// recent is the caller's to check (SECURITY SE-07).
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer, also where it cannot keep the event: nobody takes the document
    /// unseen.
    pub async fn export_account(
        &self,
        principal: &Principal,
        context: &RequestContext,
    ) -> Result<Option<AccountExport>, FlowError> {
        let (tenant, id) = (principal.tenant, principal.user());
        let Some(export) = self.export_of(tenant, id).await? else {
            return Ok(None);
        };
        let event = self.event(tenant, AuthEventType::AccountExported, &context.client)?;
        self.explain(Along::event(event.about(id).finish())).await?;
        Ok(Some(export))
    }

    /// The same for an operator.
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer.
    pub async fn admin_export_account(
        &self,
        tenant: TenantId,
        user: UserId,
    ) -> Result<Option<AccountExport>, FlowError> {
        let Some(export) = self.export_of(tenant, user).await? else {
            return Ok(None);
        };
        let kind = AuthEventType::AccountExported;
        self.explain(self.operator_event(tenant, user, kind, serde_json::Value::Null)?)
            .await?;
        Ok(Some(export))
    }

    async fn export_of(
        &self,
        tenant: TenantId,
        id: UserId,
    ) -> Result<Option<AccountExport>, FlowError> {
        let (stores, now) = (&self.0.stores, self.now());
        let Some(user) = stores.directory.user(tenant, id).await? else {
            return Ok(None);
        };
        let security = &stores.security;
        let account = security.account(tenant, id).await?;
        let sessions = stores.sessions.list_sessions(tenant, id, now).await?;
        let api_tokens = security.list_api_tokens(tenant, id, now).await?;
        let password = security.load_factor(tenant, id, FactorKind::Password);
        let password = password.await?.and_then(|loaded| loaded.factor);
        let events = self.events_about(tenant, id).await?;
        Ok(Some(AccountExport {
            exported_at: now.to_string(),
            user: id,
            tenant,
            created_at: user.created_at.to_string(),
            identifiers: ExportedIdentifier::all(&user, account.as_ref()),
            profile: user.profile,
            account: account.map(|account| ExportedAccount::new(account, now)),
            factors: password
                .map(|factor| ExportedFactor {
                    kind: factor.config.kind(),
                    changed_at: factor.changed_at.to_string(),
                })
                .into_iter()
                .collect(),
            sessions: sessions.into_iter().map(ExportedSession::new).collect(),
            api_tokens: api_tokens.into_iter().map(ExportedApiToken::new).collect(),
            events: events.map(|events| events.into_iter().map(ExportedEvent::new).collect()),
        }))
    }

    async fn events_about(
        &self,
        tenant: TenantId,
        user: UserId,
    ) -> Result<Option<Vec<AuthEvent>>, FlowError> {
        let Some(audit) = &self.0.stores.audit else {
            return Ok(None);
        };
        let filter = EventQueryFilter {
            user_id: Some(user),
            limit: EVENT_QUERY_CAP,
            ..EventQueryFilter::default()
        };
        Ok(Some(audit.audit_events(tenant, &filter).await?))
    }
}
