//! A look, and then a write that trusts it.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use portcullis_core::along::Along;
use portcullis_core::api_token::ApiToken;
use portcullis_core::error::StoreError;
use portcullis_core::factor::{FactorConfig, FactorVersion};
use portcullis_core::id::{ClaimId, TenantId, UserId};
use portcullis_core::mail::ClaimedMail;
use portcullis_core::session::Session;
use portcullis_core::store::{
    ApiTokenStore, FactorStore, OutboxStore, SessionInsert, SessionStore, WriteResult,
};
use portcullis_core::time::Timestamp;

use super::{let_others_look, mutant};
use crate::wrap::Around;

mutant! {
    /// Saves a factor whatever version the caller read: the last one wins, and the update before it is lost.
    ///
    /// Caught by [`factors::one_of_many_saves_a_version`](crate::conformance::factors::one_of_many_saves_a_version) and
    /// [`factors::a_factor_is_saved_by_who_names_its_version`][case].
    ///
    /// [case]: crate::conformance::factors::a_factor_is_saved_by_who_names_its_version
    LostUpdate {}
}

#[async_trait]
impl<S: FactorStore> Around for LostUpdate<S> {
    type Store = S;

    fn store(&self) -> &S {
        &self.store
    }

    async fn compare_and_save_factor(
        &self,
        tenant: TenantId,
        user: UserId,
        expected: FactorVersion,
        config: &FactorConfig,
        now: Timestamp,
        along: Along,
    ) -> WriteResult<FactorVersion> {
        let loaded = self.store.load_factor(tenant, user, config.kind()).await?;
        let there = loaded.and_then(|loaded| loaded.factor);
        let version = there.map_or(expected, |factor| factor.version);
        self.store
            .compare_and_save_factor(tenant, user, version, config, now, along)
            .await
    }
}

mutant! {
    /// Counts live API tokens and live sessions first and inserts then: a burst passes the cap.
    ///
    /// Caught by [`api_tokens::a_burst_fills_the_cap_exactly`][tokens],
    /// [`session_cap::a_hundred_sign_ins_leave_the_cap`][sessions] and
    /// [`session_cap::the_last_place_is_taken_once`][last].
    ///
    /// [tokens]: crate::conformance::api_tokens::a_burst_fills_the_cap_exactly
    /// [sessions]: crate::conformance::session_cap::a_hundred_sign_ins_leave_the_cap
    /// [last]: crate::conformance::session_cap::the_last_place_is_taken_once
    CountThenInsert {}
}

#[async_trait]
impl<S: ApiTokenStore + SessionStore> Around for CountThenInsert<S> {
    type Store = S;

    fn store(&self) -> &S {
        &self.store
    }

    async fn create_api_token(&self, token: &ApiToken, cap: u32, along: Along) -> WriteResult<()> {
        let live = self
            .store
            .list_api_tokens(token.tenant, token.owner, token.created_at)
            .await?;
        let_others_look().await;
        let room = u32::try_from(live.len()).is_ok_and(|live| live < cap);
        let cap = if room { u32::MAX } else { cap };
        self.store.create_api_token(token, cap, along).await
    }

    async fn insert_session(
        &self,
        session: &Session,
        cap: u32,
    ) -> Result<SessionInsert, StoreError> {
        let (tenant, user, now) = (session.tenant, session.user, session.created_at);
        let mut live = self.store.list_sessions(tenant, user, now).await?;
        let_others_look().await;
        live.sort_unstable_by_key(|session| (session.seen_at, session.created_at, session.id));
        let inserted = self.store.insert_session(session, u32::MAX).await?;
        if inserted == SessionInsert::IdTaken {
            return Ok(inserted);
        }
        let others = usize::try_from(cap.saturating_sub(1)).unwrap_or(usize::MAX);
        let surplus = live.len().saturating_sub(others);
        let mut evicted = 0;
        for unused in live.iter().take(surplus) {
            let revoked = self.store.revoke_session(tenant, user, unused.id, now);
            evicted += u32::from(revoked.await?);
        }
        Ok(SessionInsert::Inserted { evicted })
    }
}

/// What one worker is about to get, for others to see.
type Basket = Arc<Mutex<Vec<ClaimedMail>>>;

mutant! {
    /// Looks for due mail first and marks it then: workers that look at the same time all get it.
    ///
    /// Caught by [`outbox::one_of_many_workers_gets_a_mail`][case].
    ///
    /// [case]: crate::conformance::outbox::one_of_many_workers_gets_a_mail
    ClaimedTwice { looking: Mutex<Vec<Basket>> }
}

impl<S> ClaimedTwice<S> {
    fn looking<T>(&self, with: impl FnOnce(&mut Vec<Basket>) -> T) -> T {
        with(&mut self.looking.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl<S: OutboxStore> Around for ClaimedTwice<S> {
    type Store = S;

    fn store(&self) -> &S {
        &self.store
    }

    async fn claim_mail(
        &self,
        claim: ClaimId,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClaimedMail>, StoreError> {
        let mine = Basket::default();
        self.looking(|looking| looking.push(Arc::clone(&mine)));
        let_others_look().await;
        let claimed = self.store.claim_mail(claim, now, lease_until, limit).await;
        self.looking(|looking| looking.retain(|other| !Arc::ptr_eq(other, &mine)));
        let mut claimed = claimed?;
        self.looking(|looking| {
            for other in looking.iter() {
                let mut other = other.lock().unwrap_or_else(PoisonError::into_inner);
                other.extend(claimed.iter().cloned());
            }
        });
        let mut seen = mine.lock().unwrap_or_else(PoisonError::into_inner);
        claimed.extend(seen.drain(..).map(|mail| ClaimedMail { claim, ..mail }));
        Ok(claimed)
    }
}
