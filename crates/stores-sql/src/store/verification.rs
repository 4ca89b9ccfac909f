//! Single-use tokens. Issuing and spending travel with other writes, see [`companions`](super::companions).

use async_trait::async_trait;
use portcullis_core::entity::Epoch;
use portcullis_core::error::StoreError;
use portcullis_core::id::{TenantId, UserId, VerificationTokenId};
use portcullis_core::store::VerificationStore;
use portcullis_core::time::Timestamp;
use portcullis_core::verification::{TokenKind, VerificationToken};

use super::SqlStore;
use super::companions::owner_unmoved;
use crate::columns::Columns;
use crate::driver::Driver;
use crate::script::{Script, Step};
use crate::value::values;

macro_rules! select_token {
    () => {
        "SELECT v.id, v.kind, v.tenant_id, v.email, v.user_id, v.epoch, \
         v.payload, v.payload_key_version, v.digest, v.digest_key_version, \
         v.created_at, v.expires_at, v.consumed_at, v.superseded_at \
         FROM verification_tokens v WHERE "
    };
}

macro_rules! works {
    () => {
        concat!(
            "v.consumed_at IS NULL AND v.superseded_at IS NULL AND v.expires_at > ? AND ",
            owner_unmoved!()
        )
    };
}

const PEEK: &str = concat!(select_token!(), "v.id = ?");
pub(super) const LIVE: &str = concat!(
    select_token!(),
    "v.tenant_id = ? AND v.user_id = ? AND v.kind = ? AND ",
    works!(),
    " ORDER BY v.id LIMIT 1"
);
pub(super) const REVOKE: &str = concat!(
    "UPDATE verification_tokens AS v SET superseded_at = ? \
     WHERE v.tenant_id = ? AND v.user_id = ? AND ",
    works!()
);
const PURGE: &str = "DELETE FROM verification_tokens WHERE expires_at <= ?";

const REVOKED: &str = "revoke tokens";
const PURGED: &str = "purge tokens";

fn token(columns: &mut Columns<'_>) -> Result<VerificationToken, StoreError> {
    columns.of("verification_tokens");
    Ok(VerificationToken {
        id: columns.id("id", VerificationTokenId::from_bytes)?,
        kind: columns.spelled("kind", TokenKind::from_stored)?,
        tenant: columns.id("tenant_id", TenantId::from_bytes)?,
        email: columns.text("email")?,
        user: columns.optional_id("user_id", UserId::from_bytes)?,
        epoch: columns.optional_number("epoch")?.map(Epoch),
        payload: columns.optional_sealed("payload", "payload_key_version")?,
        digest: columns.digest("digest", "digest_key_version")?,
        created_at: columns.time("created_at")?,
        expires_at: columns.time("expires_at")?,
        consumed_at: columns.optional_time("consumed_at")?,
        superseded_at: columns.optional_time("superseded_at")?,
    })
}

#[async_trait]
impl<D: Driver> VerificationStore for SqlStore<D> {
    async fn peek(&self, id: VerificationTokenId) -> Result<Option<VerificationToken>, StoreError> {
        self.driver.one(PEEK, values![id], token).await
    }

    async fn live_token(
        &self,
        tenant: TenantId,
        user: UserId,
        kind: TokenKind,
        now: Timestamp,
    ) -> Result<Option<VerificationToken>, StoreError> {
        let values = values![tenant, user, kind.as_str(), now];
        self.driver.one(LIVE, values, token).await
    }

    async fn revoke_tokens(
        &self,
        tenant: TenantId,
        user: UserId,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let step = Step::new(REVOKED, REVOKE, values![now, tenant, user, now]);
        let mut script = Script::of(step);
        script.turn_of(user);
        Ok(self.driver.done(script).await?.changed(REVOKED))
    }

    async fn purge_tokens(&self, now: Timestamp) -> Result<u64, StoreError> {
        let script = Script::of(Step::new(PURGED, PURGE, values![now]));
        Ok(self.driver.done(script).await?.changed(PURGED))
    }
}
