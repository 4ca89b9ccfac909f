//! API tokens.

use async_trait::async_trait;
use portcullis_core::along::{Along, Refusal};
use portcullis_core::api_token::{ApiToken, ResolvedApiToken};
use portcullis_core::error::StoreError;
use portcullis_core::id::{ApiTokenId, TenantId, UserId};
use portcullis_core::store::{ApiTokenStore, WriteResult};
use portcullis_core::time::Timestamp;

use super::SqlStore;
use super::companions::{accompanied, lock_step};
use super::subject::{subject, subject_columns};
use crate::columns::{Columns, Row};
use crate::driver::{Driver, each};
use crate::script::{Script, Step};
use crate::value::{Value, values};

macro_rules! token_columns {
    () => {
        "k.id, k.tenant_id, k.owner_id, k.name, k.scopes, k.ip_allowlist, \
         k.digest, k.digest_key_version, k.created_at, k.expires_at, k.last_used_at, k.revoked_at"
    };
}

pub(super) const RESOLVE: &str = concat!(
    "SELECT ",
    token_columns!(),
    ", ",
    subject_columns!(),
    " FROM api_tokens k \
     JOIN accounts a ON a.tenant_id = k.tenant_id AND a.user_id = k.owner_id \
     JOIN tenant_security t ON t.tenant_id = k.tenant_id WHERE k.id = ?"
);

pub(super) const LIST: &str = concat!(
    "SELECT ",
    token_columns!(),
    " FROM api_tokens k WHERE k.tenant_id = ? AND k.owner_id = ? \
     AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > ?) \
     ORDER BY k.created_at DESC, k.id DESC"
);

fn token(columns: &mut Columns<'_>) -> Result<ApiToken, StoreError> {
    columns.of("api_tokens");
    Ok(ApiToken {
        id: columns.id("id", ApiTokenId::from_bytes)?,
        tenant: columns.id("tenant_id", TenantId::from_bytes)?,
        owner: columns.id("owner_id", UserId::from_bytes)?,
        name: columns.text("name")?,
        scopes: columns.json("scopes")?,
        ip_allowlist: columns.json("ip_allowlist")?,
        digest: columns.digest("digest", "digest_key_version")?,
        created_at: columns.time("created_at")?,
        expires_at: columns.optional_time("expires_at")?,
        last_used_at: columns.optional_time("last_used_at")?,
        revoked_at: columns.optional_time("revoked_at")?,
    })
}

fn resolved(columns: &mut Columns<'_>) -> Result<ResolvedApiToken, StoreError> {
    Ok(ResolvedApiToken {
        token: token(columns)?,
        subject: subject(columns)?,
    })
}

/// The count stands in the predicate; locking the account first makes callers at once take turns.
const CREATE: &str = "INSERT INTO api_tokens \
     (id, tenant_id, owner_id, name, scopes, ip_allowlist, digest, digest_key_version, \
     created_at, expires_at, last_used_at, revoked_at) \
     SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? \
     WHERE (SELECT count(*) FROM api_tokens WHERE tenant_id = ? AND owner_id = ? \
     AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)) < ?";
const WHY_NOT_CREATED: &str = "SELECT count(*), ? FROM api_tokens WHERE id = ?";

fn not_created(rows: &[Row]) -> Result<Refusal, StoreError> {
    let Some(row) = rows.first() else {
        return Err(StoreError::corrupt("api_tokens", "id"));
    };
    let mut columns = Columns::new(row);
    columns.of("api_tokens");
    if columns.flag("id")? {
        return Ok(Refusal::Exists);
    }
    let limit = columns.number("id")?;
    Ok(Refusal::LimitReached { limit })
}

fn create_step(token: &ApiToken, cap: u32) -> Result<Step, StoreError> {
    let values = values![
        token.id,
        token.tenant,
        token.owner,
        &token.name,
        Value::json(&token.scopes)?,
        Value::json(&token.ip_allowlist)?,
        token.digest.bytes,
        token.digest.key_version,
        token.created_at,
        token.expires_at,
        token.last_used_at,
        token.revoked_at,
        token.tenant,
        token.owner,
        token.created_at,
        cap,
    ];
    let step = Step::new("create the token", CREATE, values);
    let step = step.one_or_why(WHY_NOT_CREATED, values![cap, token.id], not_created);
    Ok(step.if_taken(Refusal::Exists))
}

const TOUCH: &str = "UPDATE api_tokens SET last_used_at = ? \
     WHERE id = ? AND (last_used_at IS NULL OR last_used_at < ?)";
const REVOKE: &str = "UPDATE api_tokens SET revoked_at = ? \
     WHERE id = ? AND tenant_id = ? AND owner_id = ? AND revoked_at IS NULL";
pub(super) const REVOKE_ALL: &str = "UPDATE api_tokens SET revoked_at = ? \
     WHERE tenant_id = ? AND owner_id = ? \
     AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)";
const REVOKED_ALL: &str = "revoke all tokens";

#[async_trait]
impl<D: Driver> ApiTokenStore for SqlStore<D> {
    async fn create_api_token(&self, token: &ApiToken, cap: u32, along: Along) -> WriteResult<()> {
        let script = accompanied(along, |script| {
            script.turn_of(token.owner);
            script.step(lock_step(token.tenant, token.owner).one_or(Refusal::NotFound));
            script.step(create_step(token, cap)?);
            Ok(())
        })?;
        Ok(self.driver.write(script).await?.map(drop))
    }

    async fn resolve_api_token(
        &self,
        id: ApiTokenId,
    ) -> Result<Option<ResolvedApiToken>, StoreError> {
        self.driver.one(RESOLVE, values![id], resolved).await
    }

    async fn touch_api_tokens(&self, uses: &[(ApiTokenId, Timestamp)]) -> Result<(), StoreError> {
        let mut script = Script::default();
        for &(id, at) in uses {
            script.turns.api_tokens.push(id);
            script.step(Step::new("touch a token", TOUCH, values![at, id, at]));
        }
        self.driver.done(script).await.map(drop)
    }

    async fn list_api_tokens(
        &self,
        tenant: TenantId,
        owner: UserId,
        now: Timestamp,
    ) -> Result<Vec<ApiToken>, StoreError> {
        let values = values![tenant, owner, now];
        self.driver.many(LIST, values, each!(token)).await
    }

    async fn revoke_api_token(
        &self,
        tenant: TenantId,
        owner: UserId,
        id: ApiTokenId,
        now: Timestamp,
        along: Along,
    ) -> WriteResult<()> {
        let script = accompanied(along, |script| {
            script.turn_of(owner);
            let step = Step::new("revoke the token", REVOKE, values![now, id, tenant, owner]);
            script.step(step.one_or(Refusal::NotFound));
            Ok(())
        })?;
        Ok(self.driver.write(script).await?.map(drop))
    }

    async fn revoke_all_api_tokens(
        &self,
        tenant: TenantId,
        owner: UserId,
        now: Timestamp,
        along: Along,
    ) -> WriteResult<u64> {
        let script = accompanied(along, |script| {
            script.turn_of(owner);
            let values = values![now, tenant, owner, now];
            script.step(Step::new(REVOKED_ALL, REVOKE_ALL, values));
            Ok(())
        })?;
        let written = self.driver.write(script).await?;
        Ok(written.map(|done| done.changed(REVOKED_ALL)))
    }
}
