//! Reads and writes across tenants.

use async_trait::async_trait;
use portcullis_core::along::Along;
use portcullis_core::entity::{EndAll, EndedAll, Epoch, TenantSecurity};
use portcullis_core::error::StoreError;
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::store::{AnyTenant, WriteResult};

use super::SqlStore;
use super::companions::accompanied;
use super::tenants::tenant_security;
use crate::columns::Columns;
use crate::driver::{Driver, each};
use crate::script::{Expect, Script, Step};
use crate::value::{Value, values};

const TENANTS: &str = "SELECT tenant_id, state, state_reason, state_since, state_until, policy \
     FROM tenant_security WHERE tenant_id > ? ORDER BY tenant_id LIMIT ?";

/// The last account of a batch.
const LAST: &str = "SELECT user_id FROM \
     (SELECT user_id FROM accounts WHERE user_id > ? ORDER BY user_id LIMIT ?) batch \
     ORDER BY user_id DESC LIMIT 1";

/// In the order in which everybody else locks them.
const LOCK: &str = "SELECT user_id FROM accounts WHERE user_id > ? AND user_id <= ? \
     ORDER BY user_id /*! FOR NO KEY UPDATE */";
/// An epoch near its end breaks the column's own rule, and fails as corrupt.
const LEAP: &str = "UPDATE accounts SET epoch = epoch + ? WHERE user_id > ? AND user_id <= ?";
const REVOKE: &str = "UPDATE api_tokens SET revoked_at = ? \
     WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?) \
     AND (tenant_id, owner_id) IN \
     (SELECT tenant_id, user_id FROM accounts WHERE user_id > ? AND user_id <= ?)";
const SUPERSEDE: &str = "UPDATE verification_tokens SET superseded_at = ? \
     WHERE consumed_at IS NULL AND superseded_at IS NULL AND expires_at > ?";

const LEAPT: &str = "move the epochs";
const REVOKED: &str = "revoke API tokens";

fn id(columns: &mut Columns<'_>) -> Result<UserId, StoreError> {
    columns.of("accounts").id("user_id", UserId::from_bytes)
}

fn batch_steps(script: &mut Script, batch: &EndAll, after: &Value, last: UserId) {
    let range = || vec![after.clone(), Value::from(last)];
    let lock = Step::new("lock the accounts", LOCK, range()).expect(Expect::Rows);
    script.step(lock);
    let mut leap = values![Epoch::LEAP];
    leap.extend(range());
    script.step(Step::new(LEAPT, LEAP, leap));
    if batch.api_tokens {
        let mut revoke = values![batch.now, batch.now];
        revoke.extend(range());
        script.step(Step::new(REVOKED, REVOKE, revoke));
    }
}

#[async_trait]
impl<D: Driver> AnyTenant for SqlStore<D> {
    async fn tenants_security(
        &self,
        after: Option<TenantId>,
        limit: u32,
    ) -> Result<Vec<TenantSecurity>, StoreError> {
        // No bytes sort before every id.
        let after = after.map_or(Value::Blob(Vec::new()), Value::from);
        let values = values![after, limit];
        self.driver
            .many(TENANTS, values, each!(tenant_security))
            .await
    }

    async fn end_all(&self, batch: &EndAll, along: Along) -> WriteResult<EndedAll> {
        let after = batch.after.map_or(Value::Blob(Vec::new()), Value::from);
        let values = vec![after.clone(), batch.limit.clamp(1, 1000).into()];
        let last = self.driver.many(LAST, values, each!(id)).await?.pop();
        let script = accompanied(along, |script| {
            if batch.after.is_none() {
                let values = values![batch.now, batch.now];
                script.step(Step::new("supersede links", SUPERSEDE, values));
            }
            if let Some(last) = last {
                batch_steps(script, batch, &after, last);
            }
            Ok(())
        })?;
        let written = self.driver.write(script).await?;
        Ok(written.map(|done| EndedAll {
            accounts: done.changed(LEAPT),
            api_tokens: done.changed(REVOKED),
            last,
        }))
    }
}
