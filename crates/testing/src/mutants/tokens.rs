//! Single-use tokens that work when they should not.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use portcullis_core::along::{Along, Refusal, Spend, Write};
use portcullis_core::error::StoreError;
use portcullis_core::id::VerificationTokenId;
use portcullis_core::store::{IdentityAuthnLog, VerificationStore, WriteResult};
use portcullis_core::verification::{TokenKind, TokenRejection, VerificationToken};

use super::{let_others_look, mutant};
use crate::wrap::Around;

mutant! {
    /// Spends a single-use token however late.
    ///
    /// Caught by [`tokens::a_token_works_before_its_end_and_not_at_it`][case].
    ///
    /// [case]: crate::conformance::tokens::a_token_works_before_its_end_and_not_at_it
    ForgetsExpiry {}
}

#[async_trait]
impl<S: VerificationStore> Around for ForgetsExpiry<S> {
    type Store = S;

    fn store(&self) -> &S {
        &self.store
    }

    async fn companions(&self, mut along: Along) -> Along {
        if let Some(spend) = &mut along.spend
            && let Ok(Some(token)) = self.store.peek(spend.id).await
        {
            let last = token.expires_at.minus(Duration::from_micros(1));
            spend.now = spend.now.min(last);
        }
        along
    }
}

mutant! {
    /// Takes every kind that an application named for one.
    ///
    /// Caught by [`supersession::kinds_are_told_apart`](crate::conformance::supersession::kinds_are_told_apart).
    KindsMixedUp {}
}

#[async_trait]
impl<S: VerificationStore> Around for KindsMixedUp<S> {
    type Store = S;

    fn store(&self) -> &S {
        &self.store
    }

    async fn companions(&self, mut along: Along) -> Along {
        if let Some(spend) = &mut along.spend
            && let TokenKind::Custom(_) = spend.kind
            && let Ok(Some(token)) = self.store.peek(spend.id).await
            && let TokenKind::Custom(_) = token.kind
        {
            spend.kind = token.kind;
        }
        along
    }
}

mutant! {
    /// Looks whether a token is unused and marks it then: whoever looked in time has spent it.
    ///
    /// Caught by [`tokens::one_of_many_spends_a_token`](crate::conformance::tokens::one_of_many_spends_a_token).
    NonAtomicConsume {}
}

impl<S: VerificationStore> NonAtomicConsume<S> {
    async fn works(&self, spend: &Spend) -> Result<bool, StoreError> {
        let token = self.store.peek(spend.id).await?;
        Ok(token.is_some_and(|token| token.check(spend.kind, spend.now).is_ok()))
    }
}

#[async_trait]
impl<S: VerificationStore + IdentityAuthnLog> Around for NonAtomicConsume<S> {
    type Store = S;

    fn store(&self) -> &S {
        &self.store
    }

    async fn record(&self, along: Along) -> WriteResult<()> {
        let looked_good = match &along.spend {
            Some(spend) => self.works(spend).await?,
            None => false,
        };
        let_others_look().await;
        let mut rest = along.clone();
        let written = self.store.record(along).await?;
        let consumed = Write::Refused(Refusal::Token(TokenRejection::Consumed));
        if looked_good && written == consumed {
            rest.spend = None;
            return self.store.record(rest).await;
        }
        Ok(written)
    }
}

mutant! {
    /// Issues a token beside the one before, which goes on working.
    ///
    /// Caught by [`supersession::a_new_token_supersedes_the_older`][case].
    ///
    /// [case]: crate::conformance::supersession::a_new_token_supersedes_the_older
    SupersedeForgotten { forgotten: Mutex<HashSet<VerificationTokenId>> }
}

impl<S> SupersedeForgotten<S> {
    fn forgotten(&self) -> MutexGuard<'_, HashSet<VerificationTokenId>> {
        self.forgotten
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl<S: VerificationStore> Around for SupersedeForgotten<S> {
    type Store = S;

    fn store(&self) -> &S {
        &self.store
    }

    async fn companions(&self, mut along: Along) -> Along {
        let spent = along.spend.map(|spend| spend.id);
        if spent.is_some_and(|spent| self.forgotten().remove(&spent)) {
            along.spend = None;
        }
        if let Some(new) = &along.issue
            && let Some(user) = new.user
        {
            let older = self
                .store
                .live_token(new.tenant, user, new.kind, new.created_at)
                .await;
            let older = older.ok().flatten().map(|token| token.id);
            self.forgotten()
                .extend(older.filter(|id| Some(*id) != spent));
        }
        along
    }

    async fn peek(&self, id: VerificationTokenId) -> Result<Option<VerificationToken>, StoreError> {
        let mut token = self.store.peek(id).await?;
        if let Some(token) = &mut token
            && self.forgotten().contains(&id)
        {
            token.superseded_at = None;
        }
        Ok(token)
    }
}
