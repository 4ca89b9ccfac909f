//! Everything that ends by itself, in one store.

use std::fmt;

use async_trait::async_trait;

use portcullis_core::error::StoreError;
use portcullis_core::id::{SessionId, TenantId, TicketId, UserId};
use portcullis_core::session::{Session, SessionTouch};
use portcullis_core::store::{
    KeyValueStore, LimitKey, RateLimit, RateLimitStore, SessionInsert, SessionRotation,
    SessionStore, Taken, Ticket, TicketIssue, TicketKind, TicketStore,
};
use portcullis_core::time::Timestamp;

use super::{KvLimits, KvSessions, KvTickets};

/// Sessions, tickets and limits in one key-value store: [`KvSessions`], [`KvTickets`] and [`KvLimits`] as one value.
#[derive(Clone)]
pub struct KvEphemeral<K> {
    sessions: KvSessions<K>,
    tickets: KvTickets<K>,
    limits: KvLimits<K>,
}

impl<K> fmt::Debug for KvEphemeral<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KvEphemeral").finish_non_exhaustive()
    }
}

impl<K: Clone> KvEphemeral<K> {
    /// Over a key-value store, which may hold other things beside.
    #[must_use]
    pub fn new(kv: K) -> Self {
        Self {
            sessions: KvSessions::new(kv.clone()),
            tickets: KvTickets::new(kv.clone()),
            limits: KvLimits::new(kv),
        }
    }
}

macro_rules! delegate {
    ($($trait:ident to $field:ident {
        $(fn $method:ident($($arg:ident: $ty:ty),*) -> $answer:ty;)+
    })+) => {$(
        #[async_trait]
        impl<K: KeyValueStore> $trait for KvEphemeral<K> {
            $(async fn $method(&self, $($arg: $ty),*) -> Result<$answer, StoreError> {
                self.$field.$method($($arg),*).await
            })+
        }
    )+};
}

#[rustfmt::skip]
delegate! {
    SessionStore to sessions {
        fn insert_session(session: &Session, cap: u32) -> SessionInsert;
        fn session(id: SessionId) -> Option<Session>;
        fn touch_sessions(touches: &[SessionTouch]) -> ();
        fn rename_session(tenant: TenantId, user: UserId, id: SessionId, name: Option<&str>, now: Timestamp) -> bool;
        fn rotate_session(old: SessionId, new: &Session, now: Timestamp) -> SessionRotation;
        fn revoke_session(tenant: TenantId, user: UserId, id: SessionId, now: Timestamp) -> bool;
        fn revoke_sessions(tenant: TenantId, user: UserId, keep: Option<SessionId>, now: Timestamp) -> u32;
        fn list_sessions(tenant: TenantId, user: UserId, now: Timestamp) -> Vec<Session>;
        fn erase_sessions(tenant: TenantId, user: UserId) -> u64;
        fn prune_sessions(now: Timestamp) -> u64;
    }
    TicketStore to tickets {
        fn issue_ticket(ticket: &Ticket) -> TicketIssue;
        fn peek_ticket(tenant: TenantId, kind: TicketKind, id: TicketId, now: Timestamp) -> Option<Ticket>;
        fn attempt_ticket(tenant: TenantId, kind: TicketKind, id: TicketId, now: Timestamp) -> Option<Ticket>;
        fn take_ticket(tenant: TenantId, kind: TicketKind, id: TicketId, now: Timestamp) -> Option<Ticket>;
        fn revoke_ticket(tenant: TenantId, kind: TicketKind, id: TicketId, now: Timestamp) -> bool;
        fn purge_tickets(now: Timestamp) -> u64;
    }
    RateLimitStore to limits {
        fn take(key: &LimitKey, limit: &RateLimit, now: Timestamp) -> Taken;
        fn refund(key: &LimitKey, limit: &RateLimit, now: Timestamp) -> ();
        fn purge_limits(now: Timestamp) -> u64;
    }
}
