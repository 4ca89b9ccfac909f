//! Tickets: the laws TK-1 to TK-6 of `portcullis_core::store`.

use portcullis_core::id::{TenantId, TicketId};
use portcullis_core::store::{Ticket, TicketIssue, TicketKind, TicketStore};
use portcullis_core::time::Timestamp;

use super::sample::{EXTREMES, START, after, just_before};
use super::trial::{Trial, rounds};

impl<S> Trial<S> {
    /// A mail code that works for ten minutes and five guesses.
    fn new_ticket(&self) -> Ticket {
        Ticket {
            id: TicketId::from_bytes(self.id()),
            kind: TicketKind::EmailCode,
            tenant: TenantId::from_bytes(self.id()),
            digest: self.new_digest(),
            payload: self.sealed(),
            attempts_left: 5,
            created_at: START,
            expires_at: after(600),
        }
    }
}

impl<S: TicketStore> Trial<S> {
    async fn issue_ticket(&self, ticket: &Ticket) -> TicketIssue {
        self.store.issue_ticket(ticket).await.unwrap()
    }

    async fn issued_ticket(&self) -> Ticket {
        let ticket = self.new_ticket();
        assert_eq!(self.issue_ticket(&ticket).await, TicketIssue::Issued);
        ticket
    }

    async fn peek_ticket(&self, of: &Ticket, now: Timestamp) -> Option<Ticket> {
        let ticket = self.store.peek_ticket(of.tenant, of.kind, of.id, now);
        ticket.await.unwrap()
    }

    async fn attempt_ticket(&self, of: &Ticket, now: Timestamp) -> Option<Ticket> {
        let ticket = self.store.attempt_ticket(of.tenant, of.kind, of.id, now);
        ticket.await.unwrap()
    }

    async fn take_ticket(&self, of: &Ticket, now: Timestamp) -> Option<Ticket> {
        let ticket = self.store.take_ticket(of.tenant, of.kind, of.id, now);
        ticket.await.unwrap()
    }

    async fn revoke_ticket(&self, of: &Ticket, now: Timestamp) -> bool {
        let revoked = self.store.revoke_ticket(of.tenant, of.kind, of.id, now);
        revoked.await.unwrap()
    }

    /// Nothing can be done with it.
    async fn assert_dead_ticket(&self, ticket: &Ticket, now: Timestamp) {
        assert!(self.peek_ticket(ticket, now).await.is_none());
        assert!(self.attempt_ticket(ticket, now).await.is_none());
        assert!(self.take_ticket(ticket, now).await.is_none());
        assert!(!self.revoke_ticket(ticket, now).await);
    }
}

#[track_caller]
fn assert_same(stored: &Ticket, given: &Ticket) {
    assert_eq!(format!("{stored:?}"), format!("{given:?}"));
    assert_eq!(stored.payload, given.payload);
    assert!(stored.digest.matches(&given.digest), "another digest");
}

/// A ticket reads back as it was issued, as often as it is looked at.
pub async fn a_ticket_reads_back_whole<S: TicketStore>(trial: Trial<S>) {
    for kind in TicketKind::ALL {
        let mut ticket = trial.new_ticket();
        (ticket.kind, ticket.attempts_left) = (kind, u32::MAX);
        ticket.payload.bytes = (0..=255).cycle().take(20_000).collect();
        assert_eq!(trial.issue_ticket(&ticket).await, TicketIssue::Issued);
        for now in [START, after(1)] {
            assert_same(&trial.peek_ticket(&ticket, now).await.unwrap(), &ticket);
        }
        assert_same(
            &trial.take_ticket(&ticket, after(1)).await.unwrap(),
            &ticket,
        );
    }
    trial.assert_dead_ticket(&trial.new_ticket(), START).await;
}

// SE-11
/// TK-1: an id is issued once until its deadline, whatever became of the ticket.
pub async fn an_id_is_issued_once<S: TicketStore>(trial: Trial<S>) {
    let live = trial.issued_ticket().await;
    let taken = trial.issued_ticket().await;
    assert!(trial.take_ticket(&taken, after(1)).await.is_some());
    let revoked = trial.issued_ticket().await;
    assert!(trial.revoke_ticket(&revoked, after(1)).await);
    for used in [&live, &taken, &revoked] {
        let mut again = trial.new_ticket();
        (again.id, again.created_at) = (used.id, just_before(used.expires_at));
        assert_eq!(trial.issue_ticket(&again).await, TicketIssue::IdTaken);
        assert_eq!(trial.issue_ticket(used).await, TicketIssue::IdTaken);
        trial.assert_dead_ticket(&again, START).await;
    }
    assert_same(&trial.peek_ticket(&live, START).await.unwrap(), &live);
    trial.assert_dead_ticket(&taken, after(2)).await;
    trial.assert_dead_ticket(&revoked, after(2)).await;
}

// CC-01
/// TK-1: of many who issue one id at once, one does.
pub async fn one_of_many_issues_an_id<S: TicketStore>(trial: Trial<S>) {
    for _ in 0..rounds() / 4 {
        let id = trial.new_ticket().id;
        let issued = trial
            .race(32, |_, store| {
                let mut ticket = trial.new_ticket();
                ticket.id = id;
                async move { (store.issue_ticket(&ticket).await.unwrap(), ticket) }
            })
            .await;
        let won = |(issue, _): &&(TicketIssue, Ticket)| *issue == TicketIssue::Issued;
        let won: Vec<&Ticket> = issued
            .iter()
            .filter(won)
            .map(|(_, ticket)| ticket)
            .collect();
        assert_eq!(won.len(), 1);
        assert_same(&trial.peek_ticket(won[0], START).await.unwrap(), won[0]);
    }
}

// OT-05
/// TK-2: a ticket answers to its tenant, kind and id together.
pub async fn a_ticket_of_another_tenant_or_kind_is_unknown<S: TicketStore>(trial: Trial<S>) {
    let ticket = trial.issued_ticket().await;
    let strangers = [
        Ticket {
            tenant: trial.new_ticket().tenant,
            ..ticket.clone()
        },
        Ticket {
            kind: TicketKind::PendingSignIn,
            ..ticket.clone()
        },
        Ticket {
            id: trial.new_ticket().id,
            ..ticket.clone()
        },
    ];
    for stranger in &strangers {
        trial.assert_dead_ticket(stranger, START).await;
    }
    assert_same(&trial.peek_ticket(&ticket, START).await.unwrap(), &ticket);
}

// OT-04
/// TK-3: a ticket works before its end and not at it.
pub async fn a_ticket_works_before_its_end<S: TicketStore>(trial: Trial<S>) {
    let (ticket, other) = (trial.issued_ticket().await, trial.issued_ticket().await);
    trial.assert_dead_ticket(&ticket, ticket.expires_at).await;
    let last = just_before(ticket.expires_at);
    assert!(trial.peek_ticket(&ticket, last).await.is_some());
    assert!(trial.attempt_ticket(&ticket, last).await.is_some());
    assert!(trial.take_ticket(&ticket, last).await.is_some());
    assert!(trial.revoke_ticket(&other, last).await);
}

// OT-12
/// TK-4, TK-5: attempts are counted down, and none is left after the last.
pub async fn attempts_are_counted_down_to_none<S: TicketStore>(trial: Trial<S>) {
    let ticket = trial.issued_ticket().await;
    for left in [4, 3, 2, 1, 0] {
        let attempted = trial.attempt_ticket(&ticket, after(1)).await.unwrap();
        assert_eq!(attempted.attempts_left, left);
        let seen = trial.peek_ticket(&ticket, after(1)).await;
        assert_eq!(
            seen.map(|seen| seen.attempts_left),
            (left > 0).then_some(left)
        );
        let mut expected = ticket.clone();
        expected.attempts_left = left;
        assert_same(&attempted, &expected);
    }
    for _ in 0..2 {
        assert!(trial.attempt_ticket(&ticket, after(1)).await.is_none());
    }
    // The caller that was granted the last one guessed right.
    let taken = trial.take_ticket(&ticket, after(1)).await.unwrap();
    assert_eq!(taken.attempts_left, 0);
    trial.assert_dead_ticket(&ticket, after(1)).await;
}

// OT-12, CC-01
/// TK-4: of many attempts at once, as many are granted as are left.
pub async fn a_burst_of_attempts_is_granted_those_left<S: TicketStore>(trial: Trial<S>) {
    for _ in 0..rounds() / 4 {
        let ticket = trial.issued_ticket().await;
        let (tenant, kind, id) = (ticket.tenant, ticket.kind, ticket.id);
        let granted = trial
            .race(64, |_, store| async move {
                let attempt = store.attempt_ticket(tenant, kind, id, START).await;
                attempt.unwrap().map(|ticket| ticket.attempts_left)
            })
            .await;
        let mut granted: Vec<u32> = granted.into_iter().flatten().collect();
        granted.sort_unstable();
        assert_eq!(granted, [0, 1, 2, 3, 4]);
    }
}

// OT-03, CC-01
/// TK-6: of many who take a ticket at once, one gets it.
pub async fn one_of_many_takes_a_ticket<S: TicketStore>(trial: Trial<S>) {
    for _ in 0..rounds() {
        let ticket = trial.issued_ticket().await;
        let (tenant, kind, id) = (ticket.tenant, ticket.kind, ticket.id);
        let taken = trial
            .race(64, |_, store| async move {
                store.take_ticket(tenant, kind, id, START).await.unwrap()
            })
            .await;
        let taken: Vec<Ticket> = taken.into_iter().flatten().collect();
        assert_eq!(taken.len(), 1);
        assert_same(&taken[0], &ticket);
        trial.assert_dead_ticket(&ticket, START).await;
    }
}

// CC-01
/// TK-4, TK-6: a ticket ends once, and no attempt that races its end brings it back.
pub async fn an_attempt_that_races_the_end_does_not_resurrect<S: TicketStore>(trial: Trial<S>) {
    for _ in 0..rounds() {
        let ticket = trial.issued_ticket().await;
        let (tenant, kind, id) = (ticket.tenant, ticket.kind, ticket.id);
        let ended = trial
            .race(16, |index, store| async move {
                match index {
                    3 => store.revoke_ticket(tenant, kind, id, START).await.unwrap(),
                    9 => {
                        let taken = store.take_ticket(tenant, kind, id, START).await;
                        taken.unwrap().is_some()
                    }
                    _ => {
                        let attempt = store.attempt_ticket(tenant, kind, id, START).await;
                        attempt.unwrap();
                        false
                    }
                }
            })
            .await;
        assert_eq!(ended.iter().filter(|ended| **ended).count(), 1);
        trial.assert_dead_ticket(&ticket, START).await;
    }
}

/// Tickets past their end are removed and counted, used or not; their ids are free then.
pub async fn purging_removes_tickets_past_their_end<S: TicketStore>(trial: Trial<S>) {
    let (live, taken) = (trial.issued_ticket().await, trial.issued_ticket().await);
    assert!(trial.take_ticket(&taken, after(1)).await.is_some());
    let mut kept = trial.new_ticket();
    kept.expires_at = after(601);
    assert_eq!(trial.issue_ticket(&kept).await, TicketIssue::Issued);
    let store = &trial.store;
    for (now, purged) in [
        (just_before(after(600)), 0),
        (after(600), 2),
        (after(600), 0),
    ] {
        assert_eq!(store.purge_tickets(now).await.unwrap(), purged);
    }
    assert_same(&trial.peek_ticket(&kept, after(600)).await.unwrap(), &kept);
    let mut again = trial.new_ticket();
    (again.id, again.created_at, again.expires_at) = (live.id, after(600), after(700));
    assert_eq!(trial.issue_ticket(&again).await, TicketIssue::Issued);
}

// CC-04
/// No time makes a ticket panic or fail.
pub async fn tickets_bear_every_time<S: TicketStore>(trial: Trial<S>) {
    for expires_at in EXTREMES {
        for now in EXTREMES {
            let mut ticket = trial.new_ticket();
            (ticket.created_at, ticket.expires_at) = (now, expires_at);
            assert_eq!(trial.issue_ticket(&ticket).await, TicketIssue::Issued);
            let works = now < expires_at;
            assert_eq!(trial.peek_ticket(&ticket, now).await.is_some(), works);
            assert_eq!(trial.attempt_ticket(&ticket, now).await.is_some(), works);
            assert_eq!(trial.take_ticket(&ticket, now).await.is_some(), works);
        }
    }
    for now in EXTREMES {
        trial.store.purge_tickets(now).await.unwrap();
    }
}
