//! Single-use tokens.

use async_trait::async_trait;

use portcullis_core::error::StoreError;
use portcullis_core::id::{TenantId, UserId, VerificationTokenId};
use portcullis_core::store::VerificationStore;
use portcullis_core::time::Timestamp;
use portcullis_core::verification::{TokenKind, VerificationToken};

use super::MemoryStore;

#[async_trait]
impl VerificationStore for MemoryStore {
    async fn peek(&self, id: VerificationTokenId) -> Result<Option<VerificationToken>, StoreError> {
        self.read(|state| state.tokens.get(&id).cloned())
    }

    async fn live_token(
        &self,
        tenant: TenantId,
        user: UserId,
        kind: TokenKind,
        now: Timestamp,
    ) -> Result<Option<VerificationToken>, StoreError> {
        self.read(|state| {
            let wanted = |token: &&VerificationToken| {
                token.tenant == tenant && token.user == Some(user) && token.kind == kind
            };
            let mut tokens = state.tokens.rows().filter(wanted);
            tokens.find(|token| state.is_live(token, now)).cloned()
        })
    }

    async fn revoke_tokens(
        &self,
        tenant: TenantId,
        user: UserId,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        self.change(|state| {
            let live: Vec<VerificationTokenId> = state
                .tokens
                .rows()
                .filter(|token| token.tenant == tenant && token.user == Some(user))
                .filter(|token| state.is_live(token, now))
                .map(|token| token.id)
                .collect();
            let mut revoked = 0;
            for id in live {
                let supersede = |token: &mut VerificationToken| token.superseded_at = Some(now);
                revoked += u64::from(state.tokens.update(&id, supersede));
            }
            Ok(revoked)
        })
    }

    async fn purge_tokens(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.change(|state| Ok(state.tokens.remove_where(|token| token.expires_at <= now)))
    }
}
