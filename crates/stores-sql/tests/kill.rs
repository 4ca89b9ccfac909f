//! What was answered survives the end of the process, however it comes.

#![cfg(feature = "sqlite")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use portcullis_core::along::{Along, Write};
use portcullis_core::entropy::{SeededEntropy, random_bytes};
use portcullis_core::event::{AuthEvent, AuthEventStatus, AuthEventType, EventQueryFilter};
use portcullis_core::id::{ClaimId, EventId, MailId, TenantId};
use portcullis_core::mail::{MailTemplate, OutboxMail};
use portcullis_core::net::ClientInfo;
use portcullis_core::secret::Sealed;
use portcullis_core::store::{AuditQuery, IdentityAuthnLog, OutboxStore};
use portcullis_core::time::Timestamp;
use portcullis_stores_sql::{SqliteOptions, SqliteStore};

const TENANT: TenantId = TenantId::from_integer(1);
const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);
/// Where the child writes; without it there is nothing for the child to do.
const DATABASE: &str = "PORTCULLIS_KILLED_DATABASE";

/// No more than one query of the audit log returns.
const MOST: u64 = 800;

/// An event and a mail, which are there together or not at all.
fn write(number: u64) -> Along {
    let event = AuthEvent {
        id: EventId::from_integer(number),
        at: NOW,
        tenant: Some(TENANT),
        subject: None,
        actor: None,
        kind: AuthEventType::SignUp,
        status: AuthEventStatus::Success,
        reason: None,
        client: ClientInfo::default(),
        detail: serde_json::Value::Null,
    };
    Along::event(event).with_mail(OutboxMail {
        id: MailId::from_integer(number),
        tenant: TENANT,
        user: None,
        to: "ada@example.com".into(),
        template: MailTemplate::VerifyEmail,
        params: Sealed {
            key_version: 1,
            bytes: vec![0; 600],
        },
        created_at: NOW,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the child of acknowledged_writes_survive_a_kill, which ends it"]
async fn writes_until_it_is_killed() {
    let Some(path) = std::env::var_os(DATABASE) else {
        return;
    };
    let store = SqliteStore::open(SqliteOptions::new(path)).unwrap();
    for first in (0..MOST).step_by(8) {
        let group = (first..first + 8).map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let written = store.record(write(number)).await;
                assert_eq!(written.unwrap(), Write::Applied(()));
                println!("written {number}");
            })
        });
        for writer in group.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
    }
    std::future::pending().await
}

/// Runs the child until it has reported so many writes, and ends it in the middle of the next.
fn acknowledged(path: &Path, many: usize) -> Vec<u64> {
    let program = std::env::current_exe().unwrap();
    let mut child = Command::new(program)
        .args([
            "--exact",
            "writes_until_it_is_killed",
            "--ignored",
            "--nocapture",
        ])
        .env(DATABASE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut numbers = Vec::new();
    for line in lines.map_while(Result::ok) {
        // The test harness writes on the same stream, without a line of its own.
        if let Some((_, number)) = line.split_once("written ") {
            numbers.push(number.parse().unwrap());
        }
        if numbers.len() == many {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(numbers.len(), many, "the child ended early");
    numbers
}

// FT-01
#[tokio::test]
async fn acknowledged_writes_survive_a_kill() {
    let rounds = match std::env::var_os("PORTCULLIS_LONG") {
        Some(_) => 500,
        None => 5,
    };
    let entropy = SeededEntropy::new(1);
    for _ in 0..rounds {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("portcullis.db");
        let new = SqliteStore::open(SqliteOptions::new(&path).create_if_missing()).unwrap();
        new.migrate().await.unwrap();
        drop(new);
        let [many] = random_bytes(&entropy).unwrap();
        let acknowledged = acknowledged(&path, usize::from(many) + 1);

        let store = SqliteStore::open(SqliteOptions::new(&path)).unwrap();
        let filter = EventQueryFilter::default();
        let events = store.audit_events(TENANT, &filter).await.unwrap();
        let claim = ClaimId::from_integer(1);
        let mails = store.claim_mail(claim, NOW, Timestamp::MAX, 1000).await;
        let mails = mails.unwrap();
        for number in acknowledged {
            assert!(
                events
                    .iter()
                    .any(|event| event.id == EventId::from_integer(number))
            );
            assert!(
                mails
                    .iter()
                    .any(|mail| mail.mail.id == MailId::from_integer(number))
            );
        }
        assert_eq!(events.len(), mails.len(), "a half of a write");
        drop(store);
        let check = rusqlite::Connection::open(&path).unwrap();
        let check = check.pragma_query_value(None, "integrity_check", |row| row.get(0));
        assert_eq!(check, Ok("ok".to_owned()));
    }
}
