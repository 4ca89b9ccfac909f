//! Factors, changed only by whoever names the version they read.

use async_trait::async_trait;
use portcullis_core::along::{Along, Refusal};
use portcullis_core::error::StoreError;
use portcullis_core::factor::{Factor, FactorConfig, FactorKind, FactorVersion, LoadedFactor};
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::store::{FactorStore, WriteResult};
use portcullis_core::time::Timestamp;

use super::SqlStore;
use super::companions::{accompanied, lock_step};
use super::subject::{subject, subject_columns};
use crate::columns::{Columns, Row};
use crate::driver::Driver;
use crate::script::Step;
use crate::value::{Value, values};

pub(crate) const LOAD: &str = concat!(
    "SELECT ",
    subject_columns!(),
    ", f.config, f.version, f.changed_at \
     FROM accounts a JOIN tenant_security t ON t.tenant_id = a.tenant_id \
     LEFT JOIN factors f ON f.tenant_id = a.tenant_id AND f.user_id = a.user_id AND f.kind = ? \
     WHERE a.tenant_id = ? AND a.user_id = ?"
);

fn loaded(columns: &mut Columns<'_>) -> Result<LoadedFactor, StoreError> {
    let subject = subject(columns)?;
    columns.of("factors");
    let factor = if columns.is_null() {
        None
    } else {
        Some(Factor {
            config: columns.json("config")?,
            version: FactorVersion(columns.number("version")?),
            changed_at: columns.time("changed_at")?,
        })
    };
    Ok(LoadedFactor { factor, subject })
}

const INSERT: &str = "INSERT INTO factors \
     (tenant_id, user_id, kind, config, version, changed_at) SELECT ?, ?, ?, ?, 1, ? \
     WHERE EXISTS (SELECT 1 FROM accounts WHERE tenant_id = ? AND user_id = ?)";

/// A factor of a kind the person has none of.
pub(super) fn insert_factor_step(
    tenant: TenantId,
    user: UserId,
    config: &FactorConfig,
    now: Timestamp,
) -> Result<Step, StoreError> {
    let kind = config.kind().as_str();
    let values = values![tenant, user, kind, Value::json(config)?, now, tenant, user];
    let step = Step::new("insert the factor", INSERT, values);
    Ok(step.one_or(Refusal::NotFound).if_taken(Refusal::Exists))
}

const PUT: &str = "INSERT INTO factors \
     (tenant_id, user_id, kind, config, version, changed_at) VALUES (?, ?, ?, ?, 1, ?) \
     ON CONFLICT (tenant_id, user_id, kind) DO UPDATE \
     SET config = excluded.config, version = factors.version + 1, changed_at = excluded.changed_at";

/// A factor in place of any there is; the account is known to be there.
pub(super) fn put_factor_step(
    tenant: TenantId,
    user: UserId,
    config: &FactorConfig,
    now: Timestamp,
) -> Result<Step, StoreError> {
    let kind = config.kind().as_str();
    let values = values![tenant, user, kind, Value::json(config)?, now];
    Ok(Step::new("put the factor", PUT, values))
}

const SAVE: &str = "UPDATE factors SET config = ?, version = ?, changed_at = ? \
     WHERE tenant_id = ? AND user_id = ? AND kind = ? AND version = ?";
const VERSION: &str =
    "SELECT version FROM factors WHERE tenant_id = ? AND user_id = ? AND kind = ?";

fn not_saved(rows: &[Row]) -> Result<Refusal, StoreError> {
    Ok(match rows.first() {
        None => Refusal::NotFound,
        Some(_) => Refusal::Stale,
    })
}

const REMOVE: &str = "DELETE FROM factors WHERE tenant_id = ? AND user_id = ? AND kind = ?";

#[async_trait]
impl<D: Driver> FactorStore for SqlStore<D> {
    async fn load_factor(
        &self,
        tenant: TenantId,
        user: UserId,
        kind: FactorKind,
    ) -> Result<Option<LoadedFactor>, StoreError> {
        let values = values![kind.as_str(), tenant, user];
        self.driver.one(LOAD, values, loaded).await
    }

    async fn insert_factor(
        &self,
        tenant: TenantId,
        user: UserId,
        config: &FactorConfig,
        now: Timestamp,
        along: Along,
    ) -> WriteResult<FactorVersion> {
        let script = accompanied(along, |script| {
            script.turn_of(user);
            script.step(lock_step(tenant, user).one_or(Refusal::NotFound));
            script.step(insert_factor_step(tenant, user, config, now)?);
            Ok(())
        })?;
        Ok(self.driver.write(script).await?.map(|_| FactorVersion(1)))
    }

    async fn compare_and_save_factor(
        &self,
        tenant: TenantId,
        user: UserId,
        expected: FactorVersion,
        config: &FactorConfig,
        changed_at: Timestamp,
        along: Along,
    ) -> WriteResult<FactorVersion> {
        let kind = config.kind().as_str();
        let next = i64::from(expected.0).saturating_add(1);
        let values = values![
            Value::json(config)?,
            // One past the last breaks the column's own rule, and fails as corrupt.
            next,
            changed_at,
            tenant,
            user,
            kind,
            expected.0,
        ];
        let script = accompanied(along, |script| {
            script.turn_of(user);
            let step = Step::new("save the factor", SAVE, values);
            script.step(step.one_or_why(VERSION, values![tenant, user, kind], not_saved));
            Ok(())
        })?;
        let version = FactorVersion(expected.0.saturating_add(1));
        Ok(self.driver.write(script).await?.map(|_| version))
    }

    async fn remove_factor(
        &self,
        tenant: TenantId,
        user: UserId,
        kind: FactorKind,
        along: Along,
    ) -> WriteResult<()> {
        let script = accompanied(along, |script| {
            script.turn_of(user);
            let values = values![tenant, user, kind.as_str()];
            script.step(Step::new("remove the factor", REMOVE, values).one_or(Refusal::NotFound));
            Ok(())
        })?;
        Ok(self.driver.write(script).await?.map(drop))
    }
}
