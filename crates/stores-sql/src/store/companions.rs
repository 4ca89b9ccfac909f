//! What travels with a write: [`Along`] as steps before and after the effect.

use portcullis_core::along::{Along, Refusal, Spend};
use portcullis_core::error::StoreError;
use portcullis_core::event::AuthEvent;
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::mail::OutboxMail;
use portcullis_core::verification::{TokenRejection, VerificationToken};

use super::accounts::epoch_step;
use super::attempts::forget_step;
use super::history;
use crate::columns::{Columns, Row};
use crate::script::{Script, Step};
use crate::value::{Value, values};

/// The whole script: the token is spent, the password of before is kept, the effect happens, the epoch moves, failures are forgotten, the new token
/// supersedes the older ones, events and mail are appended.
pub(super) fn accompanied(
    along: Along,
    effect: impl FnOnce(&mut Script) -> Result<(), StoreError>,
) -> Result<Script, StoreError> {
    let mut script = Script::default();
    if let Some(spend) = &along.spend {
        script.turns.tokens.push(spend.id);
        script.step(spend_step(spend));
    }
    if let Some(remember) = &along.remember {
        history::remember(&mut script, remember);
    }
    effect(&mut script)?;
    if let Some((tenant, user)) = along.bump_epoch {
        script.turn_of(user);
        script.step(epoch_step(tenant, user));
    }
    for key in &along.forgive {
        script.step(forget_step(key));
    }
    if let Some(token) = along.issue {
        issue(&mut script, &token);
    }
    for event in &along.events {
        script.step(event_step(event)?);
    }
    for mail in &along.mail {
        script.step(mail_step(mail));
    }
    Ok(script)
}

/// The owner of the token `v` is there, and their epoch has not moved since it was made.
macro_rules! owner_unmoved {
    () => {
        "(v.user_id IS NULL OR EXISTS (SELECT 1 FROM accounts a \
         WHERE a.tenant_id = v.tenant_id AND a.user_id = v.user_id \
         AND (v.epoch IS NULL OR a.epoch = v.epoch)))"
    };
}
pub(super) use owner_unmoved;

const SPEND: &str = concat!(
    "UPDATE verification_tokens AS v SET consumed_at = ? \
     WHERE id = ? AND tenant_id = ? AND kind = ? \
     AND consumed_at IS NULL AND superseded_at IS NULL AND expires_at > ? AND ",
    owner_unmoved!()
);

const WHY_NOT_SPENT: &str = concat!(
    "SELECT v.kind = ?, v.consumed_at IS NULL, v.superseded_at IS NULL AND ",
    owner_unmoved!(),
    " FROM verification_tokens v WHERE v.id = ? AND v.tenant_id = ?"
);

fn spend_step(spend: &Spend) -> Step {
    let Spend {
        tenant,
        id,
        kind,
        now,
    } = *spend;
    let kind = kind.as_str();
    Step::new(
        "spend the token",
        SPEND,
        values![now, id, tenant, kind, now],
    )
    .one_or_why(WHY_NOT_SPENT, values![kind, id, tenant], rejection)
}

/// The first reason that applies.
fn rejection(rows: &[Row]) -> Result<Refusal, StoreError> {
    let Some(row) = rows.first() else {
        return Ok(Refusal::Token(TokenRejection::Unknown));
    };
    let mut columns = Columns::new(row);
    columns.of("verification_tokens");
    let same_kind = columns.flag("kind")?;
    let unused = columns.flag("consumed_at")?;
    let newest = columns.flag("superseded_at")?;
    Ok(Refusal::Token(match (same_kind, unused, newest) {
        (false, _, _) => TokenRejection::OtherKind,
        (true, false, _) => TokenRejection::Consumed,
        (true, true, false) => TokenRejection::Superseded,
        (true, true, true) => TokenRejection::Expired,
    }))
}

/// Only tokens that still work: one that has expired stays expired.
pub(super) const SUPERSEDE_OWNED: &str = "UPDATE verification_tokens SET superseded_at = ? \
     WHERE tenant_id = ? AND user_id = ? AND kind = ? \
     AND consumed_at IS NULL AND superseded_at IS NULL AND expires_at > ?";

pub(super) const SUPERSEDE_UNOWNED: &str = "UPDATE verification_tokens SET superseded_at = ? \
     WHERE tenant_id = ? AND email = ? AND kind = ? AND user_id IS NULL \
     AND consumed_at IS NULL AND superseded_at IS NULL AND expires_at > ?";

const ISSUE: &str = "INSERT INTO verification_tokens \
     (id, kind, tenant_id, email, user_id, epoch, payload, payload_key_version, \
     digest, digest_key_version, created_at, expires_at, consumed_at, superseded_at) \
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// Only to somebody who is there: the turn is taken before, so it sees who was erased meanwhile.
const ISSUE_OWNED: &str = "INSERT INTO verification_tokens \
     (id, kind, tenant_id, email, user_id, epoch, payload, payload_key_version, \
     digest, digest_key_version, created_at, expires_at, consumed_at, superseded_at) \
     SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM accounts \
     WHERE tenant_id = ? AND user_id = ? AND state <> 'archived')";

fn issue(script: &mut Script, token: &VerificationToken) {
    let kind = token.kind.as_str();
    let now = token.created_at;
    let older = |whose: Value| {
        let (tenant, at) = (token.tenant.into(), Value::from(now));
        vec![at.clone(), tenant, whose, kind.into(), at]
    };
    match token.user {
        Some(user) => {
            script.turn_of(user);
            let values = older(user.into());
            script.step(Step::new("supersede older tokens", SUPERSEDE_OWNED, values));
        }
        None => {
            let address = (token.tenant, token.email.clone());
            script.turns.addresses.push(address);
        }
    }
    // Also those of before the address was anybody's.
    let values = older((&token.email).into());
    script.step(Step::new(
        "supersede tokens of nobody",
        SUPERSEDE_UNOWNED,
        values,
    ));
    let (payload, payload_version) = match &token.payload {
        Some(sealed) => (Some(&*sealed.bytes), Some(sealed.key_version)),
        None => (None, None),
    };
    let mut values = values![
        token.id,
        kind,
        token.tenant,
        &token.email,
        token.user,
        token.epoch.map(|epoch| epoch.0),
        payload,
        payload_version,
        token.digest.bytes,
        token.digest.key_version,
        token.created_at,
        token.expires_at,
        token.consumed_at,
        token.superseded_at,
    ];
    script.step(match token.user {
        Some(user) => {
            values.extend(values![token.tenant, user]);
            Step::new("issue a token", ISSUE_OWNED, values).one_or(Refusal::NotFound)
        }
        None => Step::new("issue a token", ISSUE, values),
    });
}

const RECORD: &str = "INSERT INTO auth_events \
     (id, at, tenant_id, subject_id, actor_id, kind, status, reason, ip, user_agent, request_id, detail) \
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

fn event_step(event: &AuthEvent) -> Result<Step, StoreError> {
    let values = values![
        event.id,
        event.at,
        event.tenant,
        event.subject,
        event.actor,
        event.kind.as_str(),
        event.status.as_str(),
        event.reason.map(|reason| reason.as_str()),
        event.client.ip.map(|ip| ip.to_string()),
        event.client.user_agent.as_deref(),
        event.client.request_id.as_deref(),
        Value::json(&event.detail)?,
    ];
    Ok(Step::new("record an event", RECORD, values))
}

const QUEUE: &str = "INSERT INTO outbox \
     (id, tenant_id, user_id, recipient, template, params, params_key_version, created_at, due_at, claim, attempts) \
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, 0)";

fn mail_step(mail: &OutboxMail) -> Step {
    let values = values![
        mail.id,
        mail.tenant,
        mail.user,
        &mail.to,
        mail.template.as_str(),
        &*mail.params.bytes,
        mail.params.key_version,
        mail.created_at,
        mail.created_at,
    ];
    Step::new("queue a mail", QUEUE, values)
}

const ACCOUNT_IS_THERE: &str = "UPDATE accounts SET lock_seq = lock_seq + 1 \
     WHERE tenant_id = ? AND user_id = ? AND state <> 'archived'";

/// The account is there and no tombstone, and other scripts that count its rows wait for this one.
pub(super) fn lock_step(tenant: TenantId, user: UserId) -> Step {
    Step::new("lock the account", ACCOUNT_IS_THERE, values![tenant, user]).takes_turn()
}
