//! Sessions. An ended one keeps its row, and so its id, until its absolute deadline.

use async_trait::async_trait;
use portcullis_core::along::{Refusal, Write};
use portcullis_core::error::StoreError;
use portcullis_core::id::{SessionId, TenantId, UserId};
use portcullis_core::session::{Device, ResolvedSession, Session, SessionTouch};
use portcullis_core::store::{ResolveSession, SessionInsert, SessionRotation, SessionStore};
use portcullis_core::time::Timestamp;

use super::SqlStore;
use super::companions::lock_step;
use super::subject::{epoch, subject, subject_columns};
use crate::columns::Columns;
use crate::driver::{Driver, each};
use crate::script::{Script, Step};
use crate::value::{Value, values};

macro_rules! session_columns {
    () => {
        "s.id, s.user_id, s.tenant_id, s.epoch, s.digest, s.digest_key_version, s.assurance, \
         s.created_at, s.seen_at, s.idle_deadline, s.absolute_deadline, \
         s.ip, s.user_agent, s.name, s.actor_id, s.revoked_at"
    };
}

/// Live at the same moment, given twice.
macro_rules! live {
    () => {
        "revoked_at IS NULL AND idle_deadline > ? AND absolute_deadline > ?"
    };
}

const SESSION: &str = concat!(
    "SELECT ",
    session_columns!(),
    " FROM sessions s WHERE s.id = ?"
);

pub(super) const RESOLVE: &str = concat!(
    "SELECT ",
    session_columns!(),
    ", ",
    subject_columns!(),
    " FROM sessions s \
     JOIN accounts a ON a.tenant_id = s.tenant_id AND a.user_id = s.user_id \
     JOIN tenant_security t ON t.tenant_id = s.tenant_id WHERE s.id = ?"
);

pub(super) const LIST: &str = concat!(
    "SELECT ",
    session_columns!(),
    " FROM sessions s WHERE s.tenant_id = ? AND s.user_id = ? AND ",
    live!(),
    " ORDER BY s.created_at DESC, s.id DESC"
);

fn session(columns: &mut Columns<'_>) -> Result<Session, StoreError> {
    columns.of("sessions");
    Ok(Session {
        id: columns.id("id", SessionId::from_bytes)?,
        user: columns.id("user_id", UserId::from_bytes)?,
        tenant: columns.id("tenant_id", TenantId::from_bytes)?,
        epoch: epoch(columns)?,
        digest: columns.digest("digest", "digest_key_version")?,
        assurance: columns.json("assurance")?,
        created_at: columns.time("created_at")?,
        seen_at: columns.time("seen_at")?,
        idle_deadline: columns.time("idle_deadline")?,
        absolute_deadline: columns.time("absolute_deadline")?,
        device: Device {
            ip: columns.optional_spelled("ip", |text| text.parse().ok())?,
            user_agent: columns.optional_text("user_agent")?,
        },
        name: columns.optional_text("name")?,
        actor: columns.optional_id("actor_id", UserId::from_bytes)?,
        revoked_at: columns.optional_time("revoked_at")?,
    })
}

fn resolved(columns: &mut Columns<'_>) -> Result<ResolvedSession, StoreError> {
    Ok(ResolvedSession {
        session: session(columns)?,
        subject: subject(columns)?,
    })
}

const INSERT: &str = "INSERT INTO sessions \
     (id, tenant_id, user_id, epoch, digest, digest_key_version, assurance, created_at, seen_at, \
     idle_deadline, absolute_deadline, ip, user_agent, name, actor_id, revoked_at) \
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

fn insert_step(session: &Session) -> Result<Step, StoreError> {
    let values = values![
        session.id,
        session.tenant,
        session.user,
        session.epoch.0,
        session.digest.bytes,
        session.digest.key_version,
        Value::json(&session.assurance)?,
        session.created_at,
        session.seen_at,
        session.idle_deadline,
        session.absolute_deadline,
        session.device.ip.map(|ip| ip.to_string()),
        session.device.user_agent.as_deref(),
        session.name.as_deref(),
        session.actor,
        session.revoked_at,
    ];
    Ok(Step::new("insert the session", INSERT, values).if_taken(Refusal::Exists))
}

/// Those unused for longest, so that so many remain.
pub(super) const EVICT: &str = concat!(
    "UPDATE sessions SET revoked_at = ? WHERE id IN (SELECT id FROM sessions \
     WHERE tenant_id = ? AND user_id = ? AND ",
    live!(),
    " ORDER BY seen_at DESC, created_at DESC, id DESC LIMIT -1 OFFSET ?)"
);
const EVICTED: &str = "end surplus sessions";

const TOUCH: &str = concat!(
    "UPDATE sessions SET seen_at = max(seen_at, ?), \
     idle_deadline = max(idle_deadline, min(?, absolute_deadline)) WHERE id = ? AND ",
    live!()
);
const REVOKE: &str = concat!(
    "UPDATE sessions SET revoked_at = ? WHERE id = ? AND tenant_id = ? AND user_id = ? AND ",
    live!()
);
const RENAME: &str = concat!(
    "UPDATE sessions SET name = ? WHERE id = ? AND tenant_id = ? AND user_id = ? AND ",
    live!()
);
/// The name as the old session has it once it is ended: nobody changes it any more.
const TAKE_NAME: &str =
    "UPDATE sessions SET name = (SELECT o.name FROM sessions o WHERE o.id = ?) WHERE id = ?";
pub(super) const REVOKE_OTHERS: &str = concat!(
    "UPDATE sessions SET revoked_at = ? WHERE tenant_id = ? AND user_id = ? AND id <> ? AND ",
    live!()
);
const REVOKED: &str = "end sessions";
pub(super) const ERASE: &str = "DELETE FROM sessions WHERE tenant_id = ? AND user_id = ?";
const ERASED: &str = "erase sessions";
const PRUNE: &str = "DELETE FROM sessions WHERE absolute_deadline <= ?";
const PRUNED: &str = "prune sessions";

#[async_trait]
impl<D: Driver> SessionStore for SqlStore<D> {
    async fn insert_session(
        &self,
        session: &Session,
        cap: u32,
    ) -> Result<SessionInsert, StoreError> {
        let Session {
            tenant,
            user,
            created_at: now,
            ..
        } = *session;
        // The new one always stays, whatever the cap.
        let others = cap.saturating_sub(1);
        let mut script = Script::of(lock_step(tenant, user));
        script.turn_of(user);
        let values = values![now, tenant, user, now, now, others];
        script.step(Step::new(EVICTED, EVICT, values));
        script.step(insert_step(session)?);
        Ok(match self.driver.change(script).await? {
            Some(done) => SessionInsert::Inserted {
                evicted: count(done.changed(EVICTED)),
            },
            None => SessionInsert::IdTaken,
        })
    }

    async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        self.driver.one(SESSION, values![id], self::session).await
    }

    async fn touch_sessions(&self, touches: &[SessionTouch]) -> Result<(), StoreError> {
        let mut script = Script::default();
        for touch in touches {
            let at = touch.seen_at;
            let values = values![at, touch.idle_deadline, touch.id, at, at];
            script.turns.sessions.push(touch.id);
            script.step(Step::new("touch a session", TOUCH, values));
        }
        self.driver.done(script).await.map(drop)
    }

    async fn rename_session(
        &self,
        tenant: TenantId,
        user: UserId,
        id: SessionId,
        name: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let values = values![name, id, tenant, user, now, now];
        let step = Step::new("name the session", RENAME, values);
        let script = Script::of(step.one_or(Refusal::NotFound));
        Ok(self.driver.change(script).await?.is_some())
    }

    async fn rotate_session(
        &self,
        old: SessionId,
        new: &Session,
        now: Timestamp,
    ) -> Result<SessionRotation, StoreError> {
        let values = values![now, old, new.tenant, new.user, now, now];
        let end = Step::new("end the old session", REVOKE, values);
        let mut script = Script::of(end.one_or(Refusal::NotFound));
        script.turn_of(new.user);
        script.step(insert_step(new)?);
        let values = values![old, new.id];
        script.step(Step::new("take the name along", TAKE_NAME, values));
        Ok(match self.driver.write(script).await? {
            Write::Applied(_) => SessionRotation::Rotated,
            Write::Refused(Refusal::Exists) => SessionRotation::IdTaken,
            Write::Refused(_) => SessionRotation::Gone,
        })
    }

    async fn revoke_session(
        &self,
        tenant: TenantId,
        user: UserId,
        id: SessionId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let step = Step::new(
            "end the session",
            REVOKE,
            values![now, id, tenant, user, now, now],
        );
        let script = Script::of(step.one_or(Refusal::NotFound));
        Ok(self.driver.change(script).await?.is_some())
    }

    async fn revoke_sessions(
        &self,
        tenant: TenantId,
        user: UserId,
        keep: Option<SessionId>,
        now: Timestamp,
    ) -> Result<u32, StoreError> {
        // No bytes are no id.
        let keep = keep.map_or(Value::Blob(Vec::new()), Value::from);
        let values = values![now, tenant, user, keep, now, now];
        let mut script = Script::of(Step::new(REVOKED, REVOKE_OTHERS, values));
        script.turn_of(user);
        Ok(count(self.driver.done(script).await?.changed(REVOKED)))
    }

    async fn list_sessions(
        &self,
        tenant: TenantId,
        user: UserId,
        now: Timestamp,
    ) -> Result<Vec<Session>, StoreError> {
        let values = values![tenant, user, now, now];
        self.driver.many(LIST, values, each!(session)).await
    }

    async fn erase_sessions(&self, tenant: TenantId, user: UserId) -> Result<u64, StoreError> {
        let mut script = Script::of(Step::new(ERASED, ERASE, values![tenant, user]));
        script.turn_of(user);
        Ok(self.driver.done(script).await?.changed(ERASED))
    }

    async fn prune_sessions(&self, now: Timestamp) -> Result<u64, StoreError> {
        let script = Script::of(Step::new(PRUNED, PRUNE, values![now]));
        Ok(self.driver.done(script).await?.changed(PRUNED))
    }
}

#[async_trait]
impl<D: Driver> ResolveSession for SqlStore<D> {
    async fn resolve_session(&self, id: SessionId) -> Result<Option<ResolvedSession>, StoreError> {
        self.driver.one(RESOLVE, values![id], resolved).await
    }
}

fn count(rows: u64) -> u32 {
    u32::try_from(rows).unwrap_or(u32::MAX)
}
