//! Where accounts and tenants begin in the security family. Nothing here looks at the directory, which may be somebody
//! else's.

use async_trait::async_trait;
use portcullis_core::along::{Along, Refusal};
use portcullis_core::entity::{NewAccount, TenantSecurity};
use portcullis_core::error::StoreError;
use portcullis_core::id::{
    TenantId, UserId, ensure_tenant_id_not_reserved, ensure_user_id_not_reserved,
};
use portcullis_core::store::{AccountOpening, WriteResult};

use super::SqlStore;
use super::accounts::verify_step;
use super::companions::accompanied;
use super::erasure::{STATE, transition};
use super::factors::insert_factor_step;
use super::tenants::security_step;
use crate::driver::Driver;
use crate::script::{Script, Step};
use crate::value::values;

pub(super) fn open_tenant(
    script: &mut Script,
    security: &TenantSecurity,
) -> Result<(), StoreError> {
    if ensure_tenant_id_not_reserved(security.tenant).is_err() {
        script.refuse(Refusal::Reserved);
        return Ok(());
    }
    script.step(security_step(security.tenant, security)?);
    Ok(())
}

const INSERT_ACCOUNT: &str = "INSERT INTO accounts \
     (tenant_id, user_id, handle, state, state_since, epoch) \
     SELECT ?, ?, ?, ?, ?, 0 WHERE EXISTS (SELECT 1 FROM tenant_security WHERE tenant_id = ?)";

pub(super) fn open_account(script: &mut Script, new: &NewAccount) -> Result<(), StoreError> {
    if ensure_user_id_not_reserved(new.user).is_err() {
        script.refuse(Refusal::Reserved);
        return Ok(());
    }
    let values = values![
        new.tenant,
        new.user,
        &new.handle,
        new.state.as_str(),
        new.now,
        new.tenant,
    ];
    let account = Step::new("insert the account", INSERT_ACCOUNT, values);
    script.step(account.one_or(Refusal::NotFound).if_taken(Refusal::Exists));
    for identifier in &new.verified {
        let (kind, canonical) = (identifier.kind, &identifier.canonical);
        script.step(verify_step(new.tenant, new.user, kind, canonical, new.now));
    }
    if let Some(config) = &new.factor {
        script.step(insert_factor_step(new.tenant, new.user, config, new.now)?);
    }
    Ok(())
}

const SIGN_UP_AGAIN: &str =
    "UPDATE accounts SET handle = ? WHERE tenant_id = ? AND user_id = ? AND state = 'pending'";

fn sign_up_again(script: &mut Script, tenant: TenantId, user: UserId, handle: &str) {
    script.turn_of(user);
    let values = values![handle, tenant, user];
    let renamed = Step::new("sign up again", SIGN_UP_AGAIN, values).takes_turn();
    script.step(renamed.one_or_why(STATE, values![tenant, user], transition));
}

#[async_trait]
impl<D: Driver> AccountOpening for SqlStore<D> {
    async fn open_tenant(&self, security: &TenantSecurity, along: Along) -> WriteResult<()> {
        let script = accompanied(along, |script| open_tenant(script, security))?;
        Ok(self.driver.write(script).await?.map(drop))
    }

    async fn open_account(&self, account: &NewAccount, along: Along) -> WriteResult<()> {
        let script = accompanied(along, |script| open_account(script, account))?;
        Ok(self.driver.write(script).await?.map(drop))
    }

    async fn sign_up_again(
        &self,
        tenant: TenantId,
        user: UserId,
        handle: &str,
        along: Along,
    ) -> WriteResult<()> {
        let script = accompanied(along, |script| {
            self::sign_up_again(script, tenant, user, handle);
            Ok(())
        })?;
        Ok(self.driver.write(script).await?.map(drop))
    }
}
