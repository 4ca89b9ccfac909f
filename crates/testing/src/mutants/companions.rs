//! What travels with a write, lost or left behind.

use async_trait::async_trait;
use portcullis_core::along::{Along, Refusal, Write};
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::store::{AccountStore, Activation, IdentityAuthnLog, WriteResult};

use super::mutant;
use crate::wrap::Around;

mutant! {
    /// Writes the effect and drops the events that explain it.
    ///
    /// Caught by [`audit::events_commit_with_their_effect`](crate::conformance::audit::events_commit_with_their_effect).
    EffectWithoutEvent {}
}

#[async_trait]
impl<S: Send + Sync + 'static> Around for EffectWithoutEvent<S> {
    type Store = S;

    fn store(&self) -> &S {
        &self.store
    }

    async fn companions(&self, mut along: Along) -> Along {
        along.events.clear();
        along
    }
}

mutant! {
    /// Writes the effect and drops the mail that it sends.
    ///
    /// Caught by [`companions::companions_commit_with_their_effect`][case].
    ///
    /// [case]: crate::conformance::companions::companions_commit_with_their_effect
    MailLost {}
}

#[async_trait]
impl<S: Send + Sync + 'static> Around for MailLost<S> {
    type Store = S;

    fn store(&self) -> &S {
        &self.store
    }

    async fn companions(&self, mut along: Along) -> Along {
        along.mail.clear();
        along
    }
}

mutant! {
    /// Writes the effect and leaves the epoch where it was, so that older sessions live on.
    ///
    /// Caught by [`companions::companions_commit_with_their_effect`][case].
    ///
    /// [case]: crate::conformance::companions::companions_commit_with_their_effect
    EpochNotMoved {}
}

#[async_trait]
impl<S: Send + Sync + 'static> Around for EpochNotMoved<S> {
    type Store = S;

    fn store(&self) -> &S {
        &self.store
    }

    async fn companions(&self, mut along: Along) -> Along {
        along.bump_epoch = None;
        along
    }
}

mutant! {
    /// Writes the effect and keeps the failures that it should forget: whoever set a new password stays locked out.
    ///
    /// Caught by [`companions::companions_commit_with_their_effect`][case].
    ///
    /// [case]: crate::conformance::companions::companions_commit_with_their_effect
    NotForgiven {}
}

#[async_trait]
impl<S: Send + Sync + 'static> Around for NotForgiven<S> {
    type Store = S;

    fn store(&self) -> &S {
        &self.store
    }

    async fn companions(&self, mut along: Along) -> Along {
        along.forgive.clear();
        along
    }
}

mutant! {
    /// Refuses the proof of an identifier and commits its companions all the same: the token is burnt for nothing.
    ///
    /// Caught by [`companions::a_refused_effect_leaves_no_companion`][case].
    ///
    /// [case]: crate::conformance::companions::a_refused_effect_leaves_no_companion
    RefusedButCommitted {}
}

#[async_trait]
impl<S: AccountStore + IdentityAuthnLog> Around for RefusedButCommitted<S> {
    type Store = S;

    fn store(&self) -> &S {
        &self.store
    }

    async fn verify_identifier(
        &self,
        tenant: TenantId,
        user: UserId,
        activation: &Activation,
        along: Along,
    ) -> WriteResult<()> {
        let companions = along.clone();
        let written = self
            .store
            .verify_identifier(tenant, user, activation, along)
            .await?;
        if matches!(
            written,
            Write::Refused(Refusal::NotFound | Refusal::Transition { .. })
        ) {
            let _committed = self.store.record(companions).await?;
        }
        Ok(written)
    }
}
