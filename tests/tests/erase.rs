//! Erasing somebody on the command line, beside a running service.

use std::time::Duration;

use portcullis_tests::{ApiToken, Person, Place, until, verify};
use serde_json::json;

const NOT_FOUND: i32 = 3;
const REFUSED: i32 = 4;

// AZ-05
#[test]
fn an_erased_person_is_out_at_once_and_leaves_no_trace() {
    let place = Place::new();
    let service = place.start();
    let (here, there) = (service.browser(), service.browser());
    let ada = Person::new("ada");
    ada.join(&place, &here);
    ada.enter(&here);
    let program = ApiToken::create(&here, "ci").bearer(service.browser());
    assert!(program.get("/auth/profile").is_success());
    let shown = place.run(["user", "show", &ada.email, "--json"]).json();
    let id = shown["id"].as_str().unwrap();

    let asked = place.run(["user", "erase", &ada.email]);
    assert_eq!(asked.code, REFUSED, "{asked:?}");
    assert!(asked.stderr.contains("--yes"), "{asked:?}");
    assert!(here.get("/auth/profile").is_success());
    let erase = ["user", "erase", &ada.email, "--yes", "--json"];
    let erased = place.run(erase).json();
    assert_eq!(erased, json!({ "id": id, "erased": true, "before": false }));

    let _out = here.get("/auth/profile").expect(401);
    let _out = program.get("/auth/profile").expect(401);
    let _out = there.post("/auth/sign-in", &ada.sign_in()).expect(401);
    let gone = place.run(["user", "show", &ada.email]);
    assert_eq!(gone.code, NOT_FOUND, "{gone:?}");
    let again = place.run(["user", "erase", id, "--yes", "--json"]).json();
    assert_eq!(again["before"], true);
    let nobody = place.run(["user", "erase", &ada.email, "--yes"]);
    assert_eq!(nobody.code, NOT_FOUND, "{nobody:?}");

    let events = place
        .run(["audit", "query", "--limit", "1000", "--json"])
        .json();
    let theirs = events.as_array().unwrap().iter();
    let theirs: Vec<_> = theirs.filter(|event| event["subject"] == id).collect();
    assert!(theirs.iter().any(|event| event["type"] == "account_erased"));
    assert!(theirs.iter().any(|event| event["type"] == "sign_in"));
    for event in theirs {
        assert!(event["detail"].is_null(), "{event}");
        assert!(!event.to_string().contains("127.0.0.1"), "{event}");
    }

    // Nothing in the file says who it was, but for pages that are free: the database may be asked to clean those.
    let database = rusqlite::Connection::open(place.database()).unwrap();
    let named = "SELECT count(*) FROM identifiers WHERE canonical = ?1";
    let count = |sql: &str| -> i64 {
        database
            .query_row(sql, [&ada.email], |row| row.get(0))
            .unwrap()
    };
    assert_eq!(count(named), 0);
    assert_eq!(count("SELECT count(*) FROM accounts WHERE handle = ?1"), 0);
    assert_eq!(count("SELECT count(*) FROM outbox WHERE recipient = ?1"), 0);
    assert_eq!(
        count("SELECT count(*) FROM verification_tokens WHERE email = ?1"),
        0
    );
    let sessions: i64 = database
        .query_row("SELECT count(*) FROM sessions", [], |row| row.get(0))
        .unwrap();
    assert_eq!(sessions, 0);
    drop(database);

    let next = service.browser();
    assert!(next.post("/auth/signup", &ada.sign_up()).is_success());
    let mails = || place.mails_to(&ada.email);
    let mailed = until(Duration::from_secs(20), || {
        (mails().len() >= 2).then_some(())
    });
    assert!(mailed.is_some(), "no mail");
    assert!(verify(&next, &mails().pop().unwrap().token()).is_success());
    ada.enter(&next);
    let shown = place.run(["user", "show", &ada.email, "--json"]).json();
    assert_ne!(shown["id"], id);
}
