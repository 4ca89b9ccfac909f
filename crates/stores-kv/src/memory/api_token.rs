//! API tokens.

use std::cmp::Reverse;

use async_trait::async_trait;

use portcullis_core::along::{Along, Refusal};
use portcullis_core::api_token::{ApiToken, ResolvedApiToken};
use portcullis_core::error::StoreError;
use portcullis_core::id::{ApiTokenId, TenantId, UserId};
use portcullis_core::store::{ApiTokenStore, WriteResult};
use portcullis_core::time::Timestamp;

use super::state::{Owner, State};
use super::{MemoryStore, Stop};

impl State {
    fn live_api_tokens(&self, owner: Owner, now: Timestamp) -> impl Iterator<Item = &ApiToken> {
        self.api_tokens
            .rows()
            .filter(move |token| (token.tenant, token.owner) == owner && token.is_live(now))
    }

    fn create_api_token(&mut self, token: &ApiToken, cap: u32) -> Result<(), Stop> {
        let owner = (token.tenant, token.owner);
        self.holder(owner)?;
        if self.api_tokens.contains(&token.id) {
            return Err(Refusal::Exists.into());
        }
        let live = self.live_api_tokens(owner, token.created_at).count();
        if u32::try_from(live).is_ok_and(|live| live < cap) {
            self.api_tokens.put(token.id, token.clone());
            Ok(())
        } else {
            Err(Refusal::LimitReached { limit: cap }.into())
        }
    }
}

#[async_trait]
impl ApiTokenStore for MemoryStore {
    async fn create_api_token(&self, token: &ApiToken, cap: u32, along: Along) -> WriteResult<()> {
        self.write(along, |state| state.create_api_token(token, cap))
    }

    async fn resolve_api_token(
        &self,
        id: ApiTokenId,
    ) -> Result<Option<ResolvedApiToken>, StoreError> {
        self.read(|state| {
            let token = state.api_tokens.get(&id)?.clone();
            let subject = state.subject((token.tenant, token.owner))?;
            Some(ResolvedApiToken { token, subject })
        })
    }

    async fn touch_api_tokens(&self, uses: &[(ApiTokenId, Timestamp)]) -> Result<(), StoreError> {
        self.change(|state| {
            for (id, at) in uses {
                state.api_tokens.update(id, |token| {
                    token.last_used_at = token.last_used_at.max(Some(*at));
                });
            }
            Ok(())
        })
    }

    async fn list_api_tokens(
        &self,
        tenant: TenantId,
        owner: UserId,
        now: Timestamp,
    ) -> Result<Vec<ApiToken>, StoreError> {
        self.read(|state| {
            let live = state.live_api_tokens((tenant, owner), now);
            let mut live: Vec<ApiToken> = live.cloned().collect();
            live.sort_by_key(|token| Reverse((token.created_at, token.id)));
            live
        })
    }

    async fn revoke_api_token(
        &self,
        tenant: TenantId,
        owner: UserId,
        id: ApiTokenId,
        now: Timestamp,
        along: Along,
    ) -> WriteResult<()> {
        self.write(along, |state| {
            let theirs = |token: &&ApiToken| {
                token.tenant == tenant && token.owner == owner && token.revoked_at.is_none()
            };
            if state.api_tokens.get(&id).filter(theirs).is_none() {
                return Err(Refusal::NotFound.into());
            }
            state
                .api_tokens
                .update(&id, |token| token.revoked_at = Some(now));
            Ok(())
        })
    }

    async fn revoke_all_api_tokens(
        &self,
        tenant: TenantId,
        owner: UserId,
        now: Timestamp,
        along: Along,
    ) -> WriteResult<u64> {
        self.write(along, |state| {
            let live = |token: &ApiToken| {
                token.tenant == tenant && token.owner == owner && token.is_live(now)
            };
            Ok(state
                .api_tokens
                .update_where(live, |token| token.revoked_at = Some(now)))
        })
    }
}
