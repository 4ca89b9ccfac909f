//! Tickets. One that is over keeps its row without payload, and so its id, until its deadline.

use async_trait::async_trait;
use portcullis_core::along::Refusal;
use portcullis_core::error::StoreError;
use portcullis_core::id::{TenantId, TicketId};
use portcullis_core::store::{Ticket, TicketIssue, TicketKind, TicketStore};
use portcullis_core::time::Timestamp;

use super::SqlStore;
use crate::columns::Columns;
use crate::driver::Driver;
use crate::script::{Done, Expect, Otherwise, Script, Step};
use crate::value::{Value, values};

macro_rules! select_ticket {
    () => {
        "SELECT id, kind, tenant_id, digest, digest_key_version, payload, payload_key_version, \
         attempts_left, created_at, expires_at FROM tickets WHERE "
    };
}

/// This ticket, while it works.
macro_rules! works {
    () => {
        "id = ? AND tenant_id = ? AND kind = ? AND ended_at IS NULL AND expires_at > ?"
    };
}

pub(super) const PEEK: &str = concat!(select_ticket!(), works!(), " AND attempts_left > 0");
/// Locked, so that what is read is what the next step ends.
const HOLD: &str = concat!(select_ticket!(), works!(), " /*! FOR UPDATE */");
const READ: &str = concat!(select_ticket!(), "id = ?");
const FORGET: &str = "DELETE FROM tickets WHERE id = ? AND expires_at <= ?";
const ISSUE: &str = "INSERT INTO tickets (id, kind, tenant_id, digest, digest_key_version, \
     payload, payload_key_version, attempts_left, created_at, expires_at) \
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
const ATTEMPT: &str = concat!(
    "UPDATE tickets SET attempts_left = attempts_left - 1 WHERE ",
    works!(),
    " AND attempts_left > 0"
);
const END: &str = "UPDATE tickets SET ended_at = ?, payload = ? WHERE id = ?";
const PURGE: &str = "DELETE FROM tickets WHERE expires_at <= ?";

const FOUND: &str = "read the ticket";
const PURGED: &str = "purge tickets";

fn ticket(columns: &mut Columns<'_>) -> Result<Ticket, StoreError> {
    columns.of("tickets");
    Ok(Ticket {
        id: columns.id("id", TicketId::from_bytes)?,
        kind: columns.spelled("kind", TicketKind::from_stored)?,
        tenant: columns.id("tenant_id", TenantId::from_bytes)?,
        digest: columns.digest("digest", "digest_key_version")?,
        payload: columns.sealed("payload", "payload_key_version")?,
        attempts_left: columns.number("attempts_left")?,
        created_at: columns.time("created_at")?,
        expires_at: columns.time("expires_at")?,
    })
}

/// What a ticket answers to.
type Name = (TenantId, TicketKind, TicketId);

/// The values of `works!`.
fn name((tenant, kind, id): Name, now: Timestamp) -> Vec<Value> {
    values![id, tenant, kind.as_str(), now]
}

/// The row that the script found, where it came so far.
fn found(done: Option<Done>) -> Result<Option<Ticket>, StoreError> {
    let Some(done) = done else {
        return Ok(None);
    };
    let corrupt = || StoreError::corrupt("tickets", "id");
    let row = done.rows(FOUND).next().ok_or_else(corrupt)?;
    ticket(&mut Columns::new(row)).map(Some)
}

fn attempt_script(of: Name, now: Timestamp) -> Script {
    let (_, _, id) = of;
    let count = Step::new("count an attempt", ATTEMPT, name(of, now));
    let mut script = Script::of(count.one_or(Refusal::NotFound));
    script.step(Step::new(FOUND, READ, values![id]).expect(Expect::OneRow));
    script
}

fn end_script(of: Name, now: Timestamp) -> Script {
    let (_, _, id) = of;
    let mut hold = Step::new(FOUND, HOLD, name(of, now)).expect(Expect::OneRow);
    hold.otherwise = Otherwise::Refuse(Refusal::NotFound);
    let mut script = Script::of(hold);
    let values = values![now, Value::Blob(Vec::new()), id];
    script.step(Step::new("end the ticket", END, values).expect(Expect::Exactly(1)));
    script
}

#[async_trait]
impl<D: Driver> TicketStore for SqlStore<D> {
    async fn issue_ticket(&self, ticket: &Ticket) -> Result<TicketIssue, StoreError> {
        let past = values![ticket.id, ticket.created_at];
        let mut script = Script::of(Step::new("forget the ticket before", FORGET, past));
        let values = values![
            ticket.id,
            ticket.kind.as_str(),
            ticket.tenant,
            ticket.digest.bytes,
            ticket.digest.key_version,
            &*ticket.payload.bytes,
            ticket.payload.key_version,
            ticket.attempts_left,
            ticket.created_at,
            ticket.expires_at,
        ];
        script.step(Step::new("issue the ticket", ISSUE, values).if_taken(Refusal::Exists));
        Ok(match self.driver.change(script).await? {
            Some(_) => TicketIssue::Issued,
            None => TicketIssue::IdTaken,
        })
    }

    async fn peek_ticket(
        &self,
        tenant: TenantId,
        kind: TicketKind,
        id: TicketId,
        now: Timestamp,
    ) -> Result<Option<Ticket>, StoreError> {
        let values = name((tenant, kind, id), now);
        self.driver.one(PEEK, values, ticket).await
    }

    async fn attempt_ticket(
        &self,
        tenant: TenantId,
        kind: TicketKind,
        id: TicketId,
        now: Timestamp,
    ) -> Result<Option<Ticket>, StoreError> {
        let script = attempt_script((tenant, kind, id), now);
        found(self.driver.change(script).await?)
    }

    async fn take_ticket(
        &self,
        tenant: TenantId,
        kind: TicketKind,
        id: TicketId,
        now: Timestamp,
    ) -> Result<Option<Ticket>, StoreError> {
        let script = end_script((tenant, kind, id), now);
        found(self.driver.change(script).await?)
    }

    async fn revoke_ticket(
        &self,
        tenant: TenantId,
        kind: TicketKind,
        id: TicketId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let script = end_script((tenant, kind, id), now);
        Ok(self.driver.change(script).await?.is_some())
    }

    async fn purge_tickets(&self, now: Timestamp) -> Result<u64, StoreError> {
        let script = Script::of(Step::new(PURGED, PURGE, values![now]));
        Ok(self.driver.done(script).await?.changed(PURGED))
    }
}
