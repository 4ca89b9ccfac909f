//! What becomes of accounts that are closed, or were never proved.

use async_trait::async_trait;
use portcullis_core::along::{Along, Refusal};
use portcullis_core::entity::{Erasure, Unproved};
use portcullis_core::error::StoreError;
use portcullis_core::id::{TenantId, UserId, ensure_user_id_not_reserved};
use portcullis_core::state::EntityState;
use portcullis_core::store::{AccountErasure, Due, NEVER_PROVED, WriteResult};
use portcullis_core::time::Timestamp;

use super::SqlStore;
use super::companions::accompanied;
use super::subject::state;
use crate::columns::{Columns, Row};
use crate::driver::{Driver, each};
use crate::script::{Script, Step};
use crate::value::values;

pub(super) const STATE: &str = "SELECT state FROM accounts WHERE tenant_id = ? AND user_id = ?";

pub(super) fn transition(rows: &[Row]) -> Result<Refusal, StoreError> {
    let Some(row) = rows.first() else {
        return Ok(Refusal::NotFound);
    };
    let from = state(Columns::new(row).of("accounts"))?;
    Ok(Refusal::Transition { from })
}

/// What the account row says of a person goes; the row stays.
const ARCHIVE: &str = "UPDATE accounts SET state = 'archived', state_reason = NULL, \
     state_since = ?, state_until = NULL, handle = '', roles = '[]', last_sign_in = NULL \
     WHERE tenant_id = ? AND user_id = ? AND state = 'terminated'";

const FORGET_PROOFS: &str = "DELETE FROM verified_identifiers WHERE tenant_id = ? AND user_id = ?";
const FORGET_FACTORS: &str = "DELETE FROM factors WHERE tenant_id = ? AND user_id = ?";
const FORGET_HISTORY: &str = "DELETE FROM password_history WHERE tenant_id = ? AND user_id = ?";
pub(super) const FORGET_API_TOKENS: &str =
    "DELETE FROM api_tokens WHERE tenant_id = ? AND owner_id = ?";
pub(super) const FORGET_FAMILIES: &str =
    "DELETE FROM refresh_families WHERE tenant_id = ? AND user_id = ?";
pub(super) const FORGET_LINKS: &str =
    "DELETE FROM verification_tokens WHERE tenant_id = ? AND user_id = ?";
/// Links that went to their address before they had an account.
pub(super) const FORGET_LINKS_TO: &str = "DELETE FROM verification_tokens \
     WHERE tenant_id = ? AND email = ? AND user_id IS NULL AND created_at <= ?";

// The outbox holds what waits and what is dead, and is never long.
/// Mail to their address before they had an account: what is about somebody else stays, whoever asked for mail there.
const FORGET_MAIL_TO: &str = "DELETE FROM outbox \
     WHERE tenant_id = ? AND recipient = ? AND user_id IS NULL AND created_at <= ?";
/// Mail about them, wherever it goes.
const FORGET_MAIL: &str = "DELETE FROM outbox WHERE tenant_id = ? AND user_id = ?";

const FORGET_ATTEMPTS: &str = "DELETE FROM attempts WHERE tenant_id = ? AND identifier = ?";

// The schema lets events be emptied like this and not otherwise, and only those of an archived account.
pub(super) const EMPTY_EVENTS: &str = "UPDATE auth_events \
     SET ip = NULL, user_agent = NULL, request_id = NULL, detail = 'null' \
     WHERE tenant_id = ? AND subject_id = ?";
pub(super) const EMPTY_UNSCOPED_EVENTS: &str = "UPDATE auth_events \
     SET ip = NULL, user_agent = NULL, request_id = NULL, detail = 'null' \
     WHERE tenant_id IS NULL AND subject_id = ?";
/// What they did to others stays, without from where.
pub(super) const EMPTY_DEEDS: &str = "UPDATE auth_events \
     SET ip = NULL, user_agent = NULL, request_id = NULL WHERE tenant_id = ? AND actor_id = ?";

/// Archives the account and erases what is kept of its owner.
pub(super) fn erase_account(script: &mut Script, erasure: &Erasure) {
    let Erasure {
        tenant,
        user,
        until,
        ..
    } = *erasure;
    if ensure_user_id_not_reserved(user).is_err() {
        script.refuse(Refusal::Reserved);
        return;
    }
    script.turn_of(user);
    let archive = Step::new("archive", ARCHIVE, values![erasure.now, tenant, user]).takes_turn();
    script.step(archive.one_or_why(STATE, values![tenant, user], transition));
    for identifier in &erasure.identifiers {
        let mail = values![tenant, &identifier.raw, until];
        script.step(Step::new("forget mail", FORGET_MAIL_TO, mail));
        let links = values![tenant, &identifier.canonical, until];
        script.step(Step::new("forget links", FORGET_LINKS_TO, links));
    }
    for (name, sql) in [
        ("forget proofs", FORGET_PROOFS),
        ("forget factors", FORGET_FACTORS),
        ("forget earlier passwords", FORGET_HISTORY),
        ("forget API tokens", FORGET_API_TOKENS),
        ("forget refresh families", FORGET_FAMILIES),
        ("forget links", FORGET_LINKS),
        ("forget mail", FORGET_MAIL),
    ] {
        script.step(Step::new(name, sql, values![tenant, user]));
    }
    for digest in &erasure.attempts {
        let values = values![tenant, *digest];
        script.step(Step::new("forget attempts", FORGET_ATTEMPTS, values));
    }
    let of_them = values![tenant, user];
    script.step(Step::new("empty events", EMPTY_EVENTS, of_them));
    let values = values![user];
    script.step(Step::new("empty events", EMPTY_UNSCOPED_EVENTS, values));
    script.step(Step::new("empty deeds", EMPTY_DEEDS, values![tenant, user]));
}

/// Nothing of the account `a` is proved, and no link could still prove it.
macro_rules! unproved {
    () => {
        "NOT EXISTS (SELECT 1 FROM verified_identifiers p \
         WHERE p.tenant_id = a.tenant_id AND p.user_id = a.user_id) \
         AND NOT EXISTS (SELECT 1 FROM verification_tokens v \
         WHERE v.tenant_id = a.tenant_id AND v.user_id = a.user_id \
         AND v.consumed_at IS NULL AND v.superseded_at IS NULL AND v.expires_at > ?)"
    };
}

/// The reason is [`NEVER_PROVED`].
pub(super) const CLOSE_UNPROVED: &str = concat!(
    "UPDATE accounts AS a SET state = 'terminated', state_reason = ?, state_since = ?, \
     state_until = NULL, epoch = epoch + 1 \
     WHERE tenant_id = ? AND user_id = ? AND state = 'pending' AND state_since <= ? \
     AND epoch < 4294967295 AND ",
    unproved!()
);

fn not_closed(rows: &[Row]) -> Result<Refusal, StoreError> {
    Ok(match transition(rows)? {
        Refusal::Transition {
            from: EntityState::Pending,
        } => Refusal::Stale,
        other => other,
    })
}

pub(super) fn close_unproved(script: &mut Script, unproved: &Unproved) {
    let Unproved {
        tenant,
        user,
        pending_since,
        now,
    } = *unproved;
    script.turn_of(user);
    let values = values![NEVER_PROVED, now, tenant, user, pending_since, now];
    // The turn is taken before: what the statement looks for in other tables it then sees as it is.
    let close = Step::new("close the account", CLOSE_UNPROVED, values);
    script.step(close.one_or_why(STATE, values![tenant, user], not_closed));
}

/// What hangs on the row goes with it.
const REMOVE_ACCOUNT: &str = "DELETE FROM accounts \
     WHERE tenant_id = ? AND user_id = ? AND state = 'terminated' AND state_reason = ? \
     AND NOT EXISTS (SELECT 1 FROM verified_identifiers p \
     WHERE p.tenant_id = accounts.tenant_id AND p.user_id = accounts.user_id)";

pub(super) fn remove_unproved(script: &mut Script, tenant: TenantId, user: UserId) {
    script.turn_of(user);
    let values = values![tenant, user, NEVER_PROVED];
    let remove = Step::new("remove the account", REMOVE_ACCOUNT, values);
    script.step(remove.one_or_why(STATE, values![tenant, user], transition));
    for (name, sql) in [("forget links", FORGET_LINKS), ("forget mail", FORGET_MAIL)] {
        script.step(Step::new(name, sql, values![tenant, user]));
    }
}

pub(super) const CLOSED: &str = "SELECT state_since, user_id FROM accounts \
     WHERE tenant_id = ? AND state = 'terminated' AND state_since <= ? \
     AND (state_since, user_id) > (?, ?) ORDER BY state_since, user_id LIMIT ?";

/// Those to be closed, and those that are closed already and were left there.
const UNPROVED: &str = concat!(
    "SELECT state_since, user_id FROM (\
     SELECT * FROM (SELECT user_id, state_since FROM accounts a \
     WHERE tenant_id = ? AND state = 'pending' AND state_since <= ? \
     AND (state_since, user_id) > (?, ?) AND ",
    unproved!(),
    " ORDER BY state_since, user_id LIMIT ?) pending \
     UNION ALL \
     SELECT * FROM (SELECT user_id, state_since FROM accounts a \
     WHERE tenant_id = ? AND state = 'terminated' AND state_reason = ? \
     AND (state_since, user_id) > (?, ?) \
     AND NOT EXISTS (SELECT 1 FROM verified_identifiers p \
     WHERE p.tenant_id = a.tenant_id AND p.user_id = a.user_id) \
     ORDER BY state_since, user_id LIMIT ?) closed\
     ) either ORDER BY state_since, user_id LIMIT ?"
);

fn due(columns: &mut Columns<'_>) -> Result<Due, StoreError> {
    columns.of("accounts");
    Ok(Due {
        since: columns.time("state_since")?,
        user: columns.id("user_id", UserId::from_bytes)?,
    })
}

#[async_trait]
impl<D: Driver> AccountErasure for SqlStore<D> {
    async fn closed_accounts(
        &self,
        tenant: TenantId,
        closed_by: Timestamp,
        after: Option<Due>,
        limit: u32,
    ) -> Result<Vec<Due>, StoreError> {
        let after = after.unwrap_or(Due::FIRST);
        let values = values![tenant, closed_by, after.since, after.user, limit];
        self.driver.many(CLOSED, values, each!(due)).await
    }

    async fn unproved_accounts(
        &self,
        tenant: TenantId,
        pending_since: Timestamp,
        now: Timestamp,
        after: Option<Due>,
        limit: u32,
    ) -> Result<Vec<Due>, StoreError> {
        let Due { since, user } = after.unwrap_or(Due::FIRST);
        let mut values = values![tenant, pending_since, since, user, now, limit];
        values.extend(values![tenant, NEVER_PROVED, since, user, limit, limit]);
        self.driver.many(UNPROVED, values, each!(due)).await
    }

    async fn erase_account(&self, erasure: &Erasure, along: Along) -> WriteResult<()> {
        let script = accompanied(along, |script| {
            self::erase_account(script, erasure);
            Ok(())
        })?;
        Ok(self.driver.write(script).await?.map(drop))
    }

    async fn close_unproved(&self, unproved: &Unproved, along: Along) -> WriteResult<()> {
        let script = accompanied(along, |script| {
            self::close_unproved(script, unproved);
            Ok(())
        })?;
        Ok(self.driver.write(script).await?.map(drop))
    }

    async fn remove_unproved(
        &self,
        tenant: TenantId,
        user: UserId,
        along: Along,
    ) -> WriteResult<()> {
        let script = accompanied(along, |script| {
            self::remove_unproved(script, tenant, user);
            Ok(())
        })?;
        Ok(self.driver.write(script).await?.map(drop))
    }
}
