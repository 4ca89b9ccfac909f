//! The mail outbox.

use std::collections::BTreeSet;

use portcullis_core::along::{Along, Refusal};
use portcullis_core::id::{ClaimId, MailId, TenantId};
use portcullis_core::mail::{ClaimedMail, MailRetry, OutboxFilter, OutboxMail, WaitingMail};
use portcullis_core::store::SecurityStore;
use portcullis_core::time::Timestamp;

use super::expect::applied;
use super::sample::{EXTREMES, START, after, just_before};
use super::trial::{Trial, rounds};

impl<S: SecurityStore> Trial<S> {
    /// Queues a mail a second, in a random order.
    async fn queue(&self, many: u64) -> Vec<OutboxMail> {
        let tenant = self.tenant().await;
        self.queue_in(tenant, many).await
    }

    async fn queue_in(&self, tenant: TenantId, many: u64) -> Vec<OutboxMail> {
        let mut mails = Vec::new();
        for secs in 0..many {
            let mut mail = self.new_mail(tenant);
            mail.created_at = after(secs);
            mails.push(mail);
        }
        let mut shuffled = mails.clone();
        shuffled.sort_by_key(|mail| mail.id);
        for mail in shuffled {
            applied(self.store.record(Along::default().with_mail(mail)).await);
        }
        mails
    }

    /// Claims what is due for a minute.
    async fn claim(&self, now: Timestamp, limit: u32) -> Vec<ClaimedMail> {
        let claim = ClaimId::from_bytes(self.id());
        let lease_until = now.plus(std::time::Duration::from_secs(60));
        let claimed = self.store.claim_mail(claim, now, lease_until, limit).await;
        let claimed = claimed.unwrap();
        assert!(claimed.iter().all(|mail| mail.claim == claim));
        claimed
    }
}

impl<S: SecurityStore> Trial<S> {
    /// Mails in a tenant of their own, all dead.
    async fn dead(&self, many: u64) -> (TenantId, Vec<OutboxMail>) {
        let tenant = self.tenant().await;
        let mails = self.queue_in(tenant, many).await;
        for claimed in self.claim(after(many), 100).await {
            let (id, claim) = (claimed.mail.id, claimed.claim);
            assert!(self.store.mail_failed(id, claim, None).await.unwrap());
        }
        (tenant, mails)
    }

    async fn waiting(&self, tenant: TenantId, filter: OutboxFilter) -> Vec<WaitingMail> {
        let listed = self.store.list_mail(tenant, filter, None, 100).await;
        listed.unwrap()
    }
}

fn ids(claimed: &[ClaimedMail]) -> Vec<MailId> {
    claimed.iter().map(|claimed| claimed.mail.id).collect()
}

/// Mails are claimed whole, oldest first, as many as asked for.
pub async fn mails_are_claimed_oldest_first<S: SecurityStore>(trial: Trial<S>) {
    let mails = trial.queue(5).await;
    let mut claimed = Vec::new();
    for expected in [2, 2, 1, 0] {
        let next = trial.claim(after(10), 2).await;
        assert_eq!(next.len(), expected);
        claimed.extend(next);
    }
    assert!(claimed.iter().all(|claimed| claimed.attempts == 1));
    let claimed: Vec<OutboxMail> = claimed.into_iter().map(|claimed| claimed.mail).collect();
    assert_eq!(claimed, mails);
}

/// A claimed mail is due again when its lease has passed, not before; the older claim is then worth nothing.
pub async fn a_claim_holds_until_its_lease_passes<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    trial.queue(1).await;
    let first = trial.claim(START, 10).await.pop().unwrap();
    assert!(trial.claim(just_before(after(60)), 10).await.is_empty());
    let second = trial.claim(after(60), 10).await.pop().unwrap();
    assert_eq!(second.mail, first.mail);
    assert_eq!(second.attempts, 2);
    let id = first.mail.id;
    assert!(!store.mail_done(id, first.claim).await.unwrap());
    let failed = store.mail_failed(id, first.claim, Some(START)).await;
    assert!(!failed.unwrap());
    assert!(trial.claim(after(61), 10).await.is_empty());
    assert!(store.mail_done(id, second.claim).await.unwrap());
}

/// A delivered mail is gone, once.
pub async fn a_delivered_mail_is_gone<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    trial.queue(2).await;
    let claimed = trial.claim(after(5), 1).await.pop().unwrap();
    let (id, claim) = (claimed.mail.id, claimed.claim);
    let stranger = ClaimId::from_bytes(trial.id());
    assert!(!store.mail_done(id, stranger).await.unwrap());
    let unknown = MailId::from_bytes(trial.id());
    assert!(!store.mail_done(unknown, claim).await.unwrap());
    assert!(store.mail_done(id, claim).await.unwrap());
    assert!(!store.mail_done(id, claim).await.unwrap());
    assert!(!store.mail_failed(id, claim, None).await.unwrap());
    assert_eq!(trial.claim(Timestamp::MAX, 10).await.len(), 1);
}

/// A mail that failed is due again when it should be retried, not before.
pub async fn a_failed_mail_is_due_when_it_should_be_retried<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    trial.queue(1).await;
    for (attempts, retry_at) in [(1, after(10)), (2, after(500))] {
        let claimed = trial.claim(retry_at.min(after(10)), 1).await.pop();
        let claimed = claimed.unwrap();
        assert_eq!(claimed.attempts, attempts);
        let (id, claim) = (claimed.mail.id, claimed.claim);
        let failed = store.mail_failed(id, claim, Some(retry_at)).await;
        assert!(failed.unwrap());
        assert!(!store.mail_failed(id, claim, None).await.unwrap());
        assert!(!store.mail_done(id, claim).await.unwrap());
        assert!(trial.claim(just_before(retry_at), 1).await.is_empty());
    }
    assert_eq!(trial.claim(after(500), 1).await.len(), 1);
}

/// A dead mail is never due.
pub async fn a_dead_mail_is_never_due<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let mails = trial.queue(2).await;
    let dead = trial.claim(after(5), 1).await.pop().unwrap();
    let failed = store.mail_failed(dead.mail.id, dead.claim, None).await;
    assert!(failed.unwrap());
    let due = trial.claim(Timestamp::MAX, 10).await;
    assert_eq!(ids(&due), [mails.last().unwrap().id]);
    let claim = dead.claim;
    assert!(!store.mail_done(dead.mail.id, claim).await.unwrap());
}

/// Mails are listed by id, page by page, those of one tenant alone, whole but for what is sealed.
pub async fn waiting_mails_are_listed_page_by_page<S: SecurityStore>(trial: Trial<S>) {
    let (tenant, mut mails) = trial.dead(2).await;
    mails.extend(trial.queue_in(tenant, 3).await);
    trial.queue(1).await;
    mails.sort_by_key(|mail| mail.id);
    let all = trial.waiting(tenant, OutboxFilter::All).await;
    let listed: Vec<_> = all.iter().map(|mail| mail.id).collect();
    assert_eq!(listed, mails.iter().map(|mail| mail.id).collect::<Vec<_>>());
    for (seen, mail) in all.iter().zip(&mails) {
        assert_eq!(
            (&seen.to, seen.template, seen.created_at),
            (&mail.to, mail.template, mail.created_at)
        );
        let waits = (seen.attempts, seen.due_at) == (0, Some(mail.created_at));
        assert!(
            waits || (seen.attempts, seen.due_at) == (1, None),
            "{seen:?}"
        );
    }
    let dead = trial.waiting(tenant, OutboxFilter::Dead).await;
    assert_eq!(dead.len(), 2);
    assert!(dead.iter().all(|mail| mail.due_at.is_none()));
    let mut paged = Vec::new();
    while paged.len() < all.len() {
        let last = paged.last().map(|mail: &WaitingMail| mail.id);
        let page = trial.store.list_mail(tenant, OutboxFilter::All, last, 2);
        let page = page.await.unwrap();
        assert!(!page.is_empty() && page.len() <= 2);
        paged.extend(page);
    }
    assert_eq!(paged, all);
}

/// A mail that is retried is due now, dead or waiting, with its count of attempts begun anew; of another tenant, it is
/// not there.
pub async fn a_retried_mail_is_due_now_as_if_never_tried<S: SecurityStore>(trial: Trial<S>) {
    let (tenant, mails) = trial.dead(2).await;
    let id = mails.first().unwrap().id;
    let retry = MailRetry::One(id);
    let other = trial.tenant().await;
    for (tenant, retry) in [
        (other, retry),
        (tenant, MailRetry::One(MailId::from_bytes(trial.id()))),
    ] {
        let refused = trial
            .store
            .retry_mail(tenant, retry, after(9), Along::default());
        assert_eq!(refused.await.unwrap().refusal(), Some(&Refusal::NotFound));
    }
    let retried = trial
        .store
        .retry_mail(tenant, retry, after(9), Along::default());
    assert_eq!(applied(retried.await), 1);
    assert!(trial.claim(just_before(after(9)), 10).await.is_empty());
    let claimed = trial.claim(after(9), 10).await;
    assert_eq!(ids(&claimed), [id]);
    let claimed = claimed.first().unwrap();
    assert_eq!(claimed.attempts, 1);
    let failed = trial.store.mail_failed(id, claimed.claim, Some(after(999)));
    assert!(failed.await.unwrap());
    let sooner = trial
        .store
        .retry_mail(tenant, retry, after(10), Along::default());
    assert_eq!(applied(sooner.await), 1);
    assert_eq!(ids(&trial.claim(after(10), 10).await), [id]);
}

/// All dead mails of one tenant are retried at once, and no others.
pub async fn all_dead_mails_of_a_tenant_are_retried<S: SecurityStore>(trial: Trial<S>) {
    let (tenant, mails) = trial.dead(3).await;
    let (other, _) = trial.dead(1).await;
    let retry = |tenant| {
        let store = &trial.store;
        async move {
            applied(
                store
                    .retry_mail(tenant, MailRetry::Dead, after(9), Along::default())
                    .await,
            )
        }
    };
    assert_eq!(retry(tenant).await, 3);
    assert_eq!(retry(tenant).await, 0);
    let claimed: BTreeSet<_> = ids(&trial.claim(after(9), 10).await).into_iter().collect();
    assert_eq!(claimed, mails.iter().map(|mail| mail.id).collect());
    assert_eq!(trial.waiting(other, OutboxFilter::Dead).await.len(), 1);
}

// CC-03
/// A retry never takes a mail from a worker's hands.
pub async fn a_mail_that_a_worker_has_is_not_retried<S: SecurityStore>(trial: Trial<S>) {
    let tenant = trial.tenant().await;
    trial.queue_in(tenant, 1).await;
    let claimed = trial.claim(START, 1).await.pop().unwrap();
    let (id, claim) = (claimed.mail.id, claimed.claim);
    let retry = MailRetry::One(id);
    let refused = trial
        .store
        .retry_mail(tenant, retry, START, Along::default());
    assert_eq!(refused.await.unwrap().refusal(), Some(&Refusal::NotFound));
    let none = trial
        .store
        .retry_mail(tenant, MailRetry::Dead, START, Along::default());
    assert_eq!(applied(none.await), 0);
    assert!(trial.claim(START, 1).await.is_empty());
    assert!(trial.store.mail_done(id, claim).await.unwrap());
}

/// Dead mails are removed by age; what still waits is kept, however old.
pub async fn dead_mails_are_purged_by_age<S: SecurityStore>(trial: Trial<S>) {
    let (tenant, dead) = trial.dead(3).await;
    let waiting = trial.queue_in(tenant, 3).await;
    let bound = dead.get(1).unwrap().created_at;
    assert_eq!(trial.store.purge_mail(bound).await.unwrap(), 1);
    assert_eq!(trial.store.purge_mail(bound).await.unwrap(), 0);
    assert_eq!(trial.waiting(tenant, OutboxFilter::Dead).await.len(), 2);
    assert_eq!(trial.store.purge_mail(Timestamp::MAX).await.unwrap(), 2);
    let left = trial.waiting(tenant, OutboxFilter::All).await;
    assert_eq!(left.len(), waiting.len());
}

// CC-01
/// Of many workers one gets each mail.
pub async fn one_of_many_workers_gets_a_mail<S: SecurityStore>(trial: Trial<S>) {
    for _ in 0..rounds() / 4 {
        let queued = trial.queue(40).await;
        let claimed = trial
            .race(16, |_, store| {
                let claim = ClaimId::from_bytes(trial.id());
                async move {
                    let mut claimed = Vec::new();
                    loop {
                        let next = store.claim_mail(claim, after(60), Timestamp::MAX, 3).await;
                        let next = next.unwrap();
                        if next.is_empty() {
                            return claimed;
                        }
                        claimed.extend(ids(&next));
                    }
                }
            })
            .await;
        let claimed: Vec<MailId> = claimed.into_iter().flatten().collect();
        assert_eq!(claimed.len(), queued.len());
        let distinct: BTreeSet<MailId> = claimed.into_iter().collect();
        assert_eq!(distinct, queued.iter().map(|mail| mail.id).collect());
    }
}

// CC-04
/// No time makes the outbox panic or fail.
pub async fn mails_bear_every_time<S: SecurityStore>(trial: Trial<S>) {
    let store = &trial.store;
    let tenant = trial.tenant().await;
    for created_at in EXTREMES {
        let mut mail = trial.new_mail(tenant);
        mail.created_at = created_at;
        applied(store.record(Along::default().with_mail(mail)).await);
    }
    for now in EXTREMES {
        for lease_until in EXTREMES {
            let claim = ClaimId::from_bytes(trial.id());
            let claimed = store.claim_mail(claim, now, lease_until, 2).await;
            for claimed in claimed.unwrap() {
                let id = claimed.mail.id;
                let failed = store.mail_failed(id, claim, Some(lease_until)).await;
                assert!(failed.unwrap());
            }
        }
    }
    assert_eq!(trial.claim(Timestamp::MAX, 10).await.len(), 5);
}
