//! Tickets.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use portcullis_core::error::StoreError;
use portcullis_core::id::{TenantId, TicketId};
use portcullis_core::secret::{Sealed, TokenDigest};
use portcullis_core::store::{KeyValueStore, Part, Ticket, TicketIssue, TicketKind, TicketStore};
use portcullis_core::time::Timestamp;

use super::{Batch, TRIES, contended, done, key, row, space};

/// Tickets in a key-value store: one row a ticket. A ticket that was taken or revoked leaves its row, without payload,
/// until its deadline, so that nothing brings it back. Reading costs one round trip, everything else two.
#[derive(Clone, Debug)]
pub struct KvTickets<K> {
    kv: K,
}

#[derive(Serialize, Deserialize)]
struct Row {
    kind: TicketKind,
    tenant: TenantId,
    digest: TokenDigest,
    attempts_left: u32,
    created_at: Timestamp,
    expires_at: Timestamp,
    payload_key: u32,
    /// Taken or revoked.
    over: bool,
}

/// A ticket that works, and its row as it was read.
struct Found {
    ticket: Ticket,
    bytes: Vec<u8>,
}

impl<K> KvTickets<K> {
    /// Over a key-value store, which may hold other things beside.
    #[must_use]
    pub const fn new(kv: K) -> Self {
        Self { kv }
    }
}

fn place(id: TicketId) -> (Part, Vec<u8>) {
    let key = key(space::TICKET, &[id.as_bytes()]);
    (Part::of_id(id.as_bytes()), key)
}

fn write(ticket: &Ticket, over: bool) -> Result<Vec<u8>, StoreError> {
    let row = Row {
        kind: ticket.kind,
        tenant: ticket.tenant,
        digest: ticket.digest,
        attempts_left: ticket.attempts_left,
        created_at: ticket.created_at,
        expires_at: ticket.expires_at,
        payload_key: ticket.payload.key_version,
        over,
    };
    let payload: &[u8] = if over { &[] } else { &ticket.payload.bytes };
    row::write_with(&row, payload)
}

fn read(id: TicketId, bytes: &[u8]) -> Result<(Ticket, bool), StoreError> {
    let (row, payload) = row::read_with::<Row>("tickets", bytes)?;
    let ticket = Ticket {
        id,
        kind: row.kind,
        tenant: row.tenant,
        digest: row.digest,
        payload: Sealed {
            key_version: row.payload_key,
            bytes: payload.to_vec(),
        },
        attempts_left: row.attempts_left,
        created_at: row.created_at,
        expires_at: row.expires_at,
    };
    Ok((ticket, row.over))
}

impl<K: KeyValueStore> KvTickets<K> {
    async fn find(
        &self,
        tenant: TenantId,
        kind: TicketKind,
        id: TicketId,
        now: Timestamp,
    ) -> Result<Option<Found>, StoreError> {
        let (part, key) = place(id);
        let Some(entry) = self.kv.get(part, &key, now).await? else {
            return Ok(None);
        };
        let (ticket, over) = read(id, &entry.value)?;
        let theirs = ticket.tenant == tenant && ticket.kind == kind;
        Ok((theirs && !over).then_some(Found {
            ticket,
            bytes: entry.value,
        }))
    }

    /// Replaces the row of a ticket where it is as it was found; says whether it was.
    async fn replace(
        &self,
        found: &Found,
        value: Vec<u8>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (part, key) = place(found.ticket.id);
        let mut batch = Batch::default();
        batch.unchanged(&key, Some(&found.bytes));
        batch.put(key, value, found.ticket.expires_at);
        let commit = self.kv.commit(part, &batch.checks, &batch.writes, now);
        Ok(done(commit.await?))
    }

    /// Ends the ticket and returns it, where there is one to end.
    async fn end(
        &self,
        tenant: TenantId,
        kind: TicketKind,
        id: TicketId,
        now: Timestamp,
    ) -> Result<Option<Ticket>, StoreError> {
        for _ in 0..TRIES {
            let Some(found) = self.find(tenant, kind, id, now).await? else {
                return Ok(None);
            };
            let over = write(&found.ticket, true)?;
            if self.replace(&found, over, now).await? {
                return Ok(Some(found.ticket));
            }
        }
        Err(contended())
    }
}

#[async_trait]
impl<K: KeyValueStore> TicketStore for KvTickets<K> {
    async fn issue_ticket(&self, ticket: &Ticket) -> Result<TicketIssue, StoreError> {
        let (part, key) = place(ticket.id);
        let mut batch = Batch::default();
        batch.unchanged(&key, None);
        batch.put(key, write(ticket, false)?, ticket.expires_at);
        let commit = self
            .kv
            .commit(part, &batch.checks, &batch.writes, ticket.created_at);
        Ok(if done(commit.await?) {
            TicketIssue::Issued
        } else {
            TicketIssue::IdTaken
        })
    }

    async fn peek_ticket(
        &self,
        tenant: TenantId,
        kind: TicketKind,
        id: TicketId,
        now: Timestamp,
    ) -> Result<Option<Ticket>, StoreError> {
        let found = self.find(tenant, kind, id, now).await?;
        let ticket = found.map(|found| found.ticket);
        Ok(ticket.filter(|ticket| ticket.attempts_left > 0))
    }

    async fn attempt_ticket(
        &self,
        tenant: TenantId,
        kind: TicketKind,
        id: TicketId,
        now: Timestamp,
    ) -> Result<Option<Ticket>, StoreError> {
        for _ in 0..TRIES {
            let Some(mut found) = self.find(tenant, kind, id, now).await? else {
                return Ok(None);
            };
            let Some(left) = found.ticket.attempts_left.checked_sub(1) else {
                return Ok(None);
            };
            found.ticket.attempts_left = left;
            let counted = write(&found.ticket, false)?;
            if self.replace(&found, counted, now).await? {
                return Ok(Some(found.ticket));
            }
        }
        Err(contended())
    }

    async fn take_ticket(
        &self,
        tenant: TenantId,
        kind: TicketKind,
        id: TicketId,
        now: Timestamp,
    ) -> Result<Option<Ticket>, StoreError> {
        self.end(tenant, kind, id, now).await
    }

    async fn revoke_ticket(
        &self,
        tenant: TenantId,
        kind: TicketKind,
        id: TicketId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.end(tenant, kind, id, now).await?.is_some())
    }

    async fn purge_tickets(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.kv.purge(&[space::TICKET], now).await
    }
}
