//! Background work: taking up changed keys, delivering due mail, writing last uses, removing what has ended and erasing
//! who is due.

use std::error::Error;
use std::sync::{Arc, Weak};
use std::time::Duration;

use portcullis_core::entropy::random_bytes;
use portcullis_core::id::ClaimId;
use portcullis_core::mail::{ClaimedMail, MailError};
use tokio::sync::Notify;
use tokio::task::{JoinError, JoinSet};
use tokio::time::error::Elapsed;

use crate::error::FlowError;
use crate::flow::{Sweep, Swept};
use crate::mail::render::{self, RenderError};
use crate::metrics::{Pass, Posted};
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
/// A mailer that takes longer is given up, before the claim ends.
const DELIVERY_MAX: Duration = Duration::from_secs(55);

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

/// What one pass of removing did to people; what ended by itself is not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PurgeReport {
    /// People who were erased because their accounts were closed for long enough.
    pub erased: u64,
    /// Sign-ups that were removed because nobody proved them.
    pub discarded: u64,
}

/// Runs the background work for as long as somebody holds the instance.
pub(crate) fn spawn(portcullis: &Portcullis) {
    let weak = Arc::downgrade(&portcullis.0);
    let queued = Arc::clone(&portcullis.0.mail_queued);
    drop(tokio::spawn(run(weak, queued)));
}

async fn run(instance: Weak<Inner>, queued: Arc<Notify>) {
    let mut ticks = 0_u32;
    let mut sweep = None;
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
            if ticks.is_multiple_of(PURGE_EVERY) {
                sweep.get_or_insert_with(Sweep::default);
            }
            if let Some(under_way) = sweep.take() {
                sweep = portcullis.purge_on(under_way).await;
            }
        }
        if sweep.is_some() {
            // Mail does not wait until everybody is erased.
            tokio::task::yield_now().await;
            continue;
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
        let done = self.do_due().await;
        self.0.metrics.passed(Pass::Due, &done);
        done
    }

    async fn do_due(&self) -> Result<DueReport, FlowError> {
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

    /// One pass of what is done every hour: erases people whose accounts are closed for long enough, discards sign-ups
    /// that nobody proved, and removes what has ended: tokens, sessions, tickets, attempt counts, limits, mail that is dead
    /// for long. A worker does the same unless the instance was built without, a piece at a time between mails.
    ///
    /// Whoever cannot be erased keeps nobody waiting: it is logged, and the pass goes on with the next.
    ///
    /// # Errors
    /// [`FlowError`] where a store does not answer, or somebody could not be erased: the first failure, once all others are
    /// served. What was not done is done by the next pass.
    pub async fn run_purge(&self) -> Result<PurgeReport, FlowError> {
        let mut sweep = Sweep::default();
        let swept = loop {
            match self.sweep_on(&mut sweep).await {
                Ok(false) => {}
                Ok(true) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.end_purge(sweep, swept).await
    }

    /// A piece of a pass, for a worker that has more to do; what is left of it.
    async fn purge_on(&self, mut sweep: Sweep) -> Option<Sweep> {
        let swept = match self.sweep_on(&mut sweep).await {
            Ok(false) => return Some(sweep),
            Ok(true) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = self.end_purge(sweep, swept).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "purging failed; it is tried again"
            );
        }
        None
    }

    /// Whatever became of people, what ended by itself is removed.
    async fn end_purge(
        &self,
        sweep: Sweep,
        swept: Result<(), FlowError>,
    ) -> Result<PurgeReport, FlowError> {
        let purged = self.purge_ended().await;
        let ended = sweep.ended();
        let done = purged.and(swept).and(ended);
        let done = done.map(|Swept { erased, discarded }| PurgeReport { erased, discarded });
        self.0.metrics.passed(Pass::Purge, &done);
        done
    }

    async fn purge_ended(&self) -> Result<(), FlowError> {
        let (now, stores) = (self.now(), &self.0.stores);
        let tokens = stores.security.purge_tokens(now).await?;
        let families = stores.security.prune_families(now).await?;
        let attempts = stores.security.purge_attempts(now).await?;
        let sessions = stores.sessions.prune_sessions(now).await?;
        let tickets = stores.tickets.purge_tickets(now).await?;
        let limits = stores.limits.purge_limits(now).await?;
        let queued_before = now.minus(self.0.keep_dead_mail);
        let mails = stores.security.purge_mail(queued_before).await?;
        tracing::debug!(
            tokens, families, attempts, sessions, tickets, limits, mails, "purged"
        );
        Ok(())
    }

    /// Delivers one claimed mail; `false` where it failed and was given back.
    async fn deliver(&self, claimed: &ClaimedMail) -> Result<bool, FlowError> {
        let security = &self.0.stores.security;
        let Err(failure) = self.try_deliver(claimed).await else {
            self.0.metrics.posted(Posted::Sent);
            security.mail_done(claimed.mail.id, claimed.claim).await?;
            return Ok(true);
        };
        let again = !failure.permanent && claimed.attempts < ATTEMPTS_MAX;
        let retry_at = match again {
            true => Some(self.now().plus(self.backoff(claimed.attempts)?)),
            false => None,
        };
        self.0.metrics.posted(match again {
            true => Posted::Failed,
            false => Posted::Dead,
        });
        let (attempts, dead) = (claimed.attempts, !again);
        tracing::warn!(mail = %claimed.mail.id, attempts, dead, error = &*failure.cause, "mail not delivered");
        security
            .mail_failed(claimed.mail.id, claimed.claim, retry_at)
            .await?;
        Ok(false)
    }

    async fn try_deliver(&self, claimed: &ClaimedMail) -> Result<(), Failure> {
        let inner = &self.0;
        let mail = render::render(
            &inner.sealer,
            &inner.settings,
            &inner.templates,
            &claimed.mail,
        )?;
        let mailer = Arc::clone(&inner.mailer);
        // A task of its own: a mailer that panics or never ends takes one delivery with it, not the worker.
        let mut delivery = JoinSet::new();
        delivery.spawn(async move { mailer.send(&mail).await });
        match tokio::time::timeout(DELIVERY_MAX, delivery.join_next()).await {
            Ok(Some(sent)) => Ok(sent??),
            Ok(None) => Ok(()),
            Err(elapsed) => Err(elapsed.into()),
        }
    }

    /// 10 s, doubling up to an hour, and up to a quarter more by chance, so that what failed together does not come
    /// again together.
    fn backoff(&self, attempts: u32) -> Result<Duration, FlowError> {
        let factor = 1_u32 << attempts.saturating_sub(1).min(16);
        let base = BACKOFF_MIN.saturating_mul(factor).min(BACKOFF_MAX);
        let [chance] = random_bytes::<1>(self.entropy())?;
        Ok(base + base * u32::from(chance) / 1024)
    }
}

/// Why a mail was not delivered.
struct Failure {
    permanent: bool,
    cause: Box<dyn Error + Send + Sync>,
}

impl From<MailError> for Failure {
    fn from(error: MailError) -> Self {
        Self {
            permanent: error.is_permanent(),
            cause: error.into(),
        }
    }
}

macro_rules! passing {
    ($($error:ty)+) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self { permanent: false, cause: error.into() }
            }
        }
    )+};
}

passing!(RenderError JoinError Elapsed);
