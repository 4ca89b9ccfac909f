//! Mail goes through the outbox and never shows in a request.

use crate::harness::{ADA, Harness, PASSWORD};

// TH-03
#[tokio::test]
async fn trouble_with_mail_does_not_show_in_the_sign_up_and_the_mail_comes_later() {
    let h = Harness::new().await;
    h.mailbox.fail_next(2);
    h.sign_up(ADA, PASSWORD).await;
    assert_eq!(h.portcullis.run_due().await.unwrap().failed, 1);
    assert_eq!(
        h.portcullis.run_due().await.unwrap().failed,
        0,
        "not due again yet"
    );
    h.advance(9);
    assert_eq!(h.portcullis.run_due().await.unwrap().failed, 0);
    // Up to a quarter more, by chance.
    h.advance(4);
    assert_eq!(h.portcullis.run_due().await.unwrap().failed, 1);
    h.advance(19);
    assert_eq!(
        h.portcullis.run_due().await.unwrap().delivered,
        0,
        "the wait doubles"
    );
    h.advance(6);
    assert_eq!(h.portcullis.run_due().await.unwrap().delivered, 1);
    assert_eq!(h.store.outbox_len(), 0);
}

#[tokio::test]
async fn a_mail_that_keeps_failing_is_dead_and_kept() {
    let h = Harness::new().await;
    h.mailbox.fail_next(u32::MAX);
    h.sign_up(ADA, PASSWORD).await;
    let mut failures = 0;
    for _ in 0..40 {
        failures += h.portcullis.run_due().await.unwrap().failed;
        h.advance(4500);
    }
    assert_eq!(failures, 12);
    assert_eq!(h.store.outbox_len(), 1);
}

// OT-02
#[tokio::test]
async fn a_queued_mail_holds_no_usable_link() {
    use portcullis_backends::core::store::OutboxStore;
    let h = Harness::new().await;
    h.sign_up(ADA, PASSWORD).await;
    let now = h.portcullis.now();
    let claim = portcullis_backends::core::id::ClaimId::from_integer(1);
    let claimed = h.store.claim_mail(claim, now, now, 10).await.unwrap();
    assert_eq!(claimed.len(), 1);
    let stored = String::from_utf8_lossy(&claimed[0].mail.params.bytes).into_owned();
    assert!(
        !stored.contains("pcl_vfy_") && !stored.contains("token"),
        "{stored}"
    );
}

#[tokio::test]
async fn a_worker_delivers_without_being_asked() {
    use portcullis_backends::core::{clock::Clock, identifier::Identifier, secret::Password};
    use portcullis_backends::flow::SignUp;
    let mailbox = portcullis_testing::CapturedMailbox::new();
    let (delivered, mut waiting) = tokio::sync::mpsc::unbounded_channel();
    let portcullis =
        portcullis_backends::Portcullis::builder(portcullis_stores_kv::MemoryStore::new())
            .keys(crate::harness::keys(1))
            .public_url("https://auth.example.com")
            .mailer(Telling(mailbox, delivered))
            .hasher(std::sync::Arc::new(
                portcullis_testing::CountingHasher::new(),
            ))
            .build()
            .await
            .unwrap();
    assert!(portcullis.now() >= portcullis_backends::core::clock::ManualClock::default().now());
    let context = portcullis_backends::core::backend::RequestContext {
        tenant: portcullis.default_tenant(),
        client: Default::default(),
    };
    let input = SignUp {
        email: Identifier::email(ADA).unwrap(),
        password: Password::new(PASSWORD).unwrap(),
    };
    portcullis.sign_up(input, &context).await.unwrap();
    assert_eq!(waiting.recv().await.as_deref(), Some(ADA));
}

#[derive(Debug)]
struct Telling(
    portcullis_testing::CapturedMailbox,
    tokio::sync::mpsc::UnboundedSender<String>,
);

#[async_trait::async_trait]
impl portcullis_backends::core::mail::Mailer for Telling {
    async fn send(
        &self,
        mail: &portcullis_backends::core::mail::Mail,
    ) -> Result<(), portcullis_backends::core::mail::MailError> {
        self.0.send(mail).await?;
        self.1
            .send(mail.to.clone())
            .map_err(portcullis_backends::core::mail::MailError::new)
    }
}

// FT-27
#[tokio::test]
async fn whoever_asks_for_the_last_pass_waits_for_the_one_in_hand() {
    let h = std::sync::Arc::new(Harness::with(|b| b.mailer(Slow)).await);
    h.sign_up(ADA, PASSWORD).await;
    let slow = SLOW.clone();
    let first = tokio::spawn({
        let h = h.clone();
        async move { h.portcullis.run_due().await.unwrap().delivered }
    });
    slow.0.notified().await;
    let last = tokio::spawn({
        let h = h.clone();
        async move { h.portcullis.run_due().await.unwrap().delivered }
    });
    tokio::task::yield_now().await;
    assert!(!last.is_finished(), "the mail in hand is not given up");
    slow.1.notify_one();
    assert_eq!((first.await.unwrap(), last.await.unwrap()), (1, 0));
    assert_eq!(h.store.outbox_len(), 0);
}

/// Says when it has a mail in hand, and keeps it until it is told.
static SLOW: std::sync::LazyLock<std::sync::Arc<(tokio::sync::Notify, tokio::sync::Notify)>> =
    std::sync::LazyLock::new(Default::default);

#[derive(Debug, Default)]
struct Slow;

#[async_trait::async_trait]
impl portcullis_backends::core::mail::Mailer for Slow {
    async fn send(
        &self,
        _: &portcullis_backends::core::mail::Mail,
    ) -> Result<(), portcullis_backends::core::mail::MailError> {
        SLOW.0.notify_one();
        SLOW.1.notified().await;
        Ok(())
    }
}

#[tokio::test]
async fn a_mail_comes_in_the_language_of_the_request() {
    let h = Harness::new().await;
    for (email, header, subject) in [
        (
            ADA,
            Some("de-CH, en;q=0.5"),
            "Bestätigen Sie Ihre Adresse für portcullis",
        ),
        (
            "bob@example.com",
            None,
            "Confirm your address for portcullis",
        ),
        // Somebody else asks; the profile of whose address it is says nothing, so their request decides.
        (ADA, Some("en"), "Confirm your address for portcullis"),
    ] {
        let mut context = h.context();
        context.client = context.client.accepting(header);
        let input = portcullis_backends::flow::SignUp {
            email: portcullis_backends::core::identifier::Identifier::email(email).unwrap(),
            password: portcullis_backends::core::secret::Password::new(PASSWORD).unwrap(),
        };
        h.portcullis.sign_up(input, &context).await.unwrap();
        h.portcullis.run_due().await.unwrap();
        let mail = h.mailbox.last_to(email).unwrap();
        assert_eq!(mail.subject, subject);
        assert!(
            mail.html.as_ref().unwrap().contains(mail.token().unwrap()),
            "HTML has the link too"
        );
    }
}

#[tokio::test]
async fn a_mail_comes_in_the_language_of_its_reader_whoever_asked() {
    use portcullis_backends::core::store::IdentityAdmin;
    let h = Harness::new().await;
    let ada = h.person(ADA).await;
    let profile = serde_json::json!({ "locale": "de_DE" });
    let tenant = h.portcullis.default_tenant();
    assert!(h.store.set_profile(tenant, ada, &profile).await.unwrap());
    h.sign_up(ADA, PASSWORD).await;
    h.portcullis.run_due().await.unwrap();
    let told = h.mailbox.last_to(ADA).unwrap();
    assert_eq!(told.subject, "Sie haben bereits ein Konto bei portcullis");
}

/// Refuses everything for good, or panics, until it is told otherwise.
#[derive(Clone, Debug, Default)]
struct Refusing {
    accepts: std::sync::Arc<std::sync::atomic::AtomicBool>,
    panics: bool,
    mailbox: portcullis_testing::CapturedMailbox,
}

#[async_trait::async_trait]
impl portcullis_backends::core::mail::Mailer for Refusing {
    async fn send(
        &self,
        mail: &portcullis_backends::core::mail::Mail,
    ) -> Result<(), portcullis_backends::core::mail::MailError> {
        if self.accepts.load(std::sync::atomic::Ordering::SeqCst) {
            return self.mailbox.send(mail).await;
        }
        assert!(!self.panics, "told to panic");
        Err(portcullis_backends::core::mail::MailError::permanent(
            "no such mailbox",
        ))
    }
}

// FT-21
#[tokio::test]
async fn a_mail_that_is_refused_for_good_is_dead_at_once_and_an_operator_revives_it() {
    use portcullis_backends::core::event::AuthEventType;
    use portcullis_backends::core::id::MailId;
    use portcullis_backends::core::mail::{MailRetry, OutboxFilter};
    use portcullis_backends::flow::MailRetryOutcome;
    let mailer = Refusing::default();
    let (accepts, mailbox) = (mailer.accepts.clone(), mailer.mailbox.clone());
    let h = Harness::with(|builder| builder.mailer(mailer)).await;
    let (p, tenant) = (&h.portcullis, h.portcullis.default_tenant());
    h.sign_up(ADA, PASSWORD).await;
    assert_eq!(p.run_due().await.unwrap().failed, 1);
    h.advance(86_400);
    assert_eq!(p.run_due().await.unwrap().failed, 0, "not tried again");
    let dead = p.admin_outbox(tenant, OutboxFilter::Dead, None, 10).await;
    let [dead] = &dead.unwrap()[..] else {
        panic!("one dead mail")
    };
    assert_eq!((dead.to.as_str(), dead.attempts), (ADA, 1));
    let unknown = MailRetry::One(MailId::from_integer(7));
    let outcome = p.admin_retry_mail(tenant, unknown).await.unwrap();
    assert_eq!(outcome, MailRetryOutcome::NotFound);
    accepts.store(true, std::sync::atomic::Ordering::SeqCst);
    let outcome = p.admin_retry_mail(tenant, MailRetry::One(dead.id)).await;
    assert_eq!(outcome.unwrap(), MailRetryOutcome::Due { mails: 1 });
    assert_eq!(p.run_due().await.unwrap().delivered, 1);
    assert_eq!(mailbox.last_to(ADA).unwrap().id, dead.id);
    let retries = h.events().await;
    let retries = retries
        .iter()
        .filter(|event| event.kind == AuthEventType::MailRetried);
    assert_eq!(retries.count(), 1, "what was refused left no event");
}

// FT-26
#[tokio::test]
async fn a_mailer_that_panics_takes_one_delivery_with_it() {
    let mailer = Refusing {
        panics: true,
        ..Refusing::default()
    };
    let (accepts, mailbox) = (mailer.accepts.clone(), mailer.mailbox.clone());
    let h = Harness::with(|builder| builder.mailer(mailer)).await;
    h.sign_up(ADA, PASSWORD).await;
    assert_eq!(h.portcullis.run_due().await.unwrap().failed, 1);
    accepts.store(true, std::sync::atomic::Ordering::SeqCst);
    h.advance(13);
    assert_eq!(h.portcullis.run_due().await.unwrap().delivered, 1);
    assert_eq!(mailbox.all().len(), 1);
}

// FT-21
#[tokio::test]
async fn two_processes_deliver_each_mail_once() {
    let h = Harness::new().await;
    let other = portcullis_backends::Portcullis::builder(h.store.clone())
        .keys(crate::harness::keys(1))
        .public_url("https://auth.example.com")
        .mailer(h.mailbox.clone())
        .hasher(h.hasher.clone())
        .clock(h.clock.clone())
        .without_workers()
        .build()
        .await
        .unwrap();
    for number in 0..20 {
        h.sign_up(&format!("p{number}@example.com"), PASSWORD).await;
    }
    let (one, two) = tokio::join!(h.portcullis.run_due(), other.run_due());
    assert_eq!(one.unwrap().delivered + two.unwrap().delivered, 20);
    let ids: std::collections::BTreeSet<_> = h.mailbox.all().iter().map(|mail| mail.id).collect();
    assert_eq!((ids.len(), h.mailbox.all().len()), (20, 20));
    assert_eq!(h.store.outbox_len(), 0);
}
