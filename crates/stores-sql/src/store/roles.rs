//! Roles, in the row of the account: what is read on every request needs no join for them.

use async_trait::async_trait;
use portcullis_core::along::{Along, Refusal};
use portcullis_core::error::StoreError;
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::role::Roles;
use portcullis_core::store::{RoleStore, WriteResult};

use super::SqlStore;
use super::companions::accompanied;
use crate::columns::Row;
use crate::driver::Driver;
use crate::script::Step;
use crate::value::{Value, values};

/// Roles are written sorted and in one form, so that they can be compared as text.
const SET: &str = "UPDATE accounts SET roles = ? \
     WHERE tenant_id = ? AND user_id = ? AND roles = ? AND state <> 'archived'";
const THERE: &str = "SELECT user_id FROM accounts \
     WHERE tenant_id = ? AND user_id = ? AND state <> 'archived'";

fn not_set(rows: &[Row]) -> Result<Refusal, StoreError> {
    Ok(match rows.first() {
        None => Refusal::NotFound,
        Some(_) => Refusal::Stale,
    })
}

#[async_trait]
impl<D: Driver> RoleStore for SqlStore<D> {
    async fn set_roles(
        &self,
        tenant: TenantId,
        user: UserId,
        from: &Roles,
        to: &Roles,
        along: Along,
    ) -> WriteResult<()> {
        let values = values![Value::json(to)?, tenant, user, Value::json(from)?];
        let script = accompanied(along, |script| {
            script.turn_of(user);
            let step = Step::new("set the roles", SET, values).takes_turn();
            script.step(step.one_or_why(THERE, values![tenant, user], not_set));
            Ok(())
        })?;
        Ok(self.driver.write(script).await?.map(drop))
    }
}
