//! The mail outbox. Filling it travels with other writes, see [`companions`](super::companions).

use async_trait::async_trait;
use portcullis_core::along::Refusal;
use portcullis_core::error::StoreError;
use portcullis_core::id::{ClaimId, MailId, TenantId};
use portcullis_core::mail::{ClaimedMail, MailTemplate, OutboxMail};
use portcullis_core::store::OutboxStore;
use portcullis_core::time::Timestamp;

use super::SqlStore;
use crate::columns::Columns;
use crate::driver::Driver;
use crate::script::{Expect, Script, Step};
use crate::value::values;

/// The end of the lease becomes the time from which the mail is due again. What is due stands before the update, so that
/// it is looked for once: a planner may look again for what stands inside, and claim more than the limit.
const CLAIM: &str = "WITH due AS (SELECT id FROM outbox WHERE due_at <= ? \
     ORDER BY created_at, id LIMIT ? /*! FOR UPDATE SKIP LOCKED */) \
     UPDATE outbox SET claim = ?, due_at = ?, attempts = min(attempts + 1, 4294967295) \
     WHERE id IN (SELECT id FROM due) \
     RETURNING id, tenant_id, recipient, template, params, params_key_version, created_at, claim, attempts";
const DONE: &str = "DELETE FROM outbox WHERE id = ? AND claim = ?";
const FAILED: &str = "UPDATE outbox SET claim = NULL, due_at = ? WHERE id = ? AND claim = ?";

const CLAIMED: &str = "claim mails";

fn claimed(columns: &mut Columns<'_>) -> Result<ClaimedMail, StoreError> {
    columns.of("outbox");
    Ok(ClaimedMail {
        mail: OutboxMail {
            id: columns.id("id", MailId::from_bytes)?,
            tenant: columns.id("tenant_id", TenantId::from_bytes)?,
            to: columns.text("recipient")?,
            template: columns.spelled("template", MailTemplate::from_stored)?,
            params: columns.sealed("params", "params_key_version")?,
            created_at: columns.time("created_at")?,
        },
        claim: columns.id("claim", ClaimId::from_bytes)?,
        attempts: columns.number("attempts")?,
    })
}

#[async_trait]
impl<D: Driver> OutboxStore for SqlStore<D> {
    async fn claim_mail(
        &self,
        claim: ClaimId,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClaimedMail>, StoreError> {
        let step = Step::new(CLAIMED, CLAIM, values![now, limit, claim, lease_until]);
        let done = self
            .driver
            .done(Script::of(step.expect(Expect::Rows)))
            .await?;
        let mut mails = Vec::new();
        for row in done.rows(CLAIMED) {
            mails.push(claimed(&mut Columns::new(row))?);
        }
        // Changed rows come back in any order.
        mails.sort_unstable_by_key(|claimed| (claimed.mail.created_at, claimed.mail.id));
        Ok(mails)
    }

    async fn mail_done(&self, mail: MailId, claim: ClaimId) -> Result<bool, StoreError> {
        let step = Step::new("remove the mail", DONE, values![mail, claim]);
        let script = Script::of(step.one_or(Refusal::NotFound));
        Ok(self.driver.change(script).await?.is_some())
    }

    async fn mail_failed(
        &self,
        mail: MailId,
        claim: ClaimId,
        retry_at: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        let step = Step::new("give the mail back", FAILED, values![retry_at, mail, claim]);
        let script = Script::of(step.one_or(Refusal::NotFound));
        Ok(self.driver.change(script).await?.is_some())
    }
}
