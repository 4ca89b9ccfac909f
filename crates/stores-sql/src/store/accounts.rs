//! Accounts: state, epoch, what is proved. The trait's methods about tenants are in [`tenants`](super::tenants).

use async_trait::async_trait;
use portcullis_core::along::{Along, Refusal, Write};
use portcullis_core::entity::{
    Account, Epoch, IdentifierChange, SubjectState, TenantSecurity, VerifiedIdentifier,
};
use portcullis_core::error::StoreError;
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::identifier::IdentifierKind;
use portcullis_core::state::{EntityState, Status};
use portcullis_core::store::{AccountStore, Activation, WriteResult};
use portcullis_core::time::Timestamp;

use super::SqlStore;
use super::companions::{accompanied, lock_step};
use super::factors::put_factor_step;
use super::subject::{effective_state, epoch, sources, state, status, subject, subject_columns};
use super::tenants;
use crate::columns::{Columns, Row};
use crate::driver::Driver;
use crate::script::{Expect, Script, Step};
use crate::value::values;

pub(super) const ACCOUNT: &str = "SELECT a.user_id, a.tenant_id, a.handle, \
     a.state, a.state_reason, a.state_since, a.state_until, a.epoch, a.last_sign_in, a.roles, \
     v.kind, v.canonical, v.verified_at \
     FROM accounts a LEFT JOIN verified_identifiers v \
     ON v.tenant_id = a.tenant_id AND v.user_id = a.user_id \
     WHERE a.tenant_id = ? AND a.user_id = ? ORDER BY v.place";

/// A row for each proved identifier, and one for an account without.
fn add_account(accounts: &mut Vec<Account>, columns: &mut Columns<'_>) -> Result<(), StoreError> {
    if accounts.is_empty() {
        columns.of("accounts");
        accounts.push(Account {
            user: columns.id("user_id", UserId::from_bytes)?,
            tenant: columns.id("tenant_id", TenantId::from_bytes)?,
            handle: columns.text("handle")?,
            status: status(columns)?,
            epoch: epoch(columns)?,
            last_sign_in: columns.optional_time("last_sign_in")?,
            roles: columns.json("roles")?,
            verified: Vec::new(),
        });
    } else {
        columns.skip(10);
    }
    if columns.is_null() {
        return Ok(());
    }
    columns.of("verified_identifiers");
    let verified = VerifiedIdentifier {
        kind: columns.spelled("kind", IdentifierKind::from_stored)?,
        canonical: columns.text("canonical")?,
        at: columns.time("verified_at")?,
    };
    if let Some(account) = accounts.last_mut() {
        account.verified.push(verified);
    }
    Ok(())
}

pub(super) const SUBJECT: &str = concat!(
    "SELECT ",
    subject_columns!(),
    " FROM accounts a JOIN tenant_security t ON t.tenant_id = a.tenant_id \
     WHERE a.tenant_id = ? AND a.user_id = ?"
);

const SET_STATE: &str = concat!(
    "UPDATE accounts SET state = ?, state_reason = ?, state_since = ?, state_until = ? \
     WHERE tenant_id = ? AND user_id = ? AND ",
    effective_state!(),
    " IN (?, ?, ?, ?, ?, ?)"
);

const STATE: &str = concat!(
    "SELECT ",
    effective_state!(),
    " FROM accounts WHERE tenant_id = ? AND user_id = ?"
);

/// Why an account does not take a state.
fn transition(rows: &[Row]) -> Result<Refusal, StoreError> {
    let Some(row) = rows.first() else {
        return Ok(Refusal::NotFound);
    };
    let from = state(Columns::new(row).of("accounts"))?;
    Ok(Refusal::Transition { from })
}

fn state_step(tenant: TenantId, user: UserId, to: &Status) -> Step {
    let now = to.detail.since;
    let mut values = values![
        to.state.as_str(),
        to.detail.reason.as_deref(),
        now,
        to.detail.until,
        tenant,
        user,
        now,
    ];
    values.extend(sources(to.state));
    let step = Step::new("set the state", SET_STATE, values).takes_turn();
    step.one_or_why(STATE, values![now, tenant, user], transition)
}

/// A candidate or pending account becomes active; an active one stays as it is, one whose suspension has ended too.
const ACTIVATE: &str = concat!(
    "UPDATE accounts SET \
     state_reason = CASE WHEN state IN ('candidate', 'pending') THEN NULL ELSE state_reason END, \
     state_since = CASE WHEN state IN ('candidate', 'pending') THEN ? ELSE state_since END, \
     state_until = CASE WHEN state IN ('candidate', 'pending') THEN NULL ELSE state_until END, \
     state = CASE WHEN state IN ('candidate', 'pending') THEN 'active' ELSE state END \
     WHERE tenant_id = ? AND user_id = ? AND ",
    effective_state!(),
    " IN ('candidate', 'pending', 'active')"
);

fn activate_step(tenant: TenantId, user: UserId, now: Timestamp) -> Step {
    let step = Step::new("activate", ACTIVATE, values![now, tenant, user, now]).takes_turn();
    step.one_or_why(STATE, values![now, tenant, user], transition)
}

/// A sign-up that is still the latest.
const ACTIVATE_SIGN_UP: &str = "UPDATE accounts SET \
     state = 'active', state_reason = NULL, state_since = ?, state_until = NULL \
     WHERE tenant_id = ? AND user_id = ? AND state = 'pending' AND handle = ?";

fn activate_sign_up_step(tenant: TenantId, user: UserId, handle: &str, now: Timestamp) -> Step {
    let values = values![now, tenant, user, handle];
    let step = Step::new("activate the sign-up", ACTIVATE_SIGN_UP, values).takes_turn();
    step.one_or_why(STATE, values![now, tenant, user], |rows| {
        Ok(match transition(rows)? {
            Refusal::Transition {
                from: EntityState::Pending,
            } => Refusal::Stale,
            refusal => refusal,
        })
    })
}

/// An account that is not closed, left as it is.
const HOLD: &str = "UPDATE accounts SET lock_seq = lock_seq + 1 \
     WHERE tenant_id = ? AND user_id = ? AND state NOT IN ('terminated', 'archived')";

fn hold_step(tenant: TenantId, user: UserId, now: Timestamp) -> Step {
    let step = Step::new("hold the account", HOLD, values![tenant, user]).takes_turn();
    step.one_or_why(STATE, values![now, tenant, user], |rows| {
        Ok(match transition(rows)? {
            Refusal::Transition {
                from: EntityState::Archived,
            } => Refusal::NotFound,
            refusal => refusal,
        })
    })
}

const VERIFY: &str = "INSERT INTO verified_identifiers \
     (tenant_id, user_id, kind, canonical, verified_at, place) \
     VALUES (?, ?, ?, ?, ?, \
     (SELECT count(*) FROM verified_identifiers WHERE tenant_id = ? AND user_id = ?)) \
     ON CONFLICT DO NOTHING";

/// Proved once stays proved at that time.
pub(super) fn verify_step(
    tenant: TenantId,
    user: UserId,
    kind: IdentifierKind,
    canonical: &str,
    now: Timestamp,
) -> Step {
    let values = values![tenant, user, kind.as_str(), canonical, now, tenant, user];
    Step::new("verify the identifier", VERIFY, values)
}

/// Activates or holds the account, proves the identifier, and sets the factor that comes with it.
pub(super) fn verify(
    script: &mut Script,
    tenant: TenantId,
    user: UserId,
    activation: &Activation,
) -> Result<(), StoreError> {
    let Activation {
        kind,
        canonical,
        activate,
        spelling,
        factor,
        now,
    } = activation;
    script.turn_of(user);
    script.step(match spelling {
        Some(spelling) => activate_sign_up_step(tenant, user, spelling, *now),
        None if *activate => activate_step(tenant, user, *now),
        None => hold_step(tenant, user, *now),
    });
    script.step(verify_step(tenant, user, *kind, canonical, *now));
    if let Some(config) = factor {
        script.step(put_factor_step(tenant, user, config, *now)?);
    }
    Ok(())
}

const FORGET_PROOF: &str = "DELETE FROM verified_identifiers \
     WHERE tenant_id = ? AND user_id = ? AND kind = ? AND canonical = ? AND canonical <> ? \
     AND EXISTS (SELECT 1 FROM verified_identifiers p WHERE p.tenant_id = ? AND p.user_id = ? \
     AND p.kind = ? AND p.canonical = ?)";
const CHANGE_PROOF: &str = "UPDATE verified_identifiers SET canonical = ?, verified_at = ? \
     WHERE tenant_id = ? AND user_id = ? AND kind = ? AND canonical = ?";
const CHANGE_HANDLE: &str =
    "UPDATE accounts SET handle = ? WHERE tenant_id = ? AND user_id = ? AND handle = ?";

/// The proof of the old one becomes that of the new one, in its place. The account is locked already.
pub(super) fn change_verified(script: &mut Script, change: &IdentifierChange) {
    let IdentifierChange {
        tenant,
        user,
        from,
        to,
        now,
    } = change;
    let (tenant, user, kind) = (*tenant, *user, from.kind.as_str());
    let mut values = values![tenant, user, kind, &to.canonical, &from.canonical];
    values.extend(values![tenant, user, kind, &from.canonical]);
    script.step(Step::new("forget an older proof", FORGET_PROOF, values));
    let values = values![&to.canonical, *now, tenant, user, kind, &from.canonical];
    script.step(Step::new("change the proof", CHANGE_PROOF, values));
    script.step(verify_step(tenant, user, to.kind, &to.canonical, *now));
    let values = values![&to.raw, tenant, user, &from.raw];
    script.step(Step::new("change the handle", CHANGE_HANDLE, values));
}

const MOVE_EPOCH: &str = "UPDATE accounts SET epoch = epoch + 1 \
     WHERE tenant_id = ? AND user_id = ? AND epoch < 4294967295";
const EPOCH: &str = "SELECT epoch FROM accounts WHERE tenant_id = ? AND user_id = ?";

pub(super) fn epoch_step(tenant: TenantId, user: UserId) -> Step {
    let step = Step::new("move the epoch", MOVE_EPOCH, values![tenant, user]).takes_turn();
    step.one_or_why(EPOCH, values![tenant, user], no_epoch)
}

/// An epoch at its end would stand still and let old credentials live.
fn no_epoch(rows: &[Row]) -> Result<Refusal, StoreError> {
    match rows.first() {
        None => Ok(Refusal::NotFound),
        Some(_) => Err(StoreError::corrupt("accounts", "epoch")),
    }
}

const READ_EPOCH: &str = "read the epoch";

#[async_trait]
impl<D: Driver> AccountStore for SqlStore<D> {
    async fn account(&self, tenant: TenantId, user: UserId) -> Result<Option<Account>, StoreError> {
        let values = values![tenant, user];
        Ok(self.driver.few(ACCOUNT, values, add_account).await?.pop())
    }

    async fn subject_state(
        &self,
        tenant: TenantId,
        user: UserId,
    ) -> Result<Option<SubjectState>, StoreError> {
        self.driver
            .one(SUBJECT, values![tenant, user], subject)
            .await
    }

    async fn set_state(
        &self,
        tenant: TenantId,
        user: UserId,
        to: &Status,
        along: Along,
    ) -> WriteResult<()> {
        let script = accompanied(along, |script| {
            script.turn_of(user);
            script.step(state_step(tenant, user, to));
            Ok(())
        })?;
        Ok(self.driver.write(script).await?.map(drop))
    }

    async fn verify_identifier(
        &self,
        tenant: TenantId,
        user: UserId,
        activation: &Activation,
        along: Along,
    ) -> WriteResult<()> {
        let script = accompanied(along, |script| verify(script, tenant, user, activation))?;
        Ok(self.driver.write(script).await?.map(drop))
    }

    async fn change_verified(&self, change: &IdentifierChange, along: Along) -> WriteResult<()> {
        let script = accompanied(along, |script| {
            script.turn_of(change.user);
            let lock = lock_step(change.tenant, change.user);
            script.step(lock.one_or(Refusal::NotFound));
            self::change_verified(script, change);
            Ok(())
        })?;
        Ok(self.driver.write(script).await?.map(drop))
    }

    async fn bump_epoch(&self, tenant: TenantId, user: UserId, along: Along) -> WriteResult<Epoch> {
        let script = accompanied(along, |script| {
            script.turn_of(user);
            script.step(epoch_step(tenant, user));
            let read = Step::new(READ_EPOCH, EPOCH, values![tenant, user]);
            script.step(read.expect(Expect::OneRow));
            Ok(())
        })?;
        let done = match self.driver.write(script).await? {
            Write::Applied(done) => done,
            Write::Refused(refusal) => return Ok(Write::Refused(refusal)),
        };
        let corrupt = || StoreError::corrupt("accounts", "epoch");
        let row = done.rows(READ_EPOCH).next().ok_or_else(corrupt)?;
        epoch(Columns::new(row).of("accounts")).map(Write::Applied)
    }

    async fn tenant_security(
        &self,
        tenant: TenantId,
    ) -> Result<Option<TenantSecurity>, StoreError> {
        tenants::security(&self.driver, tenant).await
    }

    async fn set_tenant_security(
        &self,
        security: &TenantSecurity,
        along: Along,
    ) -> WriteResult<()> {
        tenants::set_security(&self.driver, security, along).await
    }

    async fn key_marker(&self) -> Result<Option<String>, StoreError> {
        tenants::key_marker(&self.driver).await
    }

    async fn set_key_marker(
        &self,
        expected: Option<&str>,
        marker: &str,
    ) -> Result<bool, StoreError> {
        tenants::set_key_marker(&self.driver, expected, marker).await
    }
}
