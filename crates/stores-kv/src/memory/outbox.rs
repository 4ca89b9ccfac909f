//! The mail outbox.

use async_trait::async_trait;

use portcullis_core::along::{Along, Refusal};
use portcullis_core::error::StoreError;
use portcullis_core::id::{ClaimId, MailId, TenantId};
use portcullis_core::mail::{ClaimedMail, MailRetry, OutboxFilter, OutboxMail, WaitingMail};
use portcullis_core::store::{OutboxStore, WriteResult};
use portcullis_core::time::Timestamp;

use super::MemoryStore;
use super::state::State;

/// A mail with what workers did to it.
#[derive(Clone)]
pub(super) struct QueuedMail {
    mail: OutboxMail,
    /// When a worker may take it; `None` for a dead one.
    due_at: Option<Timestamp>,
    /// The worker that has it, until its lease passes and another takes it.
    claim: Option<ClaimId>,
    attempts: u32,
}

impl QueuedMail {
    pub(super) const fn new(mail: OutboxMail) -> Self {
        Self {
            due_at: Some(mail.created_at),
            mail,
            claim: None,
            attempts: 0,
        }
    }

    pub(super) const fn mail(&self) -> &OutboxMail {
        &self.mail
    }

    fn waiting(&self) -> WaitingMail {
        WaitingMail {
            id: self.mail.id,
            to: self.mail.to.clone(),
            template: self.mail.template,
            created_at: self.mail.created_at,
            attempts: self.attempts,
            due_at: self.due_at,
        }
    }
}

impl State {
    fn is_claimed_by(&self, mail: MailId, claim: ClaimId) -> bool {
        self.outbox
            .get(&mail)
            .is_some_and(|queued| queued.claim == Some(claim))
    }
}

#[async_trait]
impl OutboxStore for MemoryStore {
    async fn claim_mail(
        &self,
        claim: ClaimId,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClaimedMail>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.change(|state| {
            let mut due: Vec<(Timestamp, MailId)> = state
                .outbox
                .rows()
                .filter(|queued| queued.due_at.is_some_and(|due_at| due_at <= now))
                .map(|queued| (queued.mail.created_at, queued.mail.id))
                .collect();
            due.sort_unstable();
            due.truncate(limit);
            let mut claimed = Vec::with_capacity(due.len());
            for (_, id) in due {
                state.outbox.update(&id, |queued| {
                    queued.claim = Some(claim);
                    queued.due_at = Some(lease_until);
                    queued.attempts = queued.attempts.saturating_add(1);
                    claimed.push(ClaimedMail {
                        mail: queued.mail.clone(),
                        claim,
                        attempts: queued.attempts,
                    });
                });
            }
            Ok(claimed)
        })
    }

    async fn mail_done(&self, mail: MailId, claim: ClaimId) -> Result<bool, StoreError> {
        self.change(|state| {
            Ok(state.is_claimed_by(mail, claim) && state.outbox.take(&mail).is_some())
        })
    }

    async fn mail_failed(
        &self,
        mail: MailId,
        claim: ClaimId,
        retry_at: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        self.change(|state| {
            let give_back = |queued: &mut QueuedMail| {
                queued.claim = None;
                queued.due_at = retry_at;
            };
            Ok(state.is_claimed_by(mail, claim) && state.outbox.update(&mail, give_back))
        })
    }

    async fn list_mail(
        &self,
        tenant: TenantId,
        filter: OutboxFilter,
        after: Option<MailId>,
        limit: u32,
    ) -> Result<Vec<WaitingMail>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let asked_for = |queued: &&QueuedMail| {
            queued.mail.tenant == tenant
                && after.is_none_or(|after| queued.mail.id > after)
                && (filter == OutboxFilter::All || queued.due_at.is_none())
        };
        self.read(|state| {
            let found = state.outbox.rows().filter(asked_for);
            let mut mails: Vec<WaitingMail> = found.map(QueuedMail::waiting).collect();
            mails.sort_unstable_by_key(|mail| mail.id);
            mails.truncate(limit);
            mails
        })
    }

    async fn retry_mail(
        &self,
        tenant: TenantId,
        retry: MailRetry,
        now: Timestamp,
        along: Along,
    ) -> WriteResult<u64> {
        let meant = move |queued: &QueuedMail| {
            queued.mail.tenant == tenant
                && queued.claim.is_none()
                && match retry {
                    MailRetry::One(id) => queued.mail.id == id,
                    MailRetry::Dead => queued.due_at.is_none(),
                }
        };
        self.write(along, |state| {
            let retried = state.outbox.update_where(meant, |queued| {
                queued.due_at = Some(now);
                queued.attempts = 0;
            });
            match retry {
                MailRetry::One(_) if retried == 0 => Err(Refusal::NotFound.into()),
                _ => Ok(retried),
            }
        })
    }

    async fn purge_mail(&self, queued_before: Timestamp) -> Result<u64, StoreError> {
        self.change(|state| {
            Ok(state.outbox.remove_where(|queued| {
                queued.due_at.is_none() && queued.mail.created_at < queued_before
            }))
        })
    }
}
