//! Trouble with mail that no request shows: the same answer, the same hashes and the same work at the store, whether the
//! relay takes mail, is silent, is not there, asks to come again or refuses for good.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use portcullis_backends::Builder;
use portcullis_backends::core::mail::{
    Mail, MailError, MailTemplate, Mailer, OutboxFilter, WaitingMail,
};
use portcullis_backends::mail::{SmtpMailer, SmtpOptions, SmtpTls};
use portcullis_http_axum::{Limits, ROUTES, Verb};
use portcullis_stores_kv::MemoryStore;
use portcullis_testing::CapturedMailbox;
use portcullis_testing::smtp::{SmtpMode, SmtpSecurity, SmtpServer};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::app::{ADA, App, Client, PASSWORD};
use crate::email_code;

const NEW: &str = "lovelace@example.com";
/// Mail to them keeps the worker busy.
const BUSY: &str = "busy@example.com";
/// A silent relay is waited for past the end of the test.
const PATIENT: Duration = Duration::from_secs(50);

/// A request that sends mail. A new one is a variant, with its route and what comes before it: a route that is limited by
/// its mail, and a template that no request here sends, fail below.
#[derive(Clone, Copy, Debug)]
enum Sends {
    SignUp,
    SignUpAgain,
    SendLink,
    MagicLink,
    Code,
    Forgot,
    Change,
    Reset,
    ChangeEmail,
    ChangeEmailToOneTaken,
    ConfirmEmail,
    Close,
}

const SENDS: [Sends; 12] = [
    Sends::SignUp,
    Sends::SignUpAgain,
    Sends::SendLink,
    Sends::MagicLink,
    Sends::Code,
    Sends::Forgot,
    Sends::Change,
    Sends::Reset,
    Sends::ChangeEmail,
    Sends::ChangeEmailToOneTaken,
    Sends::ConfirmEmail,
    Sends::Close,
];

impl Sends {
    const fn route(self) -> &'static str {
        match self {
            Self::SignUp | Self::SignUpAgain => "/signup",
            Self::SendLink => "/signup/send_link",
            Self::MagicLink => "/magic-link/send",
            Self::Code => "/email-code/send",
            Self::Forgot => "/password/forgot",
            Self::Change => "/password/change",
            Self::Reset => "/password/reset",
            Self::ChangeEmail | Self::ChangeEmailToOneTaken => "/email/change/request",
            Self::ConfirmEmail => "/email/change/confirm",
            Self::Close => "/account/close",
        }
    }

    /// Everything before the request, while mail arrives; then who sends it and with what.
    async fn prepare(self, app: &App) -> (Client<'_>, Option<Value>) {
        let ada = match self {
            Self::SignUp | Self::SendLink => app.client(),
            _ => app.signed_in(ADA).await,
        };
        let body = match self {
            Self::SignUp | Self::SignUpAgain => json!({ "email": ADA, "password": PASSWORD }),
            Self::SendLink => {
                app.client().sign_up(ADA).await;
                json!({ "email": ADA })
            }
            Self::MagicLink | Self::Code | Self::Forgot => json!({ "email": ADA }),
            Self::Change => {
                json!({ "current_password": PASSWORD, "new_password": "a battery of staple horses" })
            }
            Self::Reset => {
                let token = app.reset_link(ADA).await;
                json!({ "token": token, "password": "a battery of staple horses" })
            }
            Self::ChangeEmail => json!({ "email": NEW }),
            Self::ChangeEmailToOneTaken => {
                app.client().register(NEW).await;
                json!({ "email": NEW })
            }
            Self::ConfirmEmail => {
                let mut ada = ada;
                let token = crate::email_change::link(app, &mut ada, NEW).await;
                return (ada, Some(json!({ "token": token })));
            }
            Self::Close => return (ada, None),
        };
        (ada, Some(body))
    }
}

/// What the relay does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relay {
    Takes,
    Silent,
    NotThere,
    Defers,
    Refuses,
}

const RELAYS: [Relay; 5] = [
    Relay::Takes,
    Relay::Silent,
    Relay::NotThere,
    Relay::Defers,
    Relay::Refuses,
];

/// Mail into a mailbox at first, and then to the relay; it says when a delivery to the relay has begun.
#[derive(Clone, Debug)]
struct Switch {
    mailbox: CapturedMailbox,
    relay: SmtpMailer,
    to_relay: Arc<AtomicBool>,
    begun: Arc<Notify>,
}

impl Switch {
    fn to(port: u16) -> Self {
        let options = SmtpOptions::new("127.0.0.1", "no-reply@auth.example")
            .port(port)
            .tls(SmtpTls::None)
            .timeout(PATIENT);
        Self {
            mailbox: CapturedMailbox::new(),
            relay: SmtpMailer::new(options).unwrap(),
            to_relay: Arc::default(),
            begun: Arc::default(),
        }
    }
}

#[async_trait]
impl Mailer for Switch {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        if !self.to_relay.load(Ordering::SeqCst) {
            return self.mailbox.send(mail).await;
        }
        self.begun.notify_one();
        self.relay.send(mail).await
    }
}

async fn waiting(app: &App) -> Vec<WaitingMail> {
    let tenant = app.portcullis.default_tenant();
    let waiting = app
        .portcullis
        .admin_outbox(tenant, OutboxFilter::All, None, 100);
    waiting.await.unwrap()
}

/// What a request shows and costs, and which mails it leaves.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    answer: String,
    hashes: u64,
    calls: u64,
    writes: u64,
    mails: Vec<&'static str>,
}

/// One request, with a relay that has another mail in hand, or has failed with it.
async fn seen(sends: Sends, relay: Relay) -> Seen {
    let server = SmtpServer::start(SmtpSecurity::Plain).unwrap();
    server.set(match relay {
        Relay::Takes | Relay::NotThere => SmtpMode::Accept,
        Relay::Silent => SmtpMode::Silent,
        Relay::Defers => SmtpMode::Defer,
        Relay::Refuses => SmtpMode::Refuse,
    });
    let port = match relay {
        Relay::NotThere => {
            // It was free a moment ago.
            let free = TcpListener::bind("127.0.0.1:0").unwrap();
            free.local_addr().unwrap().port()
        }
        _ => server.port(),
    };
    let switch = Switch::to(port);
    let instance = |builder: Builder<MemoryStore>| {
        let builder = builder.mailer(switch.clone());
        builder.policy(email_code::policy())
    };
    let mut app = App::with(instance, |router, _| router).await;
    app.mailbox = switch.mailbox.clone();
    let (mut client, body) = sends.prepare(&app).await;
    app.portcullis.run_due().await.unwrap();

    switch.to_relay.store(true, Ordering::SeqCst);
    app.client().sign_up(BUSY).await;
    let portcullis = app.portcullis.clone();
    let worker = tokio::spawn(async move { portcullis.run_due().await.unwrap() });
    let begun = switch.begun.notified();
    let worker = match relay {
        Relay::Silent => {
            begun.await;
            Some(worker)
        }
        _ => {
            let report = worker.await.unwrap();
            let delivered = u32::from(relay == Relay::Takes);
            assert_eq!(
                (report.delivered, report.failed),
                (delivered, 1 - delivered)
            );
            None
        }
    };

    let before: BTreeSet<_> = waiting(&app).await.iter().map(|mail| mail.id).collect();
    let (hashes, calls, writes) = (app.hasher.hashes(), app.store.calls(), app.store.writes());
    let path = format!("/auth{}", sends.route());
    let answer = match body {
        Some(body) => client.post(&path, body).await,
        None => client.post_empty(&path).await,
    };
    assert!(answer.status.is_success(), "{sends:?}: {answer:?}");
    let (hashes, calls, writes) = (
        app.hasher.hashes() - hashes,
        app.store.calls() - calls,
        app.store.writes() - writes,
    );
    let left = waiting(&app).await;
    let new = left.iter().filter(|mail| !before.contains(&mail.id));
    let mut mails: Vec<_> = new.map(|mail| mail.template.as_str()).collect();
    mails.sort_unstable();
    if let Some(worker) = worker {
        assert!(!worker.is_finished(), "the silent relay was waited for");
        worker.abort();
    }
    Seen {
        answer: match sends {
            Sends::Code => email_code::normalized(&answer),
            _ => answer.normalized(),
        },
        hashes,
        calls,
        writes,
        mails,
    }
}

// TH-03, FT-21
#[tokio::test]
async fn trouble_with_mail_shows_in_no_answer_and_costs_no_request_anything() {
    for sends in SENDS {
        let healthy = seen(sends, RELAYS[0]).await;
        assert!(!healthy.mails.is_empty(), "{sends:?} sends no mail");
        for relay in &RELAYS[1..] {
            let troubled = seen(sends, *relay).await;
            assert_eq!(troubled, healthy, "{sends:?}, {relay:?}");
        }
    }
}

// TH-03
#[tokio::test]
async fn every_route_and_every_template_that_sends_mail_is_tried_with_trouble() {
    let tried: BTreeSet<&str> = SENDS.iter().map(|sends| sends.route()).collect();
    for route in ROUTES {
        let mails = matches!(&route.limits, Limits::Of(limits, _) if limits.iter().any(|limit| limit.bucket == "mail"));
        assert!(
            !mails || tried.contains(route.path),
            "{} sends mail: give it a variant of `Sends`",
            route.path
        );
    }
    for path in tried {
        let found = ROUTES
            .iter()
            .find(|route| route.path == path && route.verb == Verb::Post);
        assert!(found.is_some(), "{path} is no route");
    }
    let mut sent = BTreeSet::new();
    for sends in SENDS {
        sent.extend(seen(sends, Relay::Takes).await.mails);
    }
    let all: BTreeSet<&str> = MailTemplate::ALL.iter().map(|one| one.as_str()).collect();
    assert_eq!(sent, all, "a mail that no variant of `Sends` sends");
}
