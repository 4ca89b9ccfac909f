//! Earlier passwords, kept apart from what replaces them.

use async_trait::async_trait;
use portcullis_core::along::Along;
use portcullis_core::factor::{FactorConfig, FactorVersion};
use portcullis_core::id::{TenantId, UserId};
use portcullis_core::store::{FactorStore, IdentityAuthnLog, WriteResult};
use portcullis_core::time::Timestamp;

use super::mutant;
use crate::wrap::Around;

mutant! {
    /// Keeps the password of before in a write of its own, and then changes it: a change that is refused leaves it among
    /// the earlier ones, where its owner may not set it again although they have it.
    ///
    /// Caught by [`history::a_refused_write_keeps_no_password`][case].
    ///
    /// [case]: crate::conformance::history::a_refused_write_keeps_no_password
    RememberedApart {}
}

#[async_trait]
impl<S: FactorStore + IdentityAuthnLog> Around for RememberedApart<S> {
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
        changed_at: Timestamp,
        mut along: Along,
    ) -> WriteResult<FactorVersion> {
        let first = Along {
            remember: along.remember.take(),
            ..Along::default()
        };
        let _kept = self.store.record(first).await?;
        let store = &self.store;
        let saved =
            store.compare_and_save_factor(tenant, user, expected, config, changed_at, along);
        saved.await
    }
}

mutant! {
    /// Changes a password and keeps none of before.
    ///
    /// Caught by [`history::the_password_that_is_replaced_is_kept`][case].
    ///
    /// [case]: crate::conformance::history::the_password_that_is_replaced_is_kept
    NotRemembered {}
}

#[async_trait]
impl<S: Send + Sync + 'static> Around for NotRemembered<S> {
    type Store = S;

    fn store(&self) -> &S {
        &self.store
    }

    async fn companions(&self, mut along: Along) -> Along {
        along.remember = None;
        along
    }
}
