//! The writes that cross the halves; the laws are [`Split`]'s.

use async_trait::async_trait;

use super::Split;
use crate::along::{Along, Refusal, Write};
use crate::entity::{
    Account, Enrolment, Erasure, IdentifierChange, Tenant, TenantSecurity, Unproved, User,
};
use crate::error::{StoreError, StoreErrorKind};
use crate::id::{TenantId, UserId, ensure_tenant_id_not_reserved, ensure_user_id_not_reserved};
use crate::identifier::Identifier;
use crate::state::EntityState;
use crate::store::{
    AccountErasure, AccountOpening, AccountStore, Activation, Crossing, IdentityAdmin,
    NEVER_PROVED, VerificationStore, WriteResult,
};
use crate::verification::TokenRejection;

#[async_trait]
impl<Directory, Security> Crossing for Split<Directory, Security>
where
    Directory: IdentityAdmin,
    Security: AccountOpening + AccountStore + VerificationStore + AccountErasure,
{
    async fn create_tenant(
        &self,
        tenant: &Tenant,
        security: &TenantSecurity,
        along: Along,
    ) -> WriteResult<()> {
        if let Some(rejection) = self.rejected_token(&along).await? {
            return refused(Refusal::Token(rejection));
        }
        if ensure_tenant_id_not_reserved(tenant.id).is_err() {
            return refused(Refusal::Reserved);
        }
        if self.security.tenant_security(tenant.id).await?.is_some() {
            return refused(Refusal::Exists);
        }
        match self.directory.insert_tenant(tenant).await {
            Ok(()) => self.security.open_tenant(security, along).await,
            Err(error) if error.kind() == StoreErrorKind::Conflict => refused(Refusal::Exists),
            Err(error) => Err(error),
        }
    }

    async fn enrol(&self, enrolment: &Enrolment, along: Along) -> WriteResult<()> {
        let user = &enrolment.user;
        if let Some(rejection) = self.rejected_token(&along).await? {
            return refused(Refusal::Token(rejection));
        }
        if ensure_user_id_not_reserved(user.id).is_err() {
            return refused(Refusal::Reserved);
        }
        let there = self.security.account(user.tenant, user.id).await?;
        let person = self.directory.user(user.tenant, user.id).await?;
        let is_new = match (there, person) {
            (None, None) => true,
            // What a crash left of this very call.
            (None, Some(there)) if there.identifiers == user.identifiers => false,
            _ => return refused(Refusal::Exists),
        };
        if is_new && let Some(refusal) = self.create(user).await? {
            return refused(refusal);
        }
        let account = enrolment.account();
        let opened = self.security.open_account(&account, along).await?;
        if is_new && opened.refusal().is_some() {
            self.undo(user).await?;
        }
        Ok(opened)
    }

    async fn prove(
        &self,
        tenant: TenantId,
        user: UserId,
        activation: &Activation,
        along: Along,
    ) -> WriteResult<()> {
        let security = &self.security;
        let Some(spelling) = &activation.spelling else {
            let proved = security.verify_identifier(tenant, user, activation, along);
            return proved.await;
        };
        if let Some(rejection) = self.rejected_token(&along).await? {
            return refused(Refusal::Token(rejection));
        }
        let Some(account) = security.account(tenant, user).await? else {
            return refused(Refusal::NotFound);
        };
        match account.status.effective_at(activation.now) {
            EntityState::Pending if account.handle == *spelling => {}
            EntityState::Pending => return refused(Refusal::Stale),
            from => return refused(Refusal::Transition { from }),
        }
        if !self.spell(tenant, user, activation, spelling).await? {
            return refused(Refusal::NotFound);
        }
        let proved = security.verify_identifier(tenant, user, activation, along);
        let proved = proved.await?;
        if proved.refusal().is_some() {
            self.spell_as_called(tenant, user, activation).await?;
        }
        Ok(proved)
    }

    async fn change_identifier(&self, change: &IdentifierChange, along: Along) -> WriteResult<()> {
        let IdentifierChange {
            tenant,
            user,
            from,
            to,
            ..
        } = change;
        if let Some(rejection) = self.rejected_token(&along).await? {
            return refused(Refusal::Token(rejection));
        }
        let account = self.security.account(*tenant, *user).await?;
        let person = self.directory.user(*tenant, *user).await?;
        let (Some(account), Some(person)) = (account, person) else {
            return refused(Refusal::NotFound);
        };
        let held = person.identifiers;
        let Some(place) = held.iter().position(|one| same(one, from)) else {
            return refused(Refusal::Stale);
        };
        let mut after = held.clone();
        if same(from, to) {
            after.splice(place..=place, [to.clone()]).for_each(drop);
        } else {
            let proved = account
                .verified
                .iter()
                .any(|proved| proved.kind == to.kind && proved.canonical == to.canonical);
            let theirs = held.iter().any(|one| same(one, to));
            if theirs && proved {
                return refused(Refusal::IdentifierTaken);
            }
            // What they have and never proved is what a crash left of a change like this one.
            after.retain(|one| !same(one, to));
            let mut both = after.clone();
            for one in &mut after {
                if same(one, from) {
                    one.clone_from(to);
                }
            }
            both.push(to.clone());
            if let Some(refusal) = self.hold(change, &both).await? {
                return refused(refusal);
            }
        }
        let changed = self.security.change_verified(change, along).await?;
        let end = if changed.refusal().is_some() {
            &held
        } else {
            &after
        };
        self.directory.set_identifiers(*tenant, *user, end).await?;
        Ok(changed)
    }

    async fn erase(&self, erasure: &Erasure, along: Along) -> WriteResult<()> {
        let Erasure { tenant, user, .. } = *erasure;
        if let Some(rejection) = self.rejected_token(&along).await? {
            return refused(Refusal::Token(rejection));
        }
        if ensure_user_id_not_reserved(user).is_err() {
            return refused(Refusal::Reserved);
        }
        let Some(account) = self.security.account(tenant, user).await? else {
            return refused(Refusal::NotFound);
        };
        let from = account.status.state;
        if from != EntityState::Terminated {
            return refused(Refusal::Transition { from });
        }
        // Somebody who is gone already is what a crash left of this very call.
        self.directory.remove_user(tenant, user).await?;
        self.security.erase_account(erasure, along).await
    }

    async fn discard(&self, unproved: &Unproved, along: Along) -> WriteResult<()> {
        let Unproved { tenant, user, .. } = *unproved;
        let closed = self.security.close_unproved(unproved, along).await?;
        if let Some(refusal) = closed.refusal() {
            match self.security.account(tenant, user).await? {
                Some(account) if is_half_discarded(&account) => {}
                Some(_) => return refused(*refusal),
                // Somebody else has discarded them since.
                None => return refused(Refusal::NotFound),
            }
        }
        self.directory.remove_user(tenant, user).await?;
        let along = Along::default();
        self.security.remove_unproved(tenant, user, along).await
    }
}

/// What a crash leaves of discarding somebody.
fn is_half_discarded(account: &Account) -> bool {
    account.status.state == EntityState::Terminated
        && account.status.detail.reason.as_deref() == Some(NEVER_PROVED)
        && account.verified.is_empty()
}

fn same(one: &Identifier, other: &Identifier) -> bool {
    one.kind == other.kind && one.canonical == other.canonical
}

impl<Directory, Security> Split<Directory, Security>
where
    Directory: IdentityAdmin,
    Security: AccountStore + VerificationStore,
{
    /// What is wrong with the token that the write would spend, as the write itself would find it.
    async fn rejected_token(&self, along: &Along) -> Result<Option<TokenRejection>, StoreError> {
        let Some(spend) = along.spend else {
            return Ok(None);
        };
        let token = self.security.peek(spend.id).await?;
        let Some(token) = token.filter(|token| token.tenant == spend.tenant) else {
            return Ok(Some(TokenRejection::Unknown));
        };
        let rejection = token.check(spend.kind, spend.now).err();
        let (None | Some(TokenRejection::Expired), Some(user)) = (rejection, token.user) else {
            return Ok(rejection);
        };
        let owner = self.security.account(token.tenant, user).await?;
        let is_current =
            owner.is_some_and(|account| token.epoch.is_none_or(|epoch| epoch == account.epoch));
        Ok(if is_current {
            rejection
        } else {
            Some(TokenRejection::Superseded)
        })
    }

    /// Creates a person, or says why not.
    async fn create(&self, user: &User) -> Result<Option<Refusal>, StoreError> {
        match self.directory.create_user(user).await {
            Ok(()) => return Ok(None),
            Err(error) if error.kind() == StoreErrorKind::Conflict => {}
            Err(error) => return Err(error),
        }
        for identifier in &user.identifiers {
            let holder = self.directory.find_user(user.tenant, identifier).await?;
            if holder.is_some_and(|holder| holder.id != user.id) {
                return Ok(Some(Refusal::IdentifierTaken));
            }
        }
        let tenant = self.security.tenant_security(user.tenant).await?;
        Ok(Some(if tenant.is_some() {
            Refusal::Exists
        } else {
            Refusal::NotFound
        }))
    }

    /// Writes the identifier that is proved as `raw`, where that is a spelling of it; `false` where nobody is there.
    async fn spell(
        &self,
        tenant: TenantId,
        user: UserId,
        proof: &Activation,
        raw: &str,
    ) -> Result<bool, StoreError> {
        let Some(person) = self.directory.user(tenant, user).await? else {
            return Ok(false);
        };
        let Ok(spelled) = Identifier::parse(raw) else {
            return Ok(true);
        };
        let mut identifiers = person.identifiers;
        let mut held = identifiers.iter_mut();
        let held = held.find(|held| held.kind == proof.kind && held.canonical == proof.canonical);
        match held {
            Some(held) if same(held, &spelled) && held.raw != spelled.raw => *held = spelled,
            _ => return Ok(true),
        }
        let directory = &self.directory;
        directory.set_identifiers(tenant, user, &identifiers).await
    }

    /// Writes the identifier as the account is called by now: somebody proved another spelling meanwhile, or may yet.
    async fn spell_as_called(
        &self,
        tenant: TenantId,
        user: UserId,
        proof: &Activation,
    ) -> Result<(), StoreError> {
        let mut written = None;
        loop {
            let account = self.security.account(tenant, user).await?;
            let Some(account) = account.filter(|account| written.as_ref() != Some(&account.handle))
            else {
                return Ok(());
            };
            self.spell(tenant, user, proof, &account.handle).await?;
            written = Some(account.handle);
        }
    }

    /// Gives a person the new identifier beside the old one, or says why not.
    async fn hold(
        &self,
        change: &IdentifierChange,
        both: &[Identifier],
    ) -> Result<Option<Refusal>, StoreError> {
        let (tenant, user) = (change.tenant, change.user);
        match self.directory.set_identifiers(tenant, user, both).await {
            Ok(true) => Ok(None),
            Ok(false) => Ok(Some(Refusal::NotFound)),
            Err(error) if error.kind() == StoreErrorKind::Conflict => {
                Ok(Some(Refusal::IdentifierTaken))
            }
            Err(error) => Err(error),
        }
    }

    /// Removes a person that was created a moment ago, unless they have an account by now.
    async fn undo(&self, user: &User) -> Result<(), StoreError> {
        if self.security.account(user.tenant, user.id).await?.is_none() {
            self.directory.remove_user(user.tenant, user.id).await?;
        }
        Ok(())
    }
}

const fn refused(refusal: Refusal) -> WriteResult<()> {
    Ok(Write::Refused(refusal))
}
