//! The mail outbox. Filling it travels with other writes, see [`companions`](super::companions).

use async_trait::async_trait;
use portcullis_core::along::{Along, Refusal};
use portcullis_core::error::StoreError;
use portcullis_core::id::{ClaimId, MailId, TenantId, UserId};
use portcullis_core::mail::{
    ClaimedMail, MailRetry, MailTemplate, OutboxFilter, OutboxMail, WaitingMail,
};
use portcullis_core::store::{OutboxStore, WriteResult};
use portcullis_core::time::Timestamp;

use super::SqlStore;
use super::companions::accompanied;
use crate::columns::Columns;
use crate::driver::{Driver, each};
use crate::script::{Expect, Script, Step};
use crate::value::{Value, values};

/// The end of the lease becomes the time from which the mail is due again. What is due stands before the update, so that
/// it is looked for once: a planner may look again for what stands inside, and claim more than the limit.
const CLAIM: &str = "WITH due AS (SELECT id FROM outbox WHERE due_at <= ? \
     ORDER BY created_at, id LIMIT ? /*! FOR UPDATE SKIP LOCKED */) \
     UPDATE outbox SET claim = ?, due_at = ?, attempts = min(attempts + 1, 4294967295) \
     WHERE id IN (SELECT id FROM due) \
     RETURNING id, tenant_id, user_id, recipient, template, params, params_key_version, created_at, claim, attempts";
const DONE: &str = "DELETE FROM outbox WHERE id = ? AND claim = ?";
const FAILED: &str = "UPDATE outbox SET claim = NULL, due_at = ? WHERE id = ? AND claim = ?";

macro_rules! waiting {
    ($only:literal) => {
        concat!(
            "SELECT id, recipient, template, created_at, attempts, due_at FROM outbox \
             WHERE tenant_id = ? AND id > ?",
            $only,
            " ORDER BY id LIMIT ?"
        )
    };
}
const LIST: &str = waiting!("");
const LIST_DEAD: &str = waiting!(" AND due_at IS NULL");

/// Nobody has it.
macro_rules! retry {
    ($only:literal) => {
        concat!(
            "UPDATE outbox SET due_at = ?, attempts = 0 WHERE tenant_id = ? AND claim IS NULL AND ",
            $only
        )
    };
}
const RETRY_ONE: &str = retry!("id = ?");
const RETRY_DEAD: &str = retry!("due_at IS NULL");
const PURGE: &str = "DELETE FROM outbox WHERE due_at IS NULL AND created_at < ?";

const RETRIED: &str = "try the mail again";
const PURGED: &str = "purge dead mails";
const CLAIMED: &str = "claim mails";

fn claimed(columns: &mut Columns<'_>) -> Result<ClaimedMail, StoreError> {
    columns.of("outbox");
    Ok(ClaimedMail {
        mail: OutboxMail {
            id: columns.id("id", MailId::from_bytes)?,
            tenant: columns.id("tenant_id", TenantId::from_bytes)?,
            user: columns.optional_id("user_id", UserId::from_bytes)?,
            to: columns.text("recipient")?,
            template: columns.spelled("template", MailTemplate::from_stored)?,
            params: columns.sealed("params", "params_key_version")?,
            created_at: columns.time("created_at")?,
        },
        claim: columns.id("claim", ClaimId::from_bytes)?,
        attempts: columns.number("attempts")?,
    })
}

fn waiting(columns: &mut Columns<'_>) -> Result<WaitingMail, StoreError> {
    columns.of("outbox");
    Ok(WaitingMail {
        id: columns.id("id", MailId::from_bytes)?,
        to: columns.text("recipient")?,
        template: columns.spelled("template", MailTemplate::from_stored)?,
        created_at: columns.time("created_at")?,
        attempts: columns.number("attempts")?,
        due_at: columns.optional_time("due_at")?,
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

    async fn list_mail(
        &self,
        tenant: TenantId,
        filter: OutboxFilter,
        after: Option<MailId>,
        limit: u32,
    ) -> Result<Vec<WaitingMail>, StoreError> {
        let sql = match filter {
            OutboxFilter::All => LIST,
            OutboxFilter::Dead => LIST_DEAD,
        };
        let after = after.map_or(Value::Blob(Vec::new()), Value::from);
        let values = values![tenant, after, limit];
        self.driver.many(sql, values, each!(waiting)).await
    }

    async fn retry_mail(
        &self,
        tenant: TenantId,
        retry: MailRetry,
        now: Timestamp,
        along: Along,
    ) -> WriteResult<u64> {
        let step = match retry {
            MailRetry::One(id) => {
                Step::new(RETRIED, RETRY_ONE, values![now, tenant, id]).one_or(Refusal::NotFound)
            }
            MailRetry::Dead => Step::new(RETRIED, RETRY_DEAD, values![now, tenant]),
        };
        let script = accompanied(along, |script| {
            script.step(step);
            Ok(())
        })?;
        let written = self.driver.write(script).await?;
        Ok(written.map(|done| done.changed(RETRIED)))
    }

    async fn purge_mail(&self, queued_before: Timestamp) -> Result<u64, StoreError> {
        let script = Script::of(Step::new(PURGED, PURGE, values![queued_before]));
        Ok(self.driver.done(script).await?.changed(PURGED))
    }
}
