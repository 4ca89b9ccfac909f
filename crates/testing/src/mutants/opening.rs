//! Somebody else's account.

use async_trait::async_trait;
use portcullis_core::along::{Along, Refusal, Write};
use portcullis_core::entity::NewAccount;
use portcullis_core::store::{AccountOpening, WriteResult};

use super::mutant;
use crate::wrap::Around;

mutant! {
    /// Says that an account was opened where the id has one already, so that somebody new comes into somebody else's.
    ///
    /// Caught by [`opening::an_account_is_opened_once`][case].
    ///
    /// [case]: crate::conformance::opening::an_account_is_opened_once
    OpensTwice {}
}

#[async_trait]
impl<S: AccountOpening> Around for OpensTwice<S> {
    type Store = S;

    fn store(&self) -> &S {
        &self.store
    }

    async fn open_account(&self, account: &NewAccount, along: Along) -> WriteResult<()> {
        match self.store.open_account(account, along).await? {
            Write::Refused(Refusal::Exists) => Ok(Write::Applied(())),
            written => Ok(written),
        }
    }
}
