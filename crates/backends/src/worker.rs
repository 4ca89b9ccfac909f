//! Background work: taking up changed keys, delivering due mail, writing last uses, removing what has ended.

use std::sync::{Arc, Weak};
use std::time::Duration;

use portcullis_core::id::ClaimId;
use portcullis_core::mail::ClaimedMail;
use tokio::sync::Notify;

use crate::error::FlowError;
use crate::mail::render;
use crate::portcullis::{Inner, Portcullis};

/// Mail queued by another process, or due again, is looked for this often.
const TICK: Duration = Duration::from_secs(5);
/// Rows that have ended are removed every so many ticks.
const PURGE_EVERY: u32 = 720;
/// A worker that dies with a mail in hand loses its claim after this long.
const LEASE: Duration = Duration::from_secs(60);
/// Mails claimed at once: one, so that a slow mailer never outlives the lease of a mail that still waits.
const BATCH: u32 = 1;
/// A mail that failed this often is dead.
const ATTEMPTS_MAX: u32 = 12;
const BACKOFF_MIN: Duration = Duration::from_secs(10);
const BACKOFF_MAX: Duration = Duration::from_secs(3600);

/// What one pass of background work did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DueReport {
    /// Mails delivered.
    pub delivered: u32,
    /// Mails that failed and are due again later, or dead.
    pub failed: u32,
    /// Last uses written.
    pub touched: usize,
}

/// Runs the background work for as long as somebody holds the instance.
pub(crate) fn spawn(portcullis: &Portcullis) {
    let weak = Arc::downgrade(&portcullis.0);
    let queued = Arc::clone(&portcullis.0.mail_queued);
    drop(tokio::spawn(run(weak, queued)));
}

async fn run(instance: Weak<Inner>, queued: Arc<Notify>) {
    let mut ticks = 0_u32;
    loop {
        {
            let Some(inner) = instance.upgrade() else {
                return;
            };
            let portcullis = Portcullis(inner);
            if let Err(error) = portcullis.refresh_keys().await {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "changed keys are not in use; those before stay"
                );
            }
            if let Err(error) = portcullis.run_due().await {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "background work failed; it goes on"
                );
            }
            if ticks.is_multiple_of(PURGE_EVERY)
                && let Err(error) = portcullis.purge().await
            {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "purging failed; it is tried again"
                );
            }
        }
        ticks = ticks.wrapping_add(1);
        // Only the notification is held here, so that the instance can end while its worker waits.
        let _woken = tokio::time::timeout(TICK, queued.notified()).await;
    }
}

impl Portcullis {
    /// One pass of background work: writes last uses and delivers all mail that is due. A worker calls it unless the
    /// instance was built without; tests and command line tools call it themselves.
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer; what was not done is due again.
    pub async fn run_due(&self) -> Result<DueReport, FlowError> {
        let inner = &self.0;
        let _alone = inner.due.lock().await;
        let touched = inner
            .touches
            .flush(&*inner.stores.sessions, &*inner.stores.security)
            .await;
        // Sessions may be kept elsewhere: mail does not wait for them.
        let mut report = self.deliver_due().await?;
        report.touched = touched?;
        Ok(report)
    }

    async fn deliver_due(&self) -> Result<DueReport, FlowError> {
        let inner = &self.0;
        let mut report = DueReport::default();
        loop {
            let now = self.now();
            let claim = ClaimId::time_ordered(now, self.entropy())?;
            let claimed = inner
                .stores
                .security
                .claim_mail(claim, now, now.plus(LEASE), BATCH)
                .await?;
            if claimed.is_empty() {
                return Ok(report);
            }
            for mail in claimed {
                if self.deliver(&mail).await? {
                    report.delivered += 1;
                } else {
                    report.failed += 1;
                }
            }
        }
    }

    /// Removes what has ended: tokens, sessions, tickets, attempt counts, limits.
    pub(crate) async fn purge(&self) -> Result<(), FlowError> {
        let (now, stores) = (self.now(), &self.0.stores);
        let tokens = stores.security.purge_tokens(now).await?;
        let families = stores.security.prune_families(now).await?;
        let attempts = stores.security.purge_attempts(now).await?;
        let sessions = stores.sessions.prune_sessions(now).await?;
        let tickets = stores.tickets.purge_tickets(now).await?;
        let limits = stores.limits.purge_limits(now).await?;
        tracing::debug!(
            tokens, families, attempts, sessions, tickets, limits, "purged"
        );
        Ok(())
    }

    /// Delivers one claimed mail; `false` where it failed and was given back.
    async fn deliver(&self, claimed: &ClaimedMail) -> Result<bool, FlowError> {
        let security = &self.0.stores.security;
        let sent = match render::render(
            &self.0.sealer,
            &self.0.settings,
            &self.0.templates,
            &claimed.mail,
        ) {
            Ok(mail) => self
                .0
                .mailer
                .send(&mail)
                .await
                .map_err(|error| Box::new(error) as Box<_>),
            Err(error) => Err(Box::new(error) as Box<dyn std::error::Error + Send + Sync>),
        };
        let Err(error) = sent else {
            security.mail_done(claimed.mail.id, claimed.claim).await?;
            return Ok(true);
        };
        let retry_at =
            (claimed.attempts < ATTEMPTS_MAX).then(|| self.now().plus(backoff(claimed.attempts)));
        tracing::warn!(mail = %claimed.mail.id, attempts = claimed.attempts, dead = retry_at.is_none(), error = &*error, "mail not delivered");
        security
            .mail_failed(claimed.mail.id, claimed.claim, retry_at)
            .await?;
        Ok(false)
    }
}

/// 10 s, doubling up to an hour.
fn backoff(attempts: u32) -> Duration {
    let factor = 1_u32 << attempts.saturating_sub(1).min(16);
    BACKOFF_MIN.saturating_mul(factor).min(BACKOFF_MAX)
}
