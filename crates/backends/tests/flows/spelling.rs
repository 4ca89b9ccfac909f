//! One canonical address has spellings that may be mailboxes of different people: which of them an account has.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use portcullis_backends::Portcullis;
use portcullis_backends::core::along::Along;
use portcullis_backends::core::backend::RequestContext;
use portcullis_backends::core::clock::{Clock as _, ManualClock};
use portcullis_backends::core::entity::{Account, SubjectState, User};
use portcullis_backends::core::error::StoreError;
use portcullis_backends::core::id::{TenantId, UserId};
use portcullis_backends::core::identifier::{Identifier, IdentifierKind};
use portcullis_backends::core::net::ClientInfo;
use portcullis_backends::core::policy::PolicyOverrides;
use portcullis_backends::core::secret::{Password, SecretText};
use portcullis_backends::core::state::EntityState;
use portcullis_backends::core::store::{
    AccountStore as _, Activation, Crossing as _, IdentityLookup as _,
};
use portcullis_backends::flow::{
    MagicLink, MagicLinkOutcome, ResendVerification, ResetPasswordOutcome, SendMagicLink, SignUp,
    VerifyEmailOutcome,
};
use portcullis_stores_kv::MemoryStore;
use portcullis_testing::{Around, CapturedMailbox, CountingHasher, Wrapped};

use crate::harness::{Harness, PASSWORD, keys};
use crate::magic_link::{link, works};

const OWNERS: &str = "mike@example.com";
/// The same canonical form, and a stranger's mailbox.
const STRANGERS: &str = "m\u{131}ke@example.com";
const THEIRS: &str = "the stranger's password";
const DAY: u64 = 24 * 3600;

async fn open_house() -> Harness {
    let policy = PolicyOverrides {
        magic_link_sign_up: Some(true),
        ..Default::default()
    };
    Harness::with(|b| b.policy(policy)).await
}

async fn sign_up(h: &Harness, email: &str, password: &str) {
    h.advance(1);
    h.sign_up(email, password).await;
}

async fn resend(h: &Harness, email: &str) {
    h.advance(1);
    let email = Identifier::email(email).unwrap();
    let context = h.context();
    let resent = h
        .portcullis
        .resend_verification(ResendVerification { email }, &context);
    resent.await.unwrap();
}

/// The address as the directory has it.
async fn written(h: &Harness) -> String {
    let email = Identifier::email(OWNERS).unwrap();
    let tenant = h.portcullis.default_tenant();
    let found = h.store.find_user(tenant, &email).await.unwrap().unwrap();
    found.email().unwrap().raw.clone()
}

/// How many mails came to the owner, and to the stranger.
async fn mails(h: &Harness) -> (usize, usize) {
    h.portcullis.run_due().await.unwrap();
    (h.mailbox.to(OWNERS).len(), h.mailbox.to(STRANGERS).len())
}

#[tokio::test]
async fn a_sign_up_writes_no_spelling_down_and_the_proof_does() {
    let h = Harness::new().await;
    sign_up(&h, STRANGERS, THEIRS).await;
    sign_up(&h, OWNERS, PASSWORD).await;
    assert_eq!(written(&h).await, STRANGERS, "nothing is proved");
    let token = h.mailed_token(OWNERS).await;
    let verified = h.verify_with_password(&token, PASSWORD).await;
    assert!(matches!(verified, VerifyEmailOutcome::Verified { .. }));
    assert_eq!(written(&h).await, OWNERS);
    assert_eq!(h.sign_in(OWNERS).await.principal.handle, OWNERS);
    let (owners, strangers) = mails(&h).await;
    h.forgot(STRANGERS).await;
    assert_eq!(mails(&h).await, (owners + 1, strangers));
}

#[tokio::test]
async fn a_pending_accounts_mail_goes_where_the_latest_sign_up_said() {
    // While its link works, and after it.
    for passed in [0, DAY + 1] {
        let h = open_house().await;
        sign_up(&h, STRANGERS, THEIRS).await;
        sign_up(&h, OWNERS, PASSWORD).await;
        assert_eq!(mails(&h).await, (1, 1));
        h.advance(passed);
        h.forgot(STRANGERS).await;
        assert_eq!(mails(&h).await, (2, 1));
        resend(&h, STRANGERS).await;
        assert_eq!(mails(&h).await, (3, 1));
        crate::magic_link::send(&h, STRANGERS).await;
        assert_eq!(mails(&h).await, (4, 1));
    }
}

/// Each way to prove an address writes the spelling that it proved.
#[tokio::test]
async fn every_proof_writes_its_spelling_down() {
    for way in ["resend", "reset", "magic link"] {
        let h = open_house().await;
        sign_up(&h, STRANGERS, THEIRS).await;
        sign_up(&h, OWNERS, PASSWORD).await;
        match way {
            "resend" => {
                resend(&h, OWNERS).await;
                let token = h.mailed_token(OWNERS).await;
                let verified = h.verify_with_password(&token, PASSWORD).await;
                assert!(matches!(verified, VerifyEmailOutcome::Verified { .. }));
            }
            "reset" => {
                let token = h.reset_link(OWNERS).await;
                let reset = h.reset(&token, PASSWORD).await;
                assert!(matches!(reset, ResetPasswordOutcome::Reset { .. }));
            }
            _ => {
                let token = link(&h, OWNERS).await;
                assert!(works(&h, &token).await);
            }
        }
        assert_eq!(written(&h).await, OWNERS, "{way}");
        let (owners, strangers) = mails(&h).await;
        h.forgot(STRANGERS).await;
        assert_eq!(mails(&h).await, (owners + 1, strangers), "{way}");
    }
}

/// A link that went to another spelling, while that was the latest, is nobody's after the next sign-up.
#[tokio::test]
async fn links_to_a_spelling_that_signed_up_before_do_nothing() {
    for proved in [false, true] {
        let h = open_house().await;
        sign_up(&h, STRANGERS, THEIRS).await;
        let reset = h.reset_link(STRANGERS).await;
        let magic = link(&h, STRANGERS).await;
        assert!(h.link_works(&reset).await);
        sign_up(&h, OWNERS, PASSWORD).await;
        if proved {
            let token = h.mailed_token(OWNERS).await;
            let verified = h.verify_with_password(&token, PASSWORD).await;
            assert!(matches!(verified, VerifyEmailOutcome::Verified { .. }));
        }
        assert!(!h.link_works(&reset).await, "proved: {proved}");
        assert_eq!(
            h.reset(&reset, THEIRS).await,
            ResetPasswordOutcome::Rejected
        );
        assert!(!works(&h, &magic).await, "proved: {proved}");
        if proved {
            assert_eq!(written(&h).await, OWNERS);
            h.sign_in(OWNERS).await;
        }
    }
}

/// After which read the owner's link is opened.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Read {
    Directory,
    State,
}

/// A store in which the owner's link is opened right after somebody looked at them.
struct ProvedBetween {
    store: MemoryStore,
    after: Read,
    proof: Arc<Mutex<Option<Activation>>>,
}

impl ProvedBetween {
    async fn prove(&self, tenant: TenantId, user: UserId) -> Result<(), StoreError> {
        let proof = self
            .proof
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(proof) = proof {
            let proved = self.store.prove(tenant, user, &proof, Along::default());
            assert!(proved.await?.applied().is_some());
        }
        Ok(())
    }
}

#[async_trait]
impl Around for ProvedBetween {
    type Store = MemoryStore;

    fn store(&self) -> &MemoryStore {
        &self.store
    }

    async fn find_user(
        &self,
        tenant: TenantId,
        identifier: &Identifier,
    ) -> Result<Option<User>, StoreError> {
        let found = self.store.find_user(tenant, identifier).await?;
        if let (Read::Directory, Some(user)) = (self.after, &found) {
            self.prove(tenant, user.id).await?;
        }
        Ok(found)
    }

    async fn subject_state(
        &self,
        tenant: TenantId,
        user: UserId,
    ) -> Result<Option<SubjectState>, StoreError> {
        let seen = self.store.subject_state(tenant, user).await?;
        if self.after == Read::State && seen.is_some() {
            self.prove(tenant, user).await?;
        }
        Ok(seen)
    }
}

/// An instance on such a store, and everything around it.
struct Overtaken {
    portcullis: Portcullis,
    store: MemoryStore,
    mailbox: CapturedMailbox,
    clock: Arc<ManualClock>,
    proof: Arc<Mutex<Option<Activation>>>,
}

impl Overtaken {
    async fn new(after: Read) -> Self {
        let (store, proof) = (MemoryStore::new(), Arc::new(Mutex::new(None)));
        let around = ProvedBetween {
            store: store.clone(),
            after,
            proof: Arc::clone(&proof),
        };
        let (mailbox, clock) = (CapturedMailbox::new(), Arc::new(ManualClock::default()));
        let portcullis = Portcullis::builder(Wrapped::new(around))
            .keys(keys(1))
            .public_url("https://auth.example.com")
            .mailer(mailbox.clone())
            .hasher(Arc::new(CountingHasher::new()))
            .clock(clock.clone())
            .policy(PolicyOverrides {
                magic_link_sign_up: Some(true),
                ..Default::default()
            })
            .without_workers()
            .build()
            .await
            .unwrap();
        Self {
            portcullis,
            store,
            mailbox,
            clock,
            proof,
        }
    }

    fn context(&self) -> RequestContext {
        RequestContext {
            tenant: self.portcullis.default_tenant(),
            client: ClientInfo::default(),
        }
    }

    async fn sign_up(&self, email: &str, password: &str) {
        self.clock.advance(Duration::from_secs(1));
        let input = SignUp {
            email: Identifier::email(email).unwrap(),
            password: Password::new(password).unwrap(),
        };
        let context = self.context();
        self.portcullis.sign_up(input, &context).await.unwrap();
        self.portcullis.run_due().await.unwrap();
    }

    /// The owner proves their address once somebody has looked.
    fn prove_after_the_next_look(&self) {
        let owners = Identifier::email(OWNERS).unwrap();
        *self.proof.lock().unwrap() = Some(Activation {
            kind: IdentifierKind::Email,
            canonical: owners.canonical,
            activate: true,
            spelling: Some(owners.raw),
            factor: None,
            now: self.clock.now(),
        });
    }

    async fn owner(&self) -> (User, Account) {
        assert!(self.proof.lock().unwrap().is_none(), "nobody came between");
        let (tenant, owners) = (self.context().tenant, Identifier::email(OWNERS));
        let found = self.store.find_user(tenant, &owners.unwrap()).await;
        let found = found.unwrap().unwrap();
        let account = self.store.account(tenant, found.id).await.unwrap();
        (found, account.unwrap())
    }
}

/// The takeover: a sign-up looks, the owner proves, the sign-up writes.
#[tokio::test]
async fn a_sign_up_that_the_owners_proof_overtakes_is_one_with_a_known_address() {
    let o = Overtaken::new(Read::State).await;
    o.sign_up(OWNERS, PASSWORD).await;
    o.prove_after_the_next_look();
    o.sign_up(STRANGERS, THEIRS).await;
    let (found, account) = o.owner().await;
    assert_eq!(found.email().unwrap().raw, OWNERS);
    assert_eq!(account.status.state, EntityState::Active);
    assert_eq!(account.handle, OWNERS);
    assert!(o.mailbox.to(STRANGERS).is_empty(), "a stranger is mailed");
    assert_eq!(o.mailbox.to(OWNERS).len(), 2, "the owner is told");
}

/// The same with a link that went to another spelling before: it looks, the owner proves, and it signs in nobody.
#[tokio::test]
async fn a_magic_link_that_the_owners_proof_overtakes_signs_in_nobody() {
    let o = Overtaken::new(Read::Directory).await;
    o.sign_up(STRANGERS, THEIRS).await;
    let email = Identifier::email(STRANGERS).unwrap();
    let context = o.context();
    o.clock.advance(Duration::from_secs(1));
    let sent = o
        .portcullis
        .send_magic_link(SendMagicLink { email }, &context);
    sent.await.unwrap();
    o.portcullis.run_due().await.unwrap();
    let token = o.mailbox.last_to(STRANGERS).unwrap();
    o.sign_up(OWNERS, PASSWORD).await;
    o.prove_after_the_next_look();
    let input = MagicLink {
        token: SecretText::new(token.token().unwrap()),
        replaces: None,
    };
    let opened = o.portcullis.sign_in_with_magic_link(input, &context).await;
    assert!(matches!(opened.unwrap(), MagicLinkOutcome::Rejected));
    let (found, account) = o.owner().await;
    assert_eq!(found.email().unwrap().raw, OWNERS);
    assert_eq!(account.status.state, EntityState::Active);
}
