//! What becomes of accounts that are closed, or were never proved.

use async_trait::async_trait;
use serde_json::Value;

use portcullis_core::along::{Along, Refusal};
use portcullis_core::entity::{
    Account, EndAll, EndedAll, Epoch, Erasure, TenantSecurity, Unproved,
};
use portcullis_core::error::StoreError;
use portcullis_core::id::{TenantId, UserId, ensure_user_id_not_reserved};
use portcullis_core::net::ClientInfo;
use portcullis_core::role::Roles;
use portcullis_core::state::{EntityState, Status};
use portcullis_core::store::{AccountErasure, AnyTenant, Due, NEVER_PROVED, WriteResult};
use portcullis_core::time::Timestamp;

use super::state::{Owner, State};
use super::{MemoryStore, Stop};

impl State {
    pub(super) fn erase_account(&mut self, erasure: &Erasure) -> Result<(), Stop> {
        let owner = (erasure.tenant, erasure.user);
        ensure_user_id_not_reserved(owner.1).map_err(|_| Refusal::Reserved)?;
        let from = self.account(owner)?.status.state;
        if from != EntityState::Terminated {
            return Err(Refusal::Transition { from }.into());
        }
        self.accounts.update(&owner.1, |account| {
            account.status = Status::new(EntityState::Archived, erasure.now);
            account.handle.clear();
            account.roles = Roles::default();
            account.last_sign_in = None;
            account.verified.clear();
        });
        self.forget_mail(erasure);
        self.forget_credentials(owner);
        for digest in &erasure.attempts {
            let (tenant, digest) = (owner.0, *digest);
            self.attempts
                .remove_where_key(|(of, identifier, _)| *of == tenant && *identifier == digest);
        }
        self.forget_whereabouts(owner);
        Ok(())
    }

    fn forget_mail_about(&mut self, owner: Owner) {
        self.outbox.remove_where(|queued| {
            let mail = queued.mail();
            mail.tenant == owner.0 && mail.user == Some(owner.1)
        });
    }

    /// Mail about them, and mail and links that went to their address before they had an account.
    fn forget_mail(&mut self, erasure: &Erasure) {
        let (owner, until) = ((erasure.tenant, erasure.user), erasure.until);
        self.forget_mail_about(owner);
        self.outbox.remove_where(|queued| {
            let mail = queued.mail();
            let named = erasure.identifiers.iter().any(|one| one.raw == mail.to);
            mail.tenant == owner.0 && mail.user.is_none() && named && mail.created_at <= until
        });
        self.tokens.remove_where(|token| {
            let mut named = erasure.identifiers.iter();
            token.tenant == owner.0
                && token.user.is_none()
                && token.created_at <= until
                && named.any(|one| one.canonical == token.email)
        });
    }

    /// Everything they could come in with, and every proof.
    fn forget_credentials(&mut self, owner: Owner) {
        self.factors.remove_where_key(|(of, _)| *of == owner);
        self.earlier_passwords.take(&owner);
        self.tokens
            .remove_where(|token| token.tenant == owner.0 && token.user == Some(owner.1));
        self.api_tokens
            .remove_where(|token| (token.tenant, token.owner) == owner);
        self.families
            .remove_where(|family| (family.tenant, family.user) == owner);
    }

    /// What the audit log says of where they were and what belongs to it.
    fn forget_whereabouts(&mut self, (tenant, user): Owner) {
        self.events.update_where(
            |event| {
                let here = event.tenant.is_none_or(|of| of == tenant);
                here && (event.subject == Some(user) || event.actor == Some(user))
            },
            |event| {
                event.client = ClientInfo::default();
                if event.subject == Some(user) {
                    event.detail = Value::Null;
                }
            },
        );
    }

    /// Whether a pending account may go.
    fn may_go(&self, account: &Account, pending_since: Timestamp, now: Timestamp) -> bool {
        let can_prove = self.tokens.rows().any(|token| {
            (token.tenant, token.user) == (account.tenant, Some(account.user))
                && token.check(token.kind, now).is_ok()
        });
        account.status.state == EntityState::Pending
            && account.status.detail.since <= pending_since
            && account.verified.is_empty()
            && !can_prove
    }

    pub(super) fn close_unproved(&mut self, unproved: &Unproved) -> Result<(), Stop> {
        let owner = (unproved.tenant, unproved.user);
        let account = self.account(owner)?;
        let from = account.status.state;
        if from != EntityState::Pending {
            return Err(Refusal::Transition { from }.into());
        }
        if !self.may_go(account, unproved.pending_since, unproved.now) {
            return Err(Refusal::Stale.into());
        }
        let mut closed = Status::new(EntityState::Terminated, unproved.now);
        closed.detail.reason = Some(NEVER_PROVED.to_owned());
        self.accounts
            .update(&owner.1, |account| account.status = closed);
        self.move_epoch(owner)?;
        Ok(())
    }

    pub(super) fn remove_unproved(&mut self, owner: Owner) -> Result<(), Stop> {
        let account = self.account(owner)?;
        if !is_half_discarded(account) {
            let from = account.status.state;
            return Err(Refusal::Transition { from }.into());
        }
        self.forget_credentials(owner);
        self.forget_mail_about(owner);
        self.accounts.take(&owner.1);
        Ok(())
    }
}

impl State {
    fn end_all(&mut self, batch: &EndAll) -> Result<EndedAll, Stop> {
        let now = batch.now;
        if batch.after.is_none() {
            self.tokens.update_where(
                |token| token.check(token.kind, now).is_ok(),
                |token| token.superseded_at = Some(now),
            );
        }
        let limit = usize::try_from(batch.limit.clamp(1, 1000)).unwrap_or(1000);
        let accounts = self.accounts.rows().map(|account| account.user);
        let people: Vec<UserId> = accounts
            .filter(|user| batch.after.is_none_or(|after| after < *user))
            .take(limit)
            .collect();
        let mut ended = EndedAll {
            last: people.last().copied(),
            ..EndedAll::default()
        };
        for user in &people {
            let before = self.accounts.get(user).map(|account| account.epoch);
            let after = before.and_then(|Epoch(before)| before.checked_add(Epoch::LEAP));
            let after = after.ok_or_else(|| StoreError::corrupt("accounts", "epoch"))?;
            self.accounts
                .update(user, |account| account.epoch = Epoch(after));
            ended.accounts += 1;
        }
        if batch.api_tokens {
            ended.api_tokens = self.api_tokens.update_where(
                |token| people.contains(&token.owner) && token.is_live(now),
                |token| token.revoked_at = Some(now),
            );
        }
        Ok(ended)
    }
}

/// Closed because nobody proved it, and not removed yet.
fn is_half_discarded(account: &Account) -> bool {
    account.status.state == EntityState::Terminated
        && account.status.detail.reason.as_deref() == Some(NEVER_PROVED)
        && account.verified.is_empty()
}

/// The people of some accounts, those first whose state holds for longest.
fn longest_first<'a>(
    accounts: impl Iterator<Item = &'a Account>,
    after: Option<Due>,
    limit: u32,
) -> Vec<Due> {
    let mut found: Vec<_> = accounts
        .map(|account| Due {
            since: account.status.detail.since,
            user: account.user,
        })
        .filter(|due| after.is_none_or(|after| after < *due))
        .collect();
    found.sort_unstable();
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    found
}

#[async_trait]
impl AccountErasure for MemoryStore {
    async fn closed_accounts(
        &self,
        tenant: TenantId,
        closed_by: Timestamp,
        after: Option<Due>,
        limit: u32,
    ) -> Result<Vec<Due>, StoreError> {
        let closed = |account: &&Account| {
            account.tenant == tenant
                && account.status.state == EntityState::Terminated
                && account.status.detail.since <= closed_by
        };
        self.read(|state| longest_first(state.accounts.rows().filter(closed), after, limit))
    }

    async fn unproved_accounts(
        &self,
        tenant: TenantId,
        pending_since: Timestamp,
        now: Timestamp,
        after: Option<Due>,
        limit: u32,
    ) -> Result<Vec<Due>, StoreError> {
        self.read(|state| {
            let unproved = state.accounts.rows().filter(|account| {
                account.tenant == tenant
                    && (state.may_go(account, pending_since, now) || is_half_discarded(account))
            });
            longest_first(unproved, after, limit)
        })
    }

    async fn erase_account(&self, erasure: &Erasure, along: Along) -> WriteResult<()> {
        self.write(along, |state| state.erase_account(erasure))
    }

    async fn close_unproved(&self, unproved: &Unproved, along: Along) -> WriteResult<()> {
        self.write(along, |state| state.close_unproved(unproved))
    }

    async fn remove_unproved(
        &self,
        tenant: TenantId,
        user: UserId,
        along: Along,
    ) -> WriteResult<()> {
        self.write(along, |state| state.remove_unproved((tenant, user)))
    }
}

#[async_trait]
impl AnyTenant for MemoryStore {
    async fn tenants_security(
        &self,
        after: Option<TenantId>,
        limit: u32,
    ) -> Result<Vec<TenantSecurity>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.read(|state| {
            let tenants = state.tenant_security.rows();
            tenants
                .filter(|security| after.is_none_or(|after| after < security.tenant))
                .take(limit)
                .cloned()
                .collect()
        })
    }

    async fn end_all(&self, batch: &EndAll, along: Along) -> WriteResult<EndedAll> {
        self.write(along, |state| state.end_all(batch))
    }
}
