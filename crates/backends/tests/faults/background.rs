//! What happens without a request: mail, and the start of an instance.

use std::sync::Arc;

use portcullis_backends::core::clock::ManualClock;
use portcullis_backends::core::event::AuthEventType;
use portcullis_backends::core::id::TenantId;
use portcullis_backends::core::store::SessionStore;
use portcullis_backends::flow::SignedIn;
use portcullis_backends::{BuildError, DueReport};
use portcullis_testing::{
    CapturedMailbox, CountingHasher, End, FaultStore, Faults, Run, for_every_fault,
};

use crate::every::every_fault;
use crate::store::{HOWS, Keep, Store, fresh};
use crate::world::{ADA, PASSWORD, World, builder};

// FT-32, FT-21, CC-03
#[tokio::test]
async fn a_queued_mail_is_delivered_at_least_once() {
    every_fault(
        async |w: &World| {
            w.sign_up(ADA, PASSWORD).await;
        },
        async |w: &World, (): &()| w.portcullis.run_due().await,
        |report: &DueReport| (report.delivered, report.failed) == (1, 0),
        async |w: &World, (): &(), _| {
            w.deliver().await;
            let delivered = w.mailbox.to(ADA);
            let first = delivered.first().expect("the mail got lost");
            // A repeated delivery is the same mail, and can be told by its id.
            assert!(delivered.iter().all(|mail| mail == first));
            assert!(delivered.len() <= 2);
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn a_last_use_is_written_or_the_next_use_is() {
    let seen_at = async |w: &World, here: &SignedIn| {
        let id = here.principal.session().unwrap();
        w.store
            .healthy()
            .session(id)
            .await
            .unwrap()
            .unwrap()
            .seen_at
    };
    every_fault(
        async |w: &World| {
            w.person(ADA).await;
            let here = w.sign_in(ADA).await;
            w.advance(120);
            assert!(w.accepts_cookie(&here.cookie).await);
            here
        },
        async |w: &World, _: &SignedIn| w.portcullis.run_due().await,
        |report: &DueReport| report.touched == 1,
        async |w: &World, here: &SignedIn, answer: Option<DueReport>| {
            let opened = here.principal.assurance.at;
            assert!(answer.is_none() || seen_at(w, here).await > opened);
            w.advance(120);
            assert!(w.accepts_cookie(&here.cookie).await);
            let used = w.portcullis.now();
            w.portcullis.run_due().await.unwrap();
            assert_eq!(seen_at(w, here).await, used);
        },
    )
    .await;
}

/// A store on which an instance is about to start.
struct Bare {
    store: FaultStore<Store>,
    _keep: Keep,
}

impl Bare {
    async fn new() -> Self {
        let (store, keep) = fresh().await;
        Self {
            store: FaultStore::new(store),
            _keep: keep,
        }
    }

    async fn start(&self) -> Result<TenantId, BuildError> {
        let builder = self.builder().build().await;
        builder.map(|built| built.default_tenant())
    }

    fn builder(&self) -> portcullis_backends::Builder<FaultStore<Store>> {
        let (clock, mailbox) = (Arc::new(ManualClock::default()), CapturedMailbox::new());
        let hasher = Arc::new(CountingHasher::new());
        builder(self.store.clone(), &clock, &mailbox).hasher(hasher)
    }

    /// Starting again works, twice with the same tenant, which was created once.
    async fn starts_for_good(&self, run: Run<Result<TenantId, BuildError>>) {
        let tenant = self.start().await.unwrap();
        match run.end {
            End::Answered(Ok(first)) => assert_eq!(first, tenant),
            End::Answered(Err(error)) => {
                assert!(run.fault.is_some() && matches!(error, BuildError::Store(_)));
            }
            End::HungUp => assert!(run.fault.is_some()),
        }
        let built = self.builder().build().await.unwrap();
        assert_eq!(built.default_tenant(), tenant);
        let events = built.admin_audit(tenant, &Default::default()).await;
        let events = events.unwrap();
        let created = events
            .iter()
            .filter(|event| event.kind == AuthEventType::TenantCreated);
        assert_eq!(created.count(), 1);
    }
}

impl AsRef<Faults> for Bare {
    fn as_ref(&self) -> &Faults {
        self.store.faults()
    }
}

// FT-32, CC-03
#[tokio::test]
async fn an_instance_starts_or_can_be_started_again() {
    let started_before = async || {
        let bare = Bare::new().await;
        bare.start().await.unwrap();
        bare
    };
    for_every_fault(HOWS, Bare::new, Bare::start, Bare::starts_for_good).await;
    for_every_fault(HOWS, started_before, Bare::start, Bare::starts_for_good).await;
}
