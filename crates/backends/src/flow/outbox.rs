//! What operators do about mail: look at what waits or is dead, and have it tried again.

use portcullis_core::along::{Along, Refusal, Write};
use portcullis_core::event::AuthEventType;
use portcullis_core::id::{MailId, TenantId, UserId};
use portcullis_core::mail::{MailRetry, OutboxFilter, WaitingMail};
use portcullis_core::net::ClientInfo;
use serde_json::json;

use crate::error::FlowError;
use crate::portcullis::Portcullis;

/// The most mails of one page.
const PAGE_MAX: u32 = 1000;

/// How having mail tried again ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailRetryOutcome {
    /// So many are due now.
    Due {
        /// How many.
        mails: u64,
    },
    /// No such mail, or a worker has it at this moment.
    NotFound,
}

impl Portcullis {
    /// Mails of a tenant that wait or are dead, by id, those after `after`, at most `limit` (1..=1000). What is in them
    /// stays sealed.
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer.
    pub async fn admin_outbox(
        &self,
        tenant: TenantId,
        filter: OutboxFilter,
        after: Option<MailId>,
        limit: u32,
    ) -> Result<Vec<WaitingMail>, FlowError> {
        let limit = limit.clamp(1, PAGE_MAX);
        let security = &self.0.stores.security;
        Ok(security.list_mail(tenant, filter, after, limit).await?)
    }

    /// Has mail tried again, now and as often as if it were new.
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer; then nothing is due that was not.
    pub async fn admin_retry_mail(
        &self,
        tenant: TenantId,
        retry: MailRetry,
    ) -> Result<MailRetryOutcome, FlowError> {
        let detail = match retry {
            MailRetry::One(id) => json!({ "mail": id }),
            MailRetry::Dead => json!({ "mail": "dead" }),
        };
        let event = self
            .event(tenant, AuthEventType::MailRetried, &ClientInfo::default())?
            .by(UserId::SYSTEM)
            .with(detail);
        let along = Along::event(event.finish());
        let security = &self.0.stores.security;
        match security
            .retry_mail(tenant, retry, self.now(), along)
            .await?
        {
            Write::Applied(mails) => {
                self.0.mail_queued.notify_one();
                Ok(MailRetryOutcome::Due { mails })
            }
            Write::Refused(Refusal::NotFound) => Ok(MailRetryOutcome::NotFound),
            Write::Refused(refusal) => Err(FlowError::internal(refusal)),
        }
    }
}
