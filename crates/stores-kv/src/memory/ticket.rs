//! Tickets. One that is over keeps its id until its deadline.

use async_trait::async_trait;

use portcullis_core::error::StoreError;
use portcullis_core::id::{TenantId, TicketId};
use portcullis_core::store::{Ticket, TicketIssue, TicketKind, TicketStore};
use portcullis_core::time::Timestamp;

use super::MemoryStore;
use super::state::State;

#[derive(Clone)]
pub(super) struct StoredTicket {
    ticket: Ticket,
    /// Taken or revoked.
    over: bool,
}

/// What a ticket answers to.
type Name = (TenantId, TicketKind, TicketId);

impl State {
    fn find_ticket(&self, (tenant, kind, id): Name, now: Timestamp) -> Option<&Ticket> {
        let StoredTicket { ticket, over } = self.tickets.get(&id)?;
        let theirs = ticket.tenant == tenant && ticket.kind == kind;
        (theirs && !over && now < ticket.expires_at).then_some(ticket)
    }

    fn issue_ticket(&mut self, ticket: &Ticket) -> TicketIssue {
        let there = self.tickets.get(&ticket.id);
        if there.is_some_and(|there| ticket.created_at < there.ticket.expires_at) {
            return TicketIssue::IdTaken;
        }
        let issued = StoredTicket {
            ticket: ticket.clone(),
            over: false,
        };
        self.tickets.put(ticket.id, issued);
        TicketIssue::Issued
    }

    fn attempt_ticket(&mut self, name: Name, now: Timestamp) -> Option<Ticket> {
        let mut attempted = self.find_ticket(name, now)?.clone();
        attempted.attempts_left = attempted.attempts_left.checked_sub(1)?;
        let left = attempted.attempts_left;
        self.tickets.update(&attempted.id, |stored| {
            stored.ticket.attempts_left = left;
        });
        Some(attempted)
    }

    fn end_ticket(&mut self, name: Name, now: Timestamp) -> Option<Ticket> {
        let ended = self.find_ticket(name, now)?.clone();
        self.tickets.update(&ended.id, |stored| {
            stored.over = true;
            stored.ticket.payload.bytes.clear();
        });
        Some(ended)
    }
}

#[async_trait]
impl TicketStore for MemoryStore {
    async fn issue_ticket(&self, ticket: &Ticket) -> Result<TicketIssue, StoreError> {
        self.change(|state| Ok(state.issue_ticket(ticket)))
    }

    async fn peek_ticket(
        &self,
        tenant: TenantId,
        kind: TicketKind,
        id: TicketId,
        now: Timestamp,
    ) -> Result<Option<Ticket>, StoreError> {
        self.read(|state| {
            let ticket = state.find_ticket((tenant, kind, id), now)?;
            (ticket.attempts_left > 0).then(|| ticket.clone())
        })
    }

    async fn attempt_ticket(
        &self,
        tenant: TenantId,
        kind: TicketKind,
        id: TicketId,
        now: Timestamp,
    ) -> Result<Option<Ticket>, StoreError> {
        self.change(|state| Ok(state.attempt_ticket((tenant, kind, id), now)))
    }

    async fn take_ticket(
        &self,
        tenant: TenantId,
        kind: TicketKind,
        id: TicketId,
        now: Timestamp,
    ) -> Result<Option<Ticket>, StoreError> {
        self.change(|state| Ok(state.end_ticket((tenant, kind, id), now)))
    }

    async fn revoke_ticket(
        &self,
        tenant: TenantId,
        kind: TicketKind,
        id: TicketId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.change(|state| Ok(state.end_ticket((tenant, kind, id), now).is_some()))
    }

    async fn purge_tickets(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.change(|state| {
            let past = |stored: &StoredTicket| stored.ticket.expires_at <= now;
            Ok(state.tickets.remove_where(past))
        })
    }
}
