//! Signing in with a code from a mail, on every store that the binary can be given.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

use std::thread;
use std::time::Duration;

use portcullis_tests::{Answer, Browser, Mail, Person, Place, Service, Stores, until};
use serde_json::{Value, json};

const WITHIN: Duration = Duration::from_secs(100);

// OT-12, OT-03
#[test]
fn a_code_from_the_outbox_signs_in_once_and_is_void_after_five_tries() {
    whole_path(Stores::sqlite());
}

#[test]
fn a_code_from_the_outbox_signs_in_once_and_is_void_after_five_tries_on_postgresql() {
    whole_path(Stores::postgres());
}

#[test]
fn a_code_from_the_outbox_signs_in_once_and_is_void_after_five_tries_on_postgresql_and_redis() {
    whole_path(Stores::postgres_and_redis());
}

/// Left out where the machine lacks a store.
fn whole_path(stores: Option<Stores>) {
    let Some(stores) = stores else { return };
    let place = Place::on(&stores);
    let variables = [
        ("PORTCULLIS_POLICY__EMAIL_CODE", "true"),
        // What refuses here is the ticket.
        ("PORTCULLIS_POLICY__LOCKOUT_FREE_ATTEMPTS", "100"),
    ];
    let service = place.start_with(&[], &variables);
    let (ada, bob) = (Person::new("ada"), Person::new("bob"));
    for person in [&ada, &bob] {
        let _link = person.join(&place, &service.browser());
    }

    // In the browser that asked, which keeps the ticket in a cookie; wrongly once.
    let browser = service.browser();
    let ticket = send(&browser, &ada);
    let code = mailed_code(&place, &ada);
    let wrong = wrong(&code);
    let _elsewhere = enter(&service.browser(), &json!({ "code": code })).expect(400);
    let refused = enter(&browser, &json!({ "code": wrong })).expect(400);
    assert_eq!(refused.json()["code"], "invalid_code");
    // Then rightly, and many times at once.
    let guesses = thread::scope(|scope| {
        let runs: Vec<_> = (0..12)
            .map(|_| {
                let (browser, body) =
                    (service.browser(), json!({ "ticket": ticket, "code": code }));
                scope.spawn(move || enter(&browser, &body).status)
            })
            .collect();
        let ends = runs.into_iter().map(|run| run.join().expect("an answer"));
        ends.collect::<Vec<_>>()
    });
    let won = guesses.iter().filter(|status| **status == 200).count();
    assert_eq!(won, 1, "{guesses:?}");
    let _again = enter(&browser, &json!({ "code": code })).expect(400);

    // Five wrong ones, and the right one is too late.
    let ticket = send(&service.browser(), &bob);
    let code = mailed_code(&place, &bob);
    for _ in 0..5 {
        let _refused = with_ticket(&service, &ticket, &self::wrong(&code)).expect(400);
    }
    let _void = with_ticket(&service, &ticket, &code).expect(400);

    // Whoever is nobody has the same answer, and no mail.
    let nobody = Person::new("nobody");
    let ticket = send(&service.browser(), &nobody);
    let _refused = with_ticket(&service, &ticket, "0000 0000").expect(400);
    assert!(place.mails_to(&nobody.email).is_empty());
}

/// Asks for a code, and returns its ticket.
fn send(browser: &Browser, person: &Person) -> String {
    let asked = json!({ "email": person.email });
    let sent = browser.post("/auth/email-code/send", &asked).expect(202);
    let ticket = sent.json()["ticket"].as_str().map(str::to_owned);
    ticket.expect("a ticket")
}

fn mailed_code(place: &Place, person: &Person) -> String {
    let code = || place.mails_to(&person.email).iter().find_map(Mail::code);
    until(WITHIN, code).expect("a mail with a code")
}

fn enter(browser: &Browser, body: &Value) -> Answer {
    browser.post("/auth/email-code/verify", body)
}

fn with_ticket(service: &Service, ticket: &str, code: &str) -> Answer {
    let body = json!({ "ticket": ticket, "code": code });
    enter(&service.browser(), &body)
}

/// Another code than this.
fn wrong(code: &str) -> String {
    let last = if code.ends_with('0') { "1" } else { "0" };
    format!("{}{last}", &code[..code.len() - 1])
}
