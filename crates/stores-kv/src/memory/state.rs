//! The tables, and what several families ask of them.

use portcullis_core::along::Refusal;
use portcullis_core::api_token::ApiToken;
use portcullis_core::entity::{Account, Epoch, SubjectState, Tenant, TenantSecurity, User};
use portcullis_core::error::StoreError;
use portcullis_core::event::AuthEvent;
use portcullis_core::factor::{Factor, FactorKind};
use portcullis_core::id::{
    ApiTokenId, EventId, MailId, RefreshFamilyId, SessionId, TenantId, TicketId, UserId,
    VerificationTokenId,
};
use portcullis_core::identifier::IdentifierKind;
use portcullis_core::refresh::RefreshFamily;
use portcullis_core::rule::lockout::Attempts;
use portcullis_core::secret::PasswordHash;
use portcullis_core::session::Session;
use portcullis_core::state::EntityState;
use portcullis_core::store::AttemptKey;
use portcullis_core::time::Timestamp;
use portcullis_core::verification::VerificationToken;

use super::Stop;
use super::fault::Faults;
use super::outbox::QueuedMail;
use super::table::{Journal, Table};
use super::ticket::StoredTicket;

/// A person, by the only key that reaches their rows.
pub(super) type Owner = (TenantId, UserId);
/// What is unique about an identifier.
pub(super) type IdentifierKey = (TenantId, IdentifierKind, String);
/// What attempts are counted by.
pub(super) type AttemptRow = (TenantId, [u8; 32], &'static str);

#[derive(Default)]
pub(super) struct State {
    pub(super) faults: Faults,
    // Ids of people are unique over all tenants, in either family.
    // Directory family.
    pub(super) tenants: Table<TenantId, Tenant>,
    pub(super) users: Table<UserId, User>,
    pub(super) identifiers: Table<IdentifierKey, UserId>,
    // Security family.
    pub(super) tenant_security: Table<TenantId, TenantSecurity>,
    pub(super) accounts: Table<UserId, Account>,
    pub(super) factors: Table<(Owner, FactorKind), Factor>,
    /// Newest first.
    pub(super) earlier_passwords: Table<Owner, Vec<PasswordHash>>,
    pub(super) attempts: Table<AttemptRow, Attempts>,
    pub(super) tokens: Table<VerificationTokenId, VerificationToken>,
    pub(super) api_tokens: Table<ApiTokenId, ApiToken>,
    pub(super) families: Table<RefreshFamilyId, RefreshFamily>,
    pub(super) outbox: Table<MailId, QueuedMail>,
    pub(super) events: Table<EventId, AuthEvent>,
    pub(super) key_marker: Table<(), String>,
    // Session and ephemeral families.
    pub(super) sessions: Table<SessionId, Session>,
    pub(super) limits: Table<String, Timestamp>,
    pub(super) tickets: Table<TicketId, StoredTicket>,
}

impl State {
    fn tables(&mut self) -> [&mut dyn Journal; 17] {
        [
            &mut self.tenants,
            &mut self.users,
            &mut self.identifiers,
            &mut self.tenant_security,
            &mut self.accounts,
            &mut self.factors,
            &mut self.earlier_passwords,
            &mut self.attempts,
            &mut self.tokens,
            &mut self.api_tokens,
            &mut self.families,
            &mut self.outbox,
            &mut self.events,
            &mut self.key_marker,
            &mut self.sessions,
            &mut self.limits,
            &mut self.tickets,
        ]
    }

    pub(super) fn commit(&mut self) {
        for table in self.tables() {
            table.commit();
        }
    }

    pub(super) fn roll_back(&mut self) {
        for table in self.tables() {
            table.roll_back();
        }
    }

    /// An account in its tenant.
    pub(super) fn find_account(&self, (tenant, user): Owner) -> Option<&Account> {
        self.accounts
            .get(&user)
            .filter(|account| account.tenant == tenant)
    }

    /// An account that must be there.
    pub(super) fn account(&self, owner: Owner) -> Result<&Account, Refusal> {
        self.find_account(owner).ok_or(Refusal::NotFound)
    }

    /// An account that must be there and may be given something: a tombstone may not.
    pub(super) fn holder(&self, owner: Owner) -> Result<&Account, Refusal> {
        let account = self.account(owner)?;
        match account.status.state {
            EntityState::Archived => Err(Refusal::NotFound),
            _ => Ok(account),
        }
    }

    /// State of person and tenant, where both are there.
    pub(super) fn subject(&self, owner: Owner) -> Option<SubjectState> {
        let account = self.find_account(owner)?;
        let tenant = self.tenant_security.get(&owner.0)?;
        Some(SubjectState {
            user: account.user,
            tenant: account.tenant,
            handle: account.handle.clone(),
            user_status: account.status.clone(),
            tenant_status: tenant.status.clone(),
            epoch: account.epoch,
            roles: account.roles.clone(),
            ip: tenant.policy.ip(),
        })
    }

    /// Moves the epoch of a person on by one.
    pub(super) fn move_epoch(&mut self, owner: Owner) -> Result<Epoch, Stop> {
        let Epoch(before) = self.account(owner)?.epoch;
        // At its end it would stand still and let old credentials live: refused instead.
        let after = before
            .checked_add(1)
            .ok_or_else(|| StoreError::corrupt("accounts", "epoch"))?;
        self.accounts
            .update(&owner.1, |account| account.epoch = Epoch(after));
        Ok(Epoch(after))
    }
}

/// [`AttemptKey`] in a form that sorts.
pub(super) const fn attempt_row(key: &AttemptKey) -> AttemptRow {
    (key.tenant, key.identifier, key.purpose.as_str())
}
