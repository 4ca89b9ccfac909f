//! Every method of every store trait, once: what wraps a store is generated from this list. A method or a trait that is
//! missing here does not compile.

/// Hands the list to another macro: traits with their methods, `; along` where companions travel with the write. It
/// grows with the traits, so it is for the workspace alone.
#[doc(hidden)]
#[macro_export]
macro_rules! every_store_method {
    ($with:ident) => {
        $with! {
            IdentityLookup {
                fn user(tenant: TenantId, user: UserId) -> Result<Option<User>, StoreError>;
                fn find_user(tenant: TenantId, identifier: &Identifier) -> Result<Option<User>, StoreError>;
                fn tenant(key: TenantKey<'_>) -> Result<Option<Tenant>, StoreError>;
            }
            IdentityAdmin {
                fn users(tenant: TenantId, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError>;
                fn create_user(user: &User) -> Result<(), StoreError>;
                fn set_identifiers(
                    tenant: TenantId, user: UserId, identifiers: &[Identifier]
                ) -> Result<bool, StoreError>;
                fn set_profile(tenant: TenantId, user: UserId, profile: &Value) -> Result<bool, StoreError>;
                fn remove_user(tenant: TenantId, user: UserId) -> Result<bool, StoreError>;
                fn new_user_id(tenant: TenantId, offered: UserId) -> Result<UserId, StoreError>;
                fn insert_tenant(tenant: &Tenant) -> Result<(), StoreError>;
                fn rename_tenant(tenant: TenantId, name: &str) -> Result<bool, StoreError>;
            }
            Crossing {
                fn create_tenant(tenant: &Tenant, security: &TenantSecurity; along) -> WriteResult<()>;
                fn enrol(enrolment: &Enrolment; along) -> WriteResult<()>;
                fn prove(
                    tenant: TenantId, user: UserId, activation: &Activation; along
                ) -> WriteResult<()>;
                fn change_identifier(change: &IdentifierChange; along) -> WriteResult<()>;
                fn erase(erasure: &Erasure; along) -> WriteResult<()>;
                fn discard(unproved: &Unproved; along) -> WriteResult<()>;
            }
            AccountOpening {
                fn open_tenant(security: &TenantSecurity; along) -> WriteResult<()>;
                fn open_account(account: &NewAccount; along) -> WriteResult<()>;
                fn sign_up_again(
                    tenant: TenantId, user: UserId, handle: &str; along
                ) -> WriteResult<()>;
            }
            AccountStore {
                fn account(tenant: TenantId, user: UserId) -> Result<Option<Account>, StoreError>;
                fn subject_state(tenant: TenantId, user: UserId) -> Result<Option<SubjectState>, StoreError>;
                fn set_state(tenant: TenantId, user: UserId, to: &Status; along) -> WriteResult<()>;
                fn verify_identifier(
                    tenant: TenantId, user: UserId, activation: &Activation; along
                ) -> WriteResult<()>;
                fn change_verified(change: &IdentifierChange; along) -> WriteResult<()>;
                fn bump_epoch(tenant: TenantId, user: UserId; along) -> WriteResult<Epoch>;
                fn tenant_security(tenant: TenantId) -> Result<Option<TenantSecurity>, StoreError>;
                fn set_tenant_security(security: &TenantSecurity; along) -> WriteResult<()>;
                fn key_marker() -> Result<Option<String>, StoreError>;
                fn set_key_marker(expected: Option<&str>, marker: &str) -> Result<bool, StoreError>;
            }
            IdentityAuthnLog {
                fn record(; along) -> WriteResult<()>;
                fn reserve_attempt(
                    key: &AttemptKey, policy: &LockoutPolicy, now: Timestamp
                ) -> Result<Reservation, StoreError>;
                fn settle_attempt(key: &AttemptKey, settlement: Settlement, now: Timestamp; along) -> WriteResult<()>;
                fn reset_attempts(key: &AttemptKey; along) -> WriteResult<()>;
                fn purge_attempts(now: Timestamp) -> Result<u64, StoreError>;
            }
            FactorStore {
                fn load_factor(
                    tenant: TenantId, user: UserId, kind: FactorKind
                ) -> Result<Option<LoadedFactor>, StoreError>;
                fn insert_factor(
                    tenant: TenantId, user: UserId, config: &FactorConfig, now: Timestamp; along
                ) -> WriteResult<FactorVersion>;
                fn compare_and_save_factor(
                    tenant: TenantId, user: UserId, expected: FactorVersion, config: &FactorConfig, now: Timestamp; along
                ) -> WriteResult<FactorVersion>;
                fn remove_factor(tenant: TenantId, user: UserId, kind: FactorKind; along) -> WriteResult<()>;
            }
            VerificationStore {
                fn peek(id: VerificationTokenId) -> Result<Option<VerificationToken>, StoreError>;
                fn live_token(
                    tenant: TenantId, user: UserId, kind: TokenKind, now: Timestamp
                ) -> Result<Option<VerificationToken>, StoreError>;
                fn revoke_tokens(tenant: TenantId, user: UserId, now: Timestamp) -> Result<u64, StoreError>;
                fn purge_tokens(now: Timestamp) -> Result<u64, StoreError>;
            }
            ApiTokenStore {
                fn create_api_token(token: &ApiToken, cap: u32; along) -> WriteResult<()>;
                fn resolve_api_token(id: ApiTokenId) -> Result<Option<ResolvedApiToken>, StoreError>;
                fn touch_api_tokens(uses: &[(ApiTokenId, Timestamp)]) -> Result<(), StoreError>;
                fn list_api_tokens(
                    tenant: TenantId, owner: UserId, now: Timestamp
                ) -> Result<Vec<ApiToken>, StoreError>;
                fn revoke_api_token(
                    tenant: TenantId, owner: UserId, id: ApiTokenId, now: Timestamp; along
                ) -> WriteResult<()>;
                fn revoke_all_api_tokens(tenant: TenantId, owner: UserId, now: Timestamp; along) -> WriteResult<u64>;
            }
            RefreshStore {
                fn open_family(family: &RefreshFamily, cap: u32; along) -> WriteResult<()>;
                fn resolve_family(id: RefreshFamilyId) -> Result<Option<ResolvedFamily>, StoreError>;
                fn rotate_family(
                    tenant: TenantId, id: RefreshFamilyId, rotation: &Rotation; along
                ) -> WriteResult<Generation>;
                fn end_family(tenant: TenantId, id: RefreshFamilyId, now: Timestamp; along) -> WriteResult<()>;
                fn end_families(tenant: TenantId, user: UserId, now: Timestamp; along) -> WriteResult<u64>;
                fn prune_families(now: Timestamp) -> Result<u64, StoreError>;
            }
            RoleStore {
                fn set_roles(
                    tenant: TenantId, user: UserId, from: &Roles, to: &Roles; along
                ) -> WriteResult<()>;
            }
            OutboxStore {
                fn claim_mail(
                    claim: ClaimId, now: Timestamp, lease_until: Timestamp, limit: u32
                ) -> Result<Vec<ClaimedMail>, StoreError>;
                fn mail_done(mail: MailId, claim: ClaimId) -> Result<bool, StoreError>;
                fn mail_failed(mail: MailId, claim: ClaimId, retry_at: Option<Timestamp>) -> Result<bool, StoreError>;
                fn list_mail(
                    tenant: TenantId, filter: OutboxFilter, after: Option<MailId>, limit: u32
                ) -> Result<Vec<WaitingMail>, StoreError>;
                fn retry_mail(tenant: TenantId, retry: MailRetry, now: Timestamp; along) -> WriteResult<u64>;
                fn purge_mail(queued_before: Timestamp) -> Result<u64, StoreError>;
            }
            AccountErasure {
                fn closed_accounts(
                    tenant: TenantId, closed_by: Timestamp, after: Option<Due>, limit: u32
                ) -> Result<Vec<Due>, StoreError>;
                fn unproved_accounts(
                    tenant: TenantId, pending_since: Timestamp, now: Timestamp, after: Option<Due>, limit: u32
                ) -> Result<Vec<Due>, StoreError>;
                fn erase_account(erasure: &Erasure; along) -> WriteResult<()>;
                fn close_unproved(unproved: &Unproved; along) -> WriteResult<()>;
                fn remove_unproved(tenant: TenantId, user: UserId; along) -> WriteResult<()>;
            }
            AnyTenant {
                fn tenants_security(
                    after: Option<TenantId>, limit: u32
                ) -> Result<Vec<TenantSecurity>, StoreError>;
                fn end_all(batch: &EndAll; along) -> WriteResult<EndedAll>;
            }
            AuditQuery {
                fn audit_events(tenant: TenantId, filter: &EventQueryFilter) -> Result<Vec<AuthEvent>, StoreError>;
            }
            PasswordHistory {
                fn earlier_passwords(
                    tenant: TenantId, user: UserId, limit: u32
                ) -> Result<Vec<PasswordHash>, StoreError>;
            }
            SessionStore {
                fn insert_session(session: &Session, cap: u32) -> Result<SessionInsert, StoreError>;
                fn session(id: SessionId) -> Result<Option<Session>, StoreError>;
                fn touch_sessions(touches: &[SessionTouch]) -> Result<(), StoreError>;
                fn rename_session(
                    tenant: TenantId, user: UserId, id: SessionId, name: Option<&str>, now: Timestamp
                ) -> Result<bool, StoreError>;
                fn rotate_session(
                    old: SessionId, new: &Session, now: Timestamp
                ) -> Result<SessionRotation, StoreError>;
                fn revoke_session(
                    tenant: TenantId, user: UserId, id: SessionId, now: Timestamp
                ) -> Result<bool, StoreError>;
                fn revoke_sessions(
                    tenant: TenantId, user: UserId, keep: Option<SessionId>, now: Timestamp
                ) -> Result<u32, StoreError>;
                fn list_sessions(tenant: TenantId, user: UserId, now: Timestamp) -> Result<Vec<Session>, StoreError>;
                fn erase_sessions(tenant: TenantId, user: UserId) -> Result<u64, StoreError>;
                fn prune_sessions(now: Timestamp) -> Result<u64, StoreError>;
            }
            ResolveSession {
                fn resolve_session(id: SessionId) -> Result<Option<ResolvedSession>, StoreError>;
            }
            RateLimitStore {
                fn take(key: &LimitKey, limit: &RateLimit, now: Timestamp) -> Result<Taken, StoreError>;
                fn refund(key: &LimitKey, limit: &RateLimit, now: Timestamp) -> Result<(), StoreError>;
                fn purge_limits(now: Timestamp) -> Result<u64, StoreError>;
            }
            TicketStore {
                fn issue_ticket(ticket: &Ticket) -> Result<TicketIssue, StoreError>;
                fn peek_ticket(
                    tenant: TenantId, kind: TicketKind, id: TicketId, now: Timestamp
                ) -> Result<Option<Ticket>, StoreError>;
                fn attempt_ticket(
                    tenant: TenantId, kind: TicketKind, id: TicketId, now: Timestamp
                ) -> Result<Option<Ticket>, StoreError>;
                fn take_ticket(
                    tenant: TenantId, kind: TicketKind, id: TicketId, now: Timestamp
                ) -> Result<Option<Ticket>, StoreError>;
                fn revoke_ticket(
                    tenant: TenantId, kind: TicketKind, id: TicketId, now: Timestamp
                ) -> Result<bool, StoreError>;
                fn purge_tickets(now: Timestamp) -> Result<u64, StoreError>;
            }
            KeyValueStore {
                fn get(part: Part, key: &[u8], now: Timestamp) -> Result<Option<KvEntry>, StoreError>;
                fn get_all(part: Part, keys: &[Vec<u8>], now: Timestamp) -> Result<Vec<Option<KvEntry>>, StoreError>;
                fn list(part: Part, prefix: &[u8], now: Timestamp) -> Result<Vec<(Vec<u8>, KvEntry)>, StoreError>;
                fn commit(
                    part: Part, checks: &[KvCheck], writes: &[KvWrite], now: Timestamp
                ) -> Result<KvCommit, StoreError>;
                fn purge(prefix: &[u8], now: Timestamp) -> Result<u64, StoreError>;
            }
        }
    };
}
