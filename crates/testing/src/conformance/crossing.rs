//! The writes that cross the families: their companions commit with both halves or not at all.

use portcullis_core::along::{Along, Refusal};
use portcullis_core::entity::{Enrolment, Tenant, TenantKey, TenantSecurity};
use portcullis_core::store::{IdentityStore, WriteResult};
use portcullis_core::verification::{TokenKind, TokenRejection};

use super::expect::{applied, refused};
use super::operation::Operation;
use super::sample::{START, spend};
use super::scene::{Scene, Traces};
use super::trial::Trial;

/// A person and a tenant to make.
struct Wanted {
    enrolment: Enrolment,
    tenant: Tenant,
    security: TenantSecurity,
}

#[derive(Clone, Copy, Debug)]
enum Write {
    Enrol,
    CreateTenant,
}

const WRITES: [Write; 2] = [Write::Enrol, Write::CreateTenant];

impl Wanted {
    async fn new<S: IdentityStore>(trial: &Trial<S>) -> Self {
        let (tenant, security) = trial.new_tenant();
        let enrolment = trial.new_enrolment(trial.founded().await).await;
        Self {
            enrolment,
            tenant,
            security,
        }
    }

    /// Something else with what is taken now.
    async fn again<S: IdentityStore>(&self, trial: &Trial<S>) -> Self {
        let mut again = Self::new(trial).await;
        again.enrolment.user.tenant = self.enrolment.user.tenant;
        let taken = self.enrolment.user.identifiers.clone();
        again.enrolment.user.identifiers.extend(taken);
        again.tenant.slug.clone_from(&self.tenant.slug);
        again
    }

    async fn run<S: IdentityStore>(
        &self,
        write: Write,
        trial: &Trial<S>,
        along: Along,
    ) -> WriteResult<()> {
        let store = &trial.store;
        match write {
            Write::Enrol => store.enrol(&self.enrolment, along).await,
            Write::CreateTenant => {
                let (tenant, security) = (&self.tenant, &self.security);
                store.create_tenant(tenant, security, along).await
            }
        }
    }

    /// Whether one of them is in the directory, or their security rows are in the other family.
    async fn is_there<S: IdentityStore>(&self, trial: &Trial<S>) -> bool {
        let store = &trial.store;
        let (user, id) = (&self.enrolment.user, self.tenant.id);
        let person = store.user(user.tenant, user.id).await.unwrap();
        let free = user.identifiers.first().unwrap();
        let found = store.find_user(user.tenant, free).await.unwrap();
        let account = store.account(user.tenant, user.id).await.unwrap();
        let tenant = store.tenant(TenantKey::Id(id)).await.unwrap();
        let security = store.tenant_security(id).await.unwrap();
        person.is_some()
            || found.is_some()
            || account.is_some()
            || tenant.is_some()
            || security.is_some()
    }
}

/// The token is spent, the epoch moved, the new token made and the mail queued with the person or the tenant.
pub async fn companions_commit_with_both_halves<S: IdentityStore>(trial: Trial<S>) {
    for write in WRITES {
        let scene = Scene::new(&trial, Operation::Record).await;
        let wanted = Wanted::new(&trial).await;
        let along = scene.along(&trial);
        applied(wanted.run(write, &trial, along).await);
        assert!(wanted.is_there(&trial).await, "{write:?}");
        let traces = scene.traces(&trial).await;
        assert_eq!(traces, Traces::of(Operation::Record), "{write:?}");
    }
}

// CC-01
/// What is refused burns no token, moves no epoch, sends no mail and leaves neither half.
pub async fn a_refused_crossing_leaves_neither_half<S: IdentityStore>(trial: Trial<S>) {
    let whys = [Refusal::IdentifierTaken, Refusal::Exists];
    for (write, why) in WRITES.into_iter().zip(whys) {
        let there = Wanted::new(&trial).await;
        applied(there.run(write, &trial, Along::default()).await);
        let scene = Scene::new(&trial, Operation::Record).await;
        let wanted = there.again(&trial).await;
        let done = wanted.run(write, &trial, scene.along(&trial)).await;
        assert_eq!(refused(done), why, "{write:?}");
        assert!(!wanted.is_there(&trial).await, "{write:?}");
        let traces = scene.traces(&trial).await;
        assert_eq!(traces, Traces::NONE, "{write:?}");
        applied(trial.spend(spend(&scene.spent, START)).await);
    }
}

// CC-01
/// A token that does not work leaves neither half, and is found before anything else is wrong.
pub async fn a_dead_token_leaves_neither_half<S: IdentityStore>(trial: Trial<S>) {
    for write in WRITES {
        let there = Wanted::new(&trial).await;
        applied(there.run(write, &trial, Along::default()).await);
        let scene = Scene::new(&trial, Operation::Record).await;
        let mut other_kind = spend(&scene.spent, START);
        other_kind.kind = TokenKind::Invite;
        let mut elsewhere = spend(&scene.spent, START);
        elsewhere.tenant = there.tenant.id;
        let spends = [
            (other_kind, TokenRejection::OtherKind),
            (elsewhere, TokenRejection::Unknown),
        ];
        for (spent, rejection) in spends {
            for wanted in [Wanted::new(&trial).await, there.again(&trial).await] {
                let along = scene.along(&trial).with_spend(spent);
                let done = wanted.run(write, &trial, along).await;
                assert_eq!(refused(done), Refusal::Token(rejection), "{write:?}");
                assert!(!wanted.is_there(&trial).await, "{write:?}");
                let traces = scene.traces(&trial).await;
                assert_eq!(traces, Traces::NONE, "{write:?}");
            }
        }
    }
}

/// The epoch of nobody cannot be moved, so nobody is enrolled either.
pub async fn the_epoch_of_nobody_refuses_the_enrolment<S: IdentityStore>(trial: Trial<S>) {
    let scene = Scene::new(&trial, Operation::Record).await;
    let wanted = Wanted::new(&trial).await;
    let along = scene
        .along(&trial)
        .with_epoch_of(scene.tenant, trial.nobody());
    let done = wanted.run(Write::Enrol, &trial, along).await;
    assert_eq!(refused(done), Refusal::NotFound);
    assert!(!wanted.is_there(&trial).await);
    assert_eq!(scene.traces(&trial).await, Traces::NONE);
}
