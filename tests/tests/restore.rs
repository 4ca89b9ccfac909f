//! A database put back to an earlier point: what was used up since lives again, until an operator ends it all.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use portcullis_tests::{Answer, ApiToken, DEFAULT_CONFIG, Person, Place, Service, until};
use serde_json::json;

const REFUSED: i32 = 4;

/// The token of the `nth` mail to somebody.
fn mailed(place: &Place, person: &Person, nth: usize) -> String {
    let mails = || place.mails_to(&person.email);
    let there = until(Duration::from_secs(20), || {
        (mails().len() >= nth).then_some(())
    });
    assert!(there.is_some(), "no mail");
    mails().pop().unwrap().token()
}

/// A copy of the whole database as it is now, beside a running service.
fn back_up(database: &Path, to: &Path) {
    let connection = rusqlite::Connection::open(database).unwrap();
    let to = to.to_str().unwrap();
    connection.execute("VACUUM INTO ?1", [to]).unwrap();
}

fn restore(database: &Path, from: &Path) {
    for beside in ["db-wal", "db-shm"] {
        let _not_there = fs::remove_file(database.with_extension(beside));
    }
    fs::copy(from, database).unwrap();
}

/// What somebody had at the moment of the backup.
struct Held {
    cookie: String,
    refresh: String,
    access: String,
    link: String,
    api_token: ApiToken,
}

impl Held {
    fn cookie_counts(&self, service: &Service) -> bool {
        let cookie = format!("portcullis={}", self.cookie);
        let browser = service.browser().with_header("cookie", &cookie);
        browser.get("/auth/profile").is_success()
    }

    fn access_counts(&self, service: &Service) -> bool {
        let bearer = format!("Bearer {}", self.access);
        let program = service.browser().with_header("authorization", &bearer);
        program.send("POST", "/auth/check-auth", None).is_success()
    }

    fn link_works(&self, service: &Service) -> bool {
        let body = json!({ "token": self.link });
        let looked = service.browser().post("/auth/password/verify_token", &body);
        looked.is_success()
    }

    fn api_token_counts(&self, service: &Service) -> bool {
        let program = self.api_token.bearer(service.browser());
        program.get("/auth/profile").is_success()
    }

    fn refresh(&self, service: &Service) -> Answer {
        let body = json!({ "refresh_token": self.refresh });
        service.browser().post("/auth/refresh", &body)
    }
}

// FT-31
#[test]
fn after_a_restore_one_command_ends_what_was_used_up_since() {
    // Every start has another port; access tokens are for the place that made them.
    let place = Place::with_config(&format!(
        "public_url = \"http://localhost:8080\"\n{DEFAULT_CONFIG}"
    ));
    let service = place.start();
    let (ada, here) = (Person::new("ada"), service.browser());
    ada.join(&place, &here);
    ada.enter(&here);
    let api_token = ApiToken::create(&here, "ci");
    let pair = service.browser().post("/auth/token", &ada.sign_in());
    let pair = pair.expect(200).json();
    let text = |field: &str| {
        pair.get(field)
            .and_then(|text| text.as_str())
            .unwrap()
            .to_owned()
    };
    let forgot = json!({ "email": ada.email });
    assert!(here.post("/auth/password/forgot", &forgot).is_success());
    let held = Held {
        cookie: here.cookie("portcullis").unwrap(),
        refresh: text("refresh_token"),
        access: text("access_token"),
        link: mailed(&place, &ada, 2),
        api_token,
    };
    let backup = place.path().join("backup.db");
    back_up(&place.database(), &backup);

    // All of it is used up.
    let spent = held.refresh(&service).expect(200).json();
    let reset = json!({ "token": held.link, "password": "a new correct horse battery staple" });
    let set = service.browser().post("/auth/password/reset", &reset);
    assert!(set.is_success(), "{set:?}");
    assert!(!held.link_works(&service));
    assert!(!held.cookie_counts(&service));
    assert!(!held.access_counts(&service));
    assert!(!held.refresh(&service).is_success());
    service.kill();

    // And lives again.
    restore(&place.database(), &backup);
    let service = place.start();
    assert!(held.link_works(&service));
    assert!(held.cookie_counts(&service));
    assert!(held.access_counts(&service));

    let asked = place.run(["user", "sign-out", "--all"]);
    assert_eq!(asked.code, REFUSED, "{asked:?}");
    assert!(held.cookie_counts(&service));
    let ended = place.run(["user", "sign-out", "--all", "--yes", "--json"]);
    assert_eq!(
        ended.json(),
        json!({ "accounts": 1, "api_tokens_revoked": 0 })
    );
    assert!(!held.link_works(&service));
    assert!(!held.cookie_counts(&service));
    assert!(!held.access_counts(&service));
    assert!(!held.refresh(&service).is_success());
    // Nor does what was made after the backup, and is in no store any more.
    let after = spent
        .get("access_token")
        .and_then(|text| text.as_str())
        .unwrap();
    let bearer = format!("Bearer {after}");
    let program = service.browser().with_header("authorization", &bearer);
    assert!(!program.send("POST", "/auth/check-auth", None).is_success());

    assert!(held.api_token_counts(&service));
    let ended = place.run([
        "user",
        "sign-out",
        "--all",
        "--api-tokens",
        "--yes",
        "--json",
    ]);
    assert_eq!(
        ended.json(),
        json!({ "accounts": 1, "api_tokens_revoked": 1 })
    );
    assert!(!held.api_token_counts(&service));

    let events = place
        .run(["audit", "query", "--type", "everything_ended", "--json"])
        .json();
    assert_eq!(events.as_array().unwrap().len(), 4, "{events}");
    ada.enter(&service.browser());
}

#[test]
fn one_person_is_signed_out_by_an_operator_and_nobody_else() {
    let place = Place::new();
    let service = place.start();
    let people = [Person::new("ada"), Person::new("eve")].map(|person| {
        let browser = service.browser();
        person.join(&place, &browser);
        person.enter(&browser);
        let token = ApiToken::create(&browser, "ci");
        (person, browser, token)
    });
    let [(ada, here, token), (_, other, _)] = &people;
    let done = place.run(["user", "sign-out", &ada.email, "--json"]).json();
    assert_eq!(done["state"], "active");
    let _out = here.get("/auth/profile").expect(401);
    let _in = other.get("/auth/profile").expect(200);
    let program = token.bearer(service.browser());
    assert!(program.get("/auth/profile").is_success());
    let _done = place
        .run(["user", "sign-out", &ada.email, "--api-tokens"])
        .expect_code(0);
    let _out = program.get("/auth/profile").expect(401);
    ada.enter(&service.browser());
}
