//! People who are not gone, and others who are.

use async_trait::async_trait;
use portcullis_core::along::Along;
use portcullis_core::entity::{EndAll, EndedAll, Erasure, Unproved};
use portcullis_core::id::UserId;
use portcullis_core::state::{EntityState, Status};
use portcullis_core::store::{AccountStore, AnyTenant, Crossing, IdentityAdmin, WriteResult};

use super::{let_others_look, mutant};
use crate::wrap::Around;

mutant! {
    /// Archives the account and removes the person, and leaves behind what they came in with.
    ///
    /// Caught by [`erasure::an_erased_person_leaves_nothing_but_a_tombstone`][case].
    ///
    /// [case]: crate::conformance::erasure::an_erased_person_leaves_nothing_but_a_tombstone
    ErasesTheSurface {}
}

#[async_trait]
impl<S: Crossing + AccountStore + IdentityAdmin> Around for ErasesTheSurface<S> {
    type Store = S;

    fn store(&self) -> &S {
        &self.store
    }

    async fn erase(&self, erasure: &Erasure, along: Along) -> WriteResult<()> {
        let Erasure { tenant, user, .. } = *erasure;
        let archived = Status::new(EntityState::Archived, erasure.now);
        let set = self.store.set_state(tenant, user, &archived, along).await?;
        if set.refusal().is_none() {
            self.store.remove_user(tenant, user).await?;
        }
        Ok(set)
    }
}

mutant! {
    /// Looks whether a sign-up was proved, and then discards it whatever happened meanwhile.
    ///
    /// Caught by [`discarding::a_proof_that_races_the_end_is_whole_or_nothing`][case].
    ///
    /// [case]: crate::conformance::discarding::a_proof_that_races_the_end_is_whole_or_nothing
    LookThenDiscard {}
}

#[async_trait]
impl<S: Crossing + AccountStore + IdentityAdmin> Around for LookThenDiscard<S> {
    type Store = S;

    fn store(&self) -> &S {
        &self.store
    }

    async fn discard(&self, unproved: &Unproved, along: Along) -> WriteResult<()> {
        let Unproved { tenant, user, .. } = *unproved;
        let account = self.store.account(tenant, user).await?;
        let looked = account.is_some_and(|account| account.verified.is_empty());
        let_others_look().await;
        if !looked {
            return self.store.discard(unproved, along).await;
        }
        let closed = Status::new(EntityState::Terminated, unproved.now);
        let set = self.store.set_state(tenant, user, &closed, along).await?;
        if set.refusal().is_none() {
            self.store.remove_user(tenant, user).await?;
        }
        Ok(set)
    }
}

mutant! {
    /// Ends everything of everybody but the links that are under way to nobody in particular.
    ///
    /// Caught by [`any_tenant::everything_of_everybody_is_ended_batch_by_batch`][case].
    ///
    /// [case]: crate::conformance::any_tenant::everything_of_everybody_is_ended_batch_by_batch
    EndsNoLinks {}
}

#[async_trait]
impl<S: AnyTenant> Around for EndsNoLinks<S> {
    type Store = S;

    fn store(&self) -> &S {
        &self.store
    }

    async fn end_all(&self, batch: &EndAll, along: Along) -> WriteResult<EndedAll> {
        let mut batch = *batch;
        // As if it were not the first.
        batch.after = batch.after.or(Some(UserId::from_bytes([0; 16])));
        self.store.end_all(&batch, along).await
    }
}
