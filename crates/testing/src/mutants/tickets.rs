//! Tickets that work more often than they may.

use async_trait::async_trait;
use portcullis_core::error::StoreError;
use portcullis_core::id::{TenantId, TicketId};
use portcullis_core::store::{Ticket, TicketKind, TicketStore};
use portcullis_core::time::Timestamp;

use super::{let_others_look, mutant};
use crate::wrap::Around;

mutant! {
    /// Looks at a ticket and counts the attempt, or takes the ticket, then: whoever looked in time got it.
    ///
    /// Caught by [`tickets::a_burst_of_attempts_is_granted_those_left`][attempts] and
    /// [`tickets::one_of_many_takes_a_ticket`][takes].
    ///
    /// [attempts]: crate::conformance::tickets::a_burst_of_attempts_is_granted_those_left
    /// [takes]: crate::conformance::tickets::one_of_many_takes_a_ticket
    LookThenTake {}
}

#[async_trait]
impl<S: TicketStore> Around for LookThenTake<S> {
    type Store = S;

    fn store(&self) -> &S {
        &self.store
    }

    async fn attempt_ticket(
        &self,
        tenant: TenantId,
        kind: TicketKind,
        id: TicketId,
        now: Timestamp,
    ) -> Result<Option<Ticket>, StoreError> {
        let looked = self.store.peek_ticket(tenant, kind, id, now).await?;
        let_others_look().await;
        self.store.attempt_ticket(tenant, kind, id, now).await?;
        Ok(looked.map(|ticket| Ticket {
            attempts_left: ticket.attempts_left.saturating_sub(1),
            ..ticket
        }))
    }

    async fn take_ticket(
        &self,
        tenant: TenantId,
        kind: TicketKind,
        id: TicketId,
        now: Timestamp,
    ) -> Result<Option<Ticket>, StoreError> {
        let looked = self.store.peek_ticket(tenant, kind, id, now).await?;
        let_others_look().await;
        let taken = self.store.take_ticket(tenant, kind, id, now).await?;
        Ok(looked.or(taken))
    }
}
