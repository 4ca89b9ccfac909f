//! The mail outbox.

use std::collections::BTreeSet;

use portcullis_core::along::Along;
use portcullis_core::id::{ClaimId, MailId};
use portcullis_core::mail::{ClaimedMail, OutboxMail};
use portcullis_core::store::SecurityStore;
use portcullis_core::time::Timestamp;

use super::expect::applied;
use super::sample::{EXTREMES, START, after, just_before};
use super::trial::{Trial, rounds};

impl<S: SecurityStore> Trial<S> {
    /// Queues a mail a second, in a random order.
    async fn queue(&self, many: u64) -> Vec<OutboxMail> {
        let tenant = self.tenant().await;
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
