//! Somebody to whom every write can happen: rightly, and so that it must be refused.

use std::time::Duration;

use portcullis_core::along::Along;
use portcullis_core::entity::{Epoch, IdentifierChange};
use portcullis_core::factor::{FactorKind, FactorVersion};
use portcullis_core::id::{
    ApiTokenId, ClaimId, EventId, MailId, RefreshFamilyId, TenantId, UserId,
};
use portcullis_core::identifier::IdentifierKind;
use portcullis_core::policy::LockoutPolicy;
use portcullis_core::refresh::{Generation, RefreshFamily};
use portcullis_core::role::Roles;
use portcullis_core::state::{EntityState, Status};
use portcullis_core::store::{
    Activation, AttemptKey, AttemptPurpose, Reservation, SecurityStore, Settlement, WriteResult,
};
use portcullis_core::time::Timestamp;
use portcullis_core::verification::{TokenKind, VerificationToken};

use super::expect::applied;
use super::operation::Operation;
use super::sample::{START, email, password, spend};
use super::trial::Trial;

/// When it happens.
const NOW: Timestamp = START;

/// One free attempt, and none for an hour after it.
const ONE_AN_HOUR: LockoutPolicy = LockoutPolicy {
    free_attempts: 1,
    base_delay: Duration::from_secs(3600),
    max_delay: Duration::from_secs(3600),
    window: Duration::from_secs(86_400),
};

const FIRST: Reservation = Reservation::Granted { failures: 1 };

/// What a failure is counted under that the companions forgive; no operation has to do with it.
const fn failed(tenant: TenantId) -> AttemptKey {
    AttemptKey {
        tenant,
        identifier: [8; 32],
        purpose: AttemptPurpose::Password,
    }
}

/// Whether an operation is tried so that it can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aim {
    Right,
    Wrong,
}

/// A person with a factor, an API token and a refresh family, to whom something is about to happen.
pub(super) struct Scene {
    pub(super) operation: Operation,
    pub(super) tenant: TenantId,
    pub(super) spent: VerificationToken,
    pub(super) event: EventId,
    user: UserId,
    issued: VerificationToken,
    mail: MailId,
    api_token: ApiTokenId,
    family: RefreshFamilyId,
    new_family: RefreshFamily,
}

/// What an operation and its companions leave behind.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Traces {
    spent: bool,
    issued: bool,
    mail: bool,
    forgiven: bool,
    epoch: Epoch,
    tenant: EntityState,
    signed_in: Option<Timestamp>,
}

impl Traces {
    /// Nothing happened.
    pub(super) const NONE: Self = Self {
        spent: false,
        issued: false,
        mail: false,
        forgiven: false,
        epoch: Epoch(0),
        tenant: EntityState::Active,
        signed_in: None,
    };

    /// It happened with everything that travels with it.
    pub(super) const fn of(operation: Operation) -> Self {
        Self {
            spent: true,
            issued: true,
            mail: true,
            forgiven: true,
            epoch: Epoch(1),
            tenant: match operation {
                Operation::SetTenantSecurity => EntityState::Terminated,
                _ => EntityState::Active,
            },
            signed_in: match operation {
                Operation::SettleAttempt => Some(NOW),
                _ => None,
            },
        }
    }
}

impl Scene {
    pub(super) async fn new<S>(trial: &Trial<S>, operation: Operation) -> Self
    where
        S: SecurityStore,
    {
        let mut new = trial.new_account(trial.tenant().await);
        if operation != Operation::InsertFactor {
            new.factor = Some(password("before"));
        }
        let (tenant, user) = (new.tenant, trial.opened(&new).await);
        let api_token = trial.new_api_token(tenant, user);
        let created = trial
            .store
            .create_api_token(&api_token, 1, Along::default());
        applied(created.await);
        let family = trial.begin(trial.new_family(tenant, user)).await;
        let spent = trial.new_token(TokenKind::EmailVerification, tenant, Some(user));
        let along = Along::default().with_issue(spent.clone());
        applied(trial.store.record(along).await);
        let key = failed(tenant);
        let failure = trial.store.reserve_attempt(&key, &ONE_AN_HOUR, NOW);
        assert_eq!(failure.await.unwrap(), FIRST);
        let mut issued = trial.new_token(TokenKind::PasswordReset, tenant, Some(user));
        issued.epoch = Some(Epoch(1));
        Self {
            operation,
            tenant,
            spent,
            event: EventId::from_bytes(trial.id()),
            user,
            issued,
            mail: MailId::from_bytes(trial.id()),
            api_token: api_token.id,
            family: family.id,
            new_family: trial.new_family(tenant, user),
        }
    }

    /// One companion of every kind.
    pub(super) fn along<S>(&self, trial: &Trial<S>) -> Along {
        let mut mail = trial.new_mail(self.tenant);
        mail.id = self.mail;
        let mut event = trial.new_event(Some(self.tenant), NOW);
        event.id = self.event;
        let along = Along::event(event)
            .with_mail(mail)
            .with_spend(spend(&self.spent, NOW))
            .with_issue(self.issued.clone())
            .with_forgiven([failed(self.tenant)]);
        match self.operation {
            // It moves the epoch by itself.
            Operation::BumpEpoch => along,
            _ => along.with_epoch_of(self.tenant, self.user),
        }
    }

    /// What is in the store of what [`Scene::run`] and [`Scene::along`] leave.
    pub(super) async fn traces<S: SecurityStore>(&self, trial: &Trial<S>) -> Traces {
        let store = &trial.store;
        let spent = store.peek(self.spent.id).await.unwrap().unwrap();
        let issued = store.peek(self.issued.id).await.unwrap();
        // The lease passes at once, so that the next look finds the mail as well.
        let claim = ClaimId::from_bytes(trial.id());
        let mails = store.claim_mail(claim, NOW, NOW, 1000).await.unwrap();
        let account = store.account(self.tenant, self.user).await.unwrap();
        let account = account.unwrap();
        let tenant = store.tenant_security(self.tenant).await.unwrap();
        // What is locked is not counted again by looking.
        let key = failed(self.tenant);
        let failure = store.reserve_attempt(&key, &ONE_AN_HOUR, NOW);
        let failure = failure.await.unwrap();
        Traces {
            spent: spent.consumed_at.is_some(),
            issued: issued.is_some(),
            mail: mails.iter().any(|claimed| claimed.mail.id == self.mail),
            forgiven: failure == FIRST,
            epoch: account.epoch,
            tenant: tenant.unwrap().status.state,
            signed_in: account.last_sign_in,
        }
    }

    /// Tries the operation; returns the number that it returns, if any.
    pub(super) async fn run<S>(&self, trial: &Trial<S>, aim: Aim, along: Along) -> WriteResult<u64>
    where
        S: SecurityStore,
    {
        let store = &trial.store;
        let right = aim == Aim::Right;
        let tenant = self.tenant;
        let user = if right { self.user } else { trial.nobody() };
        let state = match aim {
            Aim::Right => EntityState::Terminated,
            Aim::Wrong => EntityState::Candidate,
        };
        let config = password("after");
        match self.operation {
            Operation::OpenTenant => {
                let (_, mut security) = trial.new_tenant();
                if !right {
                    security.tenant = tenant;
                }
                zero(store.open_tenant(&security, along).await)
            }
            Operation::OpenAccount => {
                let mut new = trial.new_account(tenant);
                if !right {
                    new.user = self.user;
                }
                zero(store.open_account(&new, along).await)
            }
            Operation::SignUpAgain => {
                let mut user = self.user;
                if right {
                    let mut new = trial.new_account(tenant);
                    new.state = EntityState::Pending;
                    user = trial.opened(&new).await;
                }
                zero(store.sign_up_again(tenant, user, "Zoe", along).await)
            }
            Operation::ChangeVerified => {
                let change = IdentifierChange {
                    tenant,
                    user,
                    from: email("named"),
                    to: email("renamed"),
                    now: NOW,
                };
                zero(store.change_verified(&change, along).await)
            }
            Operation::SetState => {
                let to = Status::new(state, NOW);
                zero(store.set_state(tenant, self.user, &to, along).await)
            }
            Operation::VerifyIdentifier => {
                let proof = Activation {
                    kind: IdentifierKind::Email,
                    canonical: "zoë@example.com".to_owned(),
                    activate: true,
                    spelling: None,
                    factor: Some(config),
                    now: NOW,
                };
                zero(store.verify_identifier(tenant, user, &proof, along).await)
            }
            Operation::BumpEpoch => {
                let bumped = store.bump_epoch(tenant, user, along).await;
                number(bumped, |epoch| u64::from(epoch.0))
            }
            Operation::SetTenantSecurity => {
                let found = store.tenant_security(tenant).await?;
                let mut security = found.unwrap();
                security.status = Status::new(state, NOW);
                zero(store.set_tenant_security(&security, along).await)
            }
            Operation::Record => zero(store.record(along).await),
            Operation::SettleAttempt => {
                let won = Settlement::Succeeded { user };
                zero(store.settle_attempt(&self.key(), won, NOW, along).await)
            }
            Operation::ResetAttempts => zero(store.reset_attempts(&self.key(), along).await),
            Operation::InsertFactor => {
                let inserted = store.insert_factor(tenant, user, &config, NOW, along);
                number(inserted.await, |version| u64::from(version.0))
            }
            Operation::SaveFactor => {
                let read = FactorVersion(if right { 1 } else { 99 });
                let saved = store
                    .compare_and_save_factor(tenant, self.user, read, &config, NOW, along)
                    .await;
                number(saved, |version| u64::from(version.0))
            }
            Operation::RemoveFactor => {
                let kind = FactorKind::Password;
                zero(store.remove_factor(tenant, user, kind, along).await)
            }
            Operation::CreateApiToken => {
                let token = trial.new_api_token(tenant, self.user);
                let cap = if right { 2 } else { 1 };
                zero(store.create_api_token(&token, cap, along).await)
            }
            Operation::RevokeApiToken => {
                let id = self.api_token;
                zero(store.revoke_api_token(tenant, user, id, NOW, along).await)
            }
            Operation::RevokeAllApiTokens => {
                store
                    .revoke_all_api_tokens(tenant, self.user, NOW, along)
                    .await
            }
            Operation::OpenFamily => {
                let mut new = self.new_family.clone();
                new.user = user;
                zero(store.open_family(&new, 2, along).await)
            }
            Operation::RotateFamily => {
                let read = Generation(if right { 1 } else { 2 });
                let rotation = trial.new_rotation(read, NOW);
                let rotated = store.rotate_family(tenant, self.family, &rotation, along);
                number(rotated.await, |generation| u64::from(generation.0))
            }
            Operation::EndFamily => {
                let id = if right {
                    self.family
                } else {
                    RefreshFamilyId::from_bytes(trial.id())
                };
                zero(store.end_family(tenant, id, NOW, along).await)
            }
            Operation::SetRoles => {
                let role = |name: &str| Roles::new([name.parse().unwrap()]).unwrap();
                let read = if right {
                    Roles::default()
                } else {
                    role("other")
                };
                let to = role("admin");
                zero(store.set_roles(tenant, self.user, &read, &to, along).await)
            }
            Operation::EndFamilies => store.end_families(tenant, self.user, NOW, along).await,
        }
    }

    const fn key(&self) -> AttemptKey {
        AttemptKey {
            tenant: self.tenant,
            identifier: [7; 32],
            purpose: AttemptPurpose::Password,
        }
    }
}

fn zero(write: WriteResult<()>) -> WriteResult<u64> {
    number(write, |()| 0)
}

fn number<T>(write: WriteResult<T>, as_number: fn(T) -> u64) -> WriteResult<u64> {
    write.map(|write| write.map(as_number))
}
