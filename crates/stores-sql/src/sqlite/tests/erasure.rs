//! What erasing leaves in the file: events that the database guards, and no row of a sign-up.

use std::collections::BTreeMap;

use portcullis_core::along::{Along, Write};
use portcullis_core::entity::{Enrolment, Unproved, User};
use portcullis_core::id::{UserId, VerificationTokenId};
use portcullis_core::identifier::Identifier;
use portcullis_core::secret::TokenDigest;
use portcullis_core::state::EntityState;
use portcullis_core::store::{Crossing, IdentityAuthnLog};
use portcullis_core::verification::{TokenKind, VerificationToken};
use rusqlite::Connection;

use super::sample::{NOW, Place, TENANT, event, fill, password};

/// What the schema lets happen to an event, and what it does not.
const EMPTIED: &str =
    "UPDATE auth_events SET ip = NULL, user_agent = NULL, request_id = NULL, detail = 'null'";
const NEVER: [&str; 6] = [
    "UPDATE auth_events SET kind = 'x'",
    "UPDATE auth_events SET at = at + 1",
    "UPDATE auth_events SET subject_id = NULL",
    "UPDATE auth_events SET reason = 'expired'",
    "UPDATE auth_events SET detail = '{}'",
    "DELETE FROM auth_events",
];

// LG-04
#[tokio::test]
async fn events_are_emptied_for_an_archived_account_and_no_other() {
    let place = Place::new();
    let store = place.store().await;
    fill(&store).await;
    let mut along = event(1);
    along.events[0].detail = serde_json::json!({ "via": "test" });
    along.events[0].client.user_agent = Some("browser".into());
    assert_eq!(store.record(along).await.unwrap(), Write::Applied(()));
    let stranger = place.stranger();
    let refused = |sql: &str| {
        let refused = stranger.execute(sql, []).unwrap_err().to_string();
        assert!(refused.contains("only ever added to"), "{sql}: {refused}");
    };
    NEVER.iter().for_each(|sql| refused(sql));
    refused(EMPTIED);
    stranger
        .execute("UPDATE accounts SET state = 'archived'", [])
        .unwrap();
    NEVER.iter().for_each(|sql| refused(sql));
    refused("UPDATE auth_events SET user_agent = 'another'");
    assert_eq!(stranger.execute(EMPTIED, []).unwrap(), 1);
    refused("UPDATE auth_events SET user_agent = 'browser'");
}

/// Rows of every table but the audit log and the counter of AUTOINCREMENT, where there is one.
fn rows(connection: &Connection) -> BTreeMap<String, i64> {
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'auth_events'";
    let mut tables = connection.prepare(tables).unwrap();
    let names = tables.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let names: Vec<String> = names.map(Result::unwrap).collect();
    let count = |name: &String| {
        let sql = format!("SELECT count(*) FROM {name}");
        connection.query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    names
        .iter()
        .map(|name| (name.clone(), count(name)))
        .collect()
}

#[tokio::test]
async fn sign_ups_that_nobody_proved_leave_no_row() {
    let place = Place::new();
    let store = place.store().await;
    fill(&store).await;
    let stranger = place.stranger();
    let before = rows(&stranger);
    assert!(before.len() > 12);
    let people: Vec<UserId> = (100..150).map(UserId::from_integer).collect();
    for user in &people {
        let number = user.to_integer().unwrap();
        let enrolment = Enrolment {
            user: User {
                id: *user,
                tenant: TENANT,
                identifiers: vec![Identifier::email(&format!("s{number}@example.com")).unwrap()],
                profile: serde_json::json!({}),
                created_at: NOW,
            },
            state: EntityState::Pending,
            handle: "stranger".into(),
            verified: false,
            factor: Some(password("theirs")),
            now: NOW,
        };
        let along = Along::default().with_issue(VerificationToken {
            id: VerificationTokenId::from_integer(number),
            kind: TokenKind::EmailVerification,
            tenant: TENANT,
            email: format!("s{number}@example.com"),
            user: Some(*user),
            epoch: None,
            payload: None,
            digest: TokenDigest {
                bytes: [7; 32],
                key_version: 1,
            },
            created_at: NOW,
            expires_at: NOW,
            consumed_at: None,
            superseded_at: None,
        });
        let enrolled = store.enrol(&enrolment, along).await.unwrap();
        assert_eq!(enrolled, Write::Applied(()));
    }
    assert_ne!(rows(&stranger), before);
    for user in people {
        let unproved = Unproved {
            tenant: TENANT,
            user,
            pending_since: NOW,
            now: NOW,
        };
        let discarded = store.discard(&unproved, Along::default()).await.unwrap();
        assert_eq!(discarded, Write::Applied(()));
    }
    assert_eq!(rows(&stranger), before);
    place.assert_sound();
}
