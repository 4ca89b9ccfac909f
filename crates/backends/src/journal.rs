//! Writes the audit log: begins events of this moment, and notes refusals without letting them fill the log.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use portcullis_core::along::{Along, Write};
use portcullis_core::clock::Clock;
use portcullis_core::entropy::{Entropy, EntropyError};
use portcullis_core::event::{AuthEvent, AuthEventStatus, AuthEventType, Reason};
use portcullis_core::id::{EventId, TenantId, UserId};
use portcullis_core::net::ClientInfo;
use portcullis_core::store::SecurityStore;
use portcullis_core::time::Timestamp;
use serde_json::Value;

use crate::error::FlowError;

/// A refusal of one person for one reason is logged at most this often, so that a program that keeps trying with a
/// dead token does not fill the log.
const NOTED_AGAIN_AFTER: Duration = Duration::from_secs(60);
const NOTED_MAX: usize = 4096;

pub(crate) struct Journal {
    security: Arc<dyn SecurityStore>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    noted: Mutex<HashMap<Noted, Timestamp>>,
}

/// What is noted once in a while.
type Noted = ([u8; 16], AuthEventType, Reason);

impl Journal {
    pub(crate) fn new(
        security: Arc<dyn SecurityStore>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self {
            security,
            clock,
            entropy,
            noted: Mutex::default(),
        }
    }

    /// Begins an event of this moment.
    pub(crate) fn event(
        &self,
        tenant: TenantId,
        kind: AuthEventType,
        client: &ClientInfo,
    ) -> Result<EventDraft, EntropyError> {
        let at = self.clock.now();
        Ok(EventDraft(AuthEvent {
            id: EventId::time_ordered(at, &*self.entropy)?,
            at,
            tenant: Some(tenant),
            subject: None,
            actor: None,
            kind,
            status: AuthEventStatus::Success,
            reason: None,
            client: client.for_event(),
            detail: Value::Null,
        }))
    }

    /// Notes a refusal, throttled. A log that cannot be written does not turn a refusal into anything else: for what
    /// changes nothing the log fails open, and says so (SECURITY LG-05).
    pub(crate) async fn note(
        &self,
        tenant: TenantId,
        user: UserId,
        kind: AuthEventType,
        reason: Reason,
        detail: Value,
        client: &ClientInfo,
    ) {
        let (key, about) = (*user.as_bytes(), Some(user));
        self.note_once(key, tenant, about, kind, reason, detail, client)
            .await;
    }

    /// The same for somebody who may be nobody: `key` says which of them was noted before.
    #[expect(
        clippy::too_many_arguments,
        reason = "an event's fields, each used once"
    )]
    pub(crate) async fn note_once(
        &self,
        key: [u8; 16],
        tenant: TenantId,
        about: Option<UserId>,
        kind: AuthEventType,
        reason: Reason,
        detail: Value,
        client: &ClientInfo,
    ) {
        let Some(unwritten) = self.first_in_a_while((key, kind, reason)) else {
            return;
        };
        let noted = async {
            let event = self
                .event(tenant, kind, client)?
                .about_if_known(about)
                .refused(reason)
                .with(detail)
                .finish();
            match self.security.record(Along::event(event)).await? {
                Write::Applied(()) => Ok(()),
                Write::Refused(refusal) => Err(FlowError::internal(refusal)),
            }
        };
        match noted.await {
            Ok(()) => unwritten.written(),
            Err(error) => tracing::error!(
                error = &error as &dyn std::error::Error,
                "a refusal is missing from the audit log"
            ),
        }
    }

    fn first_in_a_while(&self, key: Noted) -> Option<Unwritten<'_>> {
        let now = self.clock.now();
        let mut noted = self.noted();
        if noted
            .get(&key)
            .is_some_and(|at| now < at.plus(NOTED_AGAIN_AFTER))
        {
            return None;
        }
        if noted.len() >= NOTED_MAX {
            noted.retain(|_, at| now < at.plus(NOTED_AGAIN_AFTER));
        }
        if noted.len() >= NOTED_MAX {
            noted.clear();
        }
        noted.insert(key, now);
        Some(Unwritten {
            journal: self,
            key: Some(key),
        })
    }

    fn noted(&self) -> MutexGuard<'_, HashMap<Noted, Timestamp>> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes room for the next note where this one is not written: the log failed, or the client hung up.
struct Unwritten<'a> {
    journal: &'a Journal,
    key: Option<Noted>,
}

impl Unwritten<'_> {
    fn written(mut self) {
        self.key = None;
    }
}

impl Drop for Unwritten<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.journal.noted().remove(&key);
        }
    }
}

/// An audit event being filled in.
pub(crate) struct EventDraft(AuthEvent);

impl EventDraft {
    pub(crate) fn about(mut self, subject: UserId) -> Self {
        self.0.subject = Some(subject);
        self
    }

    pub(crate) fn about_if_known(mut self, subject: Option<UserId>) -> Self {
        self.0.subject = subject;
        self
    }

    pub(crate) fn by(mut self, actor: UserId) -> Self {
        self.0.actor = Some(actor);
        self
    }

    pub(crate) fn refused(mut self, reason: Reason) -> Self {
        self.0.status = AuthEventStatus::Failure;
        self.0.reason = Some(reason);
        self
    }

    pub(crate) fn with(mut self, detail: Value) -> Self {
        self.0.detail = detail;
        self
    }

    pub(crate) fn finish(self) -> AuthEvent {
        self.0
    }
}
