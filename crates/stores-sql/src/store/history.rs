//! Passwords that somebody had before.

use async_trait::async_trait;
use portcullis_core::along::Remember;
use portcullis_core::error::StoreError;
use portcullis_core::factor::{FactorConfig, FactorKind};
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::secret::PasswordHash;
use portcullis_core::store::PasswordHistory;

use super::SqlStore;
use super::companions::lock_step;
use crate::columns::Columns;
use crate::driver::Driver;
use crate::script::{Script, Step};
use crate::value::values;

const KEEP: &str = "INSERT INTO password_history (tenant_id, user_id, place, config) \
     SELECT f.tenant_id, f.user_id, \
     (SELECT coalesce(max(h.place), 0) + 1 FROM password_history h \
     WHERE h.tenant_id = f.tenant_id AND h.user_id = f.user_id), f.config \
     FROM factors f WHERE f.tenant_id = ? AND f.user_id = ? AND f.kind = ?";

/// The places have no gaps, so the newest ones are those after the last place less their number.
const PRUNE: &str = "DELETE FROM password_history WHERE tenant_id = ? AND user_id = ? AND place <= \
     (SELECT max(h.place) FROM password_history h WHERE h.tenant_id = ? AND h.user_id = ?) - ?";

/// The password of now joins the earlier ones, before the effect replaces it. Whoever does the same for this person
/// waits for their turn, so that no two take one place.
pub(super) fn remember(script: &mut Script, remember: &Remember) {
    let Remember { tenant, user, keep } = *remember;
    script.turn_of(user);
    // Nobody to remember is no reason to refuse: the effect says what is wrong.
    script.step(lock_step(tenant, user));
    let kind = FactorKind::Password.as_str();
    script.step(Step::new(
        "keep the password",
        KEEP,
        values![tenant, user, kind],
    ));
    let values = values![tenant, user, tenant, user, keep];
    script.step(Step::new("forget older passwords", PRUNE, values));
}

pub(crate) const EARLIER: &str = "SELECT config FROM password_history \
     WHERE tenant_id = ? AND user_id = ? ORDER BY place DESC LIMIT ?";

fn add_earlier(
    earlier: &mut Vec<PasswordHash>,
    columns: &mut Columns<'_>,
) -> Result<(), StoreError> {
    match columns.of("password_history").json("config")? {
        FactorConfig::Password(hash) => earlier.push(hash),
        _ => return Err(StoreError::corrupt("password_history", "config")),
    }
    Ok(())
}

#[async_trait]
impl<D: Driver> PasswordHistory for SqlStore<D> {
    async fn earlier_passwords(
        &self,
        tenant: TenantId,
        user: UserId,
        limit: u32,
    ) -> Result<Vec<PasswordHash>, StoreError> {
        let values = values![tenant, user, limit];
        self.driver.few(EARLIER, values, add_earlier).await
    }
}
