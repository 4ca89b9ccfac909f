//! Rotating keys under running services: by the command line alone, and nobody is signed out.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use portcullis_tests::{Browser, Person, Place, Service, until};
use serde_json::{Value, json};

/// A busy machine included; without SIGHUP a service looks every few seconds.
const TAKEN_UP_WITHIN: Duration = Duration::from_secs(60);

fn published(service: &Service) -> usize {
    let keys = service.browser().get("/auth/jwks.json").expect(200).json();
    keys["keys"].as_array().unwrap().len()
}

fn await_published(service: &Service, number: usize) {
    let found = until(TAKEN_UP_WITHIN, || {
        (published(service) == number).then_some(())
    });
    assert!(found.is_some(), "never {number}: {}", service.stderr());
}

fn await_taken_up(service: &Service) {
    service.hang_up();
    service.await_log("changed keys taken up");
}

fn list(place: &Place) -> Vec<Value> {
    let listed = place.run(["--json", "keys", "list"]).json();
    listed.as_array().unwrap().clone()
}

/// Version and state of every key of a purpose.
fn states(place: &Place, purpose: &str) -> Vec<(u64, String)> {
    list(place)
        .iter()
        .filter(|key| key["purpose"] == purpose)
        .map(|key| {
            (
                key["version"].as_u64().unwrap(),
                key["state"].as_str().unwrap().to_owned(),
            )
        })
        .collect()
}

fn pair(service: &Service, person: &Person) -> (String, String) {
    let answer = service.browser().post("/auth/token", &person.sign_in());
    let body = answer.expect(200).json();
    let text = |field: &str| body[field].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}

fn check(browser: &Browser) -> u16 {
    browser.send("POST", "/auth/check-auth", None).status
}

fn bearer(service: &Service, token: &str) -> Browser {
    let value = format!("Bearer {token}");
    service.browser().with_header("authorization", &value)
}

/// The `kid` of a token, by its header alone.
fn header_of(token: &str) -> String {
    token.split('.').next().unwrap().to_owned()
}

// FT-30, JW-10, CR-04
#[test]
fn a_rotation_signs_nobody_out_and_retiring_ends_what_was_made_before() {
    let place = Place::new();
    let service = place.start();
    let (ada, bob) = (Person::new("ada"), Person::new("bob"));
    let old = service.browser();
    ada.join(&place, &old);
    bob.join(&place, &service.browser());
    let _ok = old.post("/auth/sign-in", &ada.sign_in()).expect(200);
    let (old_access, old_refresh) = pair(&service, &ada);
    assert_eq!(published(&service), 1);

    let rotated = place.run(["--json", "keys", "rotate"]).json();
    assert_eq!(rotated.as_array().unwrap().len(), 5, "{rotated}");
    service.hang_up();
    await_published(&service, 2);
    service.await_log("changed keys taken up");
    assert_eq!(
        states(&place, "token_pepper"),
        [(1, "in_use".to_owned()), (2, "newest".to_owned())]
    );

    // What there was holds, what is new is under the new key.
    assert_eq!(check(&old), 200);
    assert_eq!(check(&bearer(&service, &old_access)), 200);
    let new = service.browser();
    let _ok = new.post("/auth/sign-in", &ada.sign_in()).expect(200);
    let (new_access, _) = pair(&service, &ada);
    assert_ne!(header_of(&old_access), header_of(&new_access));
    let refreshed = service
        .browser()
        .post("/auth/refresh", &json!({ "refresh_token": old_refresh }));
    let refreshed = refreshed.expect(200).json();

    // Retired: what was made before is refused as anything that is not good, the rest goes on.
    let _one = place
        .run(["keys", "retire", "token_pepper", "1"])
        .expect_code(0);
    let _two = place
        .run(["keys", "retire", "access_tokens", "1"])
        .expect_code(0);
    service.hang_up();
    await_published(&service, 1);
    service.await_log("changed keys taken up");
    assert_eq!(check(&old), 401);
    assert_eq!(check(&bearer(&service, &old_access)), 401);
    assert_eq!(check(&new), 200);
    assert_eq!(check(&bearer(&service, &new_access)), 200);
    let still = refreshed["access_token"].as_str().unwrap();
    assert_eq!(check(&bearer(&service, still)), 200);

    // A password whose pepper ended is as wrong as any: Ada's was hashed anew when she signed in, Bob's was not.
    let _three = place
        .run(["keys", "retire", "password_pepper", "1"])
        .expect_code(0);
    await_taken_up(&service);
    let _ok = service
        .browser()
        .post("/auth/sign-in", &ada.sign_in())
        .expect(200);
    let refused = service
        .browser()
        .post("/auth/sign-in", &bob.sign_in())
        .expect(401);
    let wrong = json!({ "identifier": ada.email, "password": "not the right password" });
    let wrong = service.browser().post("/auth/sign-in", &wrong).expect(401);
    assert_eq!(refused.json()["code"], wrong.json()["code"]);
    let _ok = service.browser().get("/health/ready").expect(200);
}

// FT-30
#[test]
fn nobody_is_refused_while_keys_are_rotated_under_load() {
    let place = Place::new();
    let service = place.start();
    let ada = Person::new("ada");
    let browser = service.browser();
    ada.join(&place, &browser);
    let _ok = browser.post("/auth/sign-in", &ada.sign_in()).expect(200);
    let (access, _) = pair(&service, &ada);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let asked = [browser.clone(), bearer(&service, &access)].map(|somebody| {
            let stop = &stop;
            scope.spawn(move || {
                let mut answers = Vec::new();
                while !stop.load(Ordering::SeqCst) {
                    // No answer says nothing of the keys; the next one does.
                    let answer = somebody.try_send("POST", "/auth/check-auth", None);
                    answers.extend(answer.map(|answer| answer.status));
                }
                answers
            })
        });
        for rotations in 1..=5 {
            let _rotated = place.run(["keys", "rotate"]).expect_code(0);
            service.hang_up();
            await_published(&service, rotations + 1);
        }
        stop.store(true, Ordering::SeqCst);
        for asked in asked {
            let answers = asked.join().unwrap();
            let other = answers.iter().find(|answer| **answer != 200);
            assert!(
                !answers.is_empty() && other.is_none(),
                "{other:?}: {}",
                service.stderr()
            );
        }
    });
}

// FT-30
#[test]
fn two_services_on_one_database_follow_one_key_file() {
    let place = Place::new();
    // One public URL, whoever answers: it is in every access token.
    let url = [("PORTCULLIS_PUBLIC_URL", "http://localhost:8080")];
    let (one, two) = (place.start_with(&[], &url), place.start_with(&[], &url));
    let ada = Person::new("ada");
    ada.join(&place, &one.browser());
    let _rotated = place.run(["keys", "rotate"]).expect_code(0);
    one.hang_up();
    await_published(&one, 2);
    // The other was told nothing: it takes what the first has made under the new keys.
    let (access, refresh) = pair(&one, &ada);
    assert_eq!(check(&bearer(&two, &access)), 200);
    let refreshed = two
        .browser()
        .post("/auth/refresh", &json!({ "refresh_token": refresh }));
    let _ok = refreshed.expect(200);
    let _ok = two
        .browser()
        .post("/auth/sign-in", &ada.sign_in())
        .expect(200);
}

// CR-05
#[test]
fn no_command_prints_a_key() {
    let place = Place::new();
    let _made = place.run(["keys", "init"]).expect_code(0);
    let mut said = String::new();
    for command in [
        &["keys", "list"][..],
        &["keys", "rotate"],
        &["--json", "keys", "list"],
        &["--json", "keys", "rotate", "sealing"],
        &["keys", "retire", "sealing", "1"],
    ] {
        let ran = place.run(command).expect_code(0);
        said.push_str(&ran.stdout);
        said.push_str(&ran.stderr);
    }
    let mut keys = 0;
    for file in [place.keys(), place.access_keys()] {
        let text = fs::read_to_string(file).unwrap();
        for line in text.lines().filter(|line| line.contains("\"key\"")) {
            let key = line.split('"').nth(3).unwrap();
            assert!(key.len() > 40 && !said.contains(key));
            keys += 1;
        }
    }
    assert_eq!(keys, 11);
}

#[test]
fn what_cannot_be_changed_is_refused_with_the_reason() {
    let place = Place::new();
    let none = place.run(["keys", "rotate"]).expect_code(1);
    assert!(none.stderr.contains("there is no key file"), "{none:?}");
    let _made = place.run(["keys", "init"]).expect_code(0);
    let newest = place.run(["keys", "retire", "sealing", "1"]).expect_code(4);
    assert!(newest.stderr.contains("cannot be retired"), "{newest:?}");
    let _unknown = place.run(["keys", "rotate", "jokes"]).expect_code(2);
    let lock = place.data().join("keys.json.new");
    fs::write(&lock, "").unwrap();
    let locked = place.run(["keys", "rotate", "sealing"]).expect_code(4);
    assert!(locked.stderr.contains("delete it"), "{locked:?}");
    fs::remove_file(lock).unwrap();
    let _rotated = place.run(["keys", "rotate", "sealing"]).expect_code(0);
    assert_eq!(states(&place, "sealing").len(), 2);
    assert_eq!(states(&place, "token_pepper").len(), 1);
}

// FT-05, FT-30
#[test]
fn a_key_file_that_goes_away_under_a_service_is_said_and_signs_nobody_out() {
    let place = Place::new();
    let service = place.start();
    let ada = Person::new("ada");
    let browser = service.browser();
    ada.join(&place, &browser);
    let _ok = browser.post("/auth/sign-in", &ada.sign_in()).expect(200);
    let keys = fs::read(place.keys()).unwrap();
    fs::remove_file(place.keys()).unwrap();
    service.hang_up();
    service.await_log("changed keys are not in use");
    assert_eq!(check(&browser), 200);
    assert!(
        !place.keys().exists(),
        "nothing makes keys but the first start"
    );
    fs::write(place.keys(), keys).unwrap();
    // Open to others, as it is now: refused until it is its owner's alone.
    service.hang_up();
    service.await_log("is open to others");
    assert_eq!(check(&browser), 200);
}
