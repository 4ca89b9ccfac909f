//! Services on PostgreSQL and Redis: several of them on the same stores, and a Redis that forgets or goes away.

#![expect(clippy::expect_used, reason = "helpers of tests fail by panicking")]

use std::time::Duration;

use portcullis_tests::{
    Answer, ApiToken, Browser, Person, Place, Redis, Service, Stores, until, verify,
};
use serde_json::{Value, json};

/// A service that has been told of a change needs no time to notice it; one whose store was away looks again soon.
const BACK_WITHIN: Duration = Duration::from_secs(30);
const ENDED_WITHIN: Duration = Duration::from_secs(60);

fn check(browser: &Browser) -> u16 {
    browser.send("POST", "/auth/check-auth", None).status
}

fn profile(browser: &Browser) -> u16 {
    browser.get("/auth/profile").status
}

/// A browser at `there` that presents the session of `browser`.
fn carried(browser: &Browser, there: &Service) -> Browser {
    let cookie = browser.cookie("portcullis").expect("a session");
    let cookie = format!("portcullis={cookie}");
    there.browser().with_header("cookie", &cookie)
}

/// A new pair.
fn pair(service: &Service, person: &Person) -> Value {
    let answer = service.browser().post("/auth/token", &person.sign_in());
    answer.expect(200).json()
}

fn refresh(service: &Service, pair: &Value) -> Answer {
    let body = json!({ "refresh_token": pair["refresh_token"] });
    service.browser().post("/auth/refresh", &body)
}

// SE-04, CC-05
#[test]
fn two_services_see_each_others_changes_at_the_next_request() {
    let Some(stores) = Stores::postgres_and_redis() else {
        return;
    };
    let place = Place::on(&stores);
    let (here, there) = (place.start(), place.start());
    let ada = Person::new("ada");
    ada.join(&place, &here.browser());

    // A session that one made and the other ends.
    let (browser, elsewhere) = (here.browser(), here.browser());
    ada.enter(&browser);
    ada.enter(&elsewhere);
    let (browser_there, elsewhere_there) = (carried(&browser, &there), carried(&elsewhere, &there));
    assert_eq!(
        (profile(&browser_there), profile(&elsewhere_there)),
        (200, 200)
    );
    let sessions = elsewhere_there.get("/auth/sessions").expect(200).json();
    let sessions = sessions["sessions"].as_array().unwrap().clone();
    assert_eq!(sessions.len(), 2);
    let current = sessions.iter().find(|session| session["current"] == true);
    let id = current.unwrap()["id"].as_str().unwrap().to_owned();
    let ended = browser.delete(&format!("/auth/sessions/{id}"));
    assert!(ended.is_success(), "{ended:?}");
    assert_eq!((profile(&elsewhere_there), profile(&elsewhere)), (401, 401));
    assert_eq!(profile(&browser_there), 200);

    // An API token.
    let token = ApiToken::create(&browser, "deploy");
    let programs = [&here, &there].map(|service| token.bearer(service.browser()));
    assert_eq!(programs.each_ref().map(check), [200, 200]);
    let revoked = browser.delete(&format!("/auth/api-tokens/{}", token.id));
    assert!(revoked.is_success(), "{revoked:?}");
    assert_eq!(programs.each_ref().map(check), [401, 401]);

    // A suspension, by a command on the same stores.
    let token = ApiToken::create(&browser, "backup");
    let programs = [&here, &there].map(|service| token.bearer(service.browser()));
    assert_eq!(programs.each_ref().map(check), [200, 200]);
    let _suspended = place.run(["user", "suspend", &ada.email]).expect_code(0);
    assert_eq!(programs.each_ref().map(check), [401, 401]);
    assert_eq!((profile(&browser), profile(&browser_there)), (401, 401));
    let _active = place.run(["user", "activate", &ada.email]).expect_code(0);
    assert_eq!(programs.each_ref().map(check), [200, 200]);
    assert_eq!((profile(&browser), profile(&browser_there)), (401, 401));

    // A limit: ten sign-ups an hour from one address, of which Ada was the first.
    let services = [&here, &there];
    for number in 1..10 {
        let person = Person::new(&format!("person-{number}"));
        let browser = services[number % 2].browser();
        let answer = browser.post("/auth/signup", &person.sign_up());
        assert!(answer.is_success(), "{number}: {answer:?}");
    }
    let eleventh = Person::new("eleventh").sign_up();
    for service in services {
        let _limited = service
            .browser()
            .post("/auth/signup", &eleventh)
            .expect(429);
    }
}

// FT-12
#[test]
fn a_flushed_redis_signs_out_and_lets_nobody_in() {
    let Some(mut stores) = Stores::postgres_and_redis() else {
        return;
    };
    let place = Place::on(&stores);
    let service = place.start();
    let ada = Person::new("ada");
    let link = ada.join(&place, &service.browser());
    let browser = service.browser();
    ada.enter(&browser);
    let token = ApiToken::create(&browser, "deploy").bearer(service.browser());
    let revoked = ApiToken::create(&browser, "revoked");
    let deleted = browser.delete(&format!("/auth/api-tokens/{}", revoked.id));
    assert!(deleted.is_success(), "{deleted:?}");
    // Spent twice over, so that no grace is for it.
    let (spent, ended) = (pair(&service, &ada), pair(&service, &ada));
    let next = refresh(&service, &spent).expect(200).json();
    let _current = refresh(&service, &next).expect(200);
    let bearer = format!("Bearer {}", ended["access_token"].as_str().unwrap());
    let program = service.browser().with_header("authorization", &bearer);
    let _out = program.send("POST", "/auth/logout", None).expect(204);

    stores.redis().tell("FLUSHALL");

    // Sessions are gone, for the service and for their owner.
    assert_eq!(profile(&browser), 401);
    // What the people's store knows is as it was.
    assert_eq!(check(&token), 200);
    assert_eq!(check(&revoked.bearer(service.browser())), 401);
    assert!(!verify(&service.browser(), &link).is_success());
    let _ended = refresh(&service, &ended).expect(400);
    let _spent = refresh(&service, &spent).expect(400);
    let wrong = json!({ "identifier": ada.email, "password": "not the password, at all" });
    let _wrong = service.browser().post("/auth/sign-in", &wrong).expect(401);
    ada.enter(&browser);
    assert_eq!(profile(&browser), 200);
}

// FT-13, TH-12
#[test]
fn while_redis_is_away_nobody_gets_in_and_afterwards_everybody_does() {
    let Some(mut stores) = Stores::postgres_and_redis() else {
        return;
    };
    let place = Place::on(&stores);
    let service = place.start();
    let ada = Person::new("ada");
    ada.join(&place, &service.browser());
    let browser = service.browser();
    ada.enter(&browser);
    let token = ApiToken::create(&browser, "deploy").bearer(service.browser());

    stores.redis().stop();
    assert_eq!(profile(&browser), 503);
    let _limited = service
        .browser()
        .post("/auth/sign-in", &ada.sign_in())
        .expect(503);
    let _ready = service.browser().get("/health/ready").expect(503);
    let _live = service.browser().get("/health/live").expect(200);
    assert_eq!(check(&token), 200);
    assert_eq!(check(&service.browser()), 401);

    // It comes back without what it kept, and nobody starts the service again.
    stores.redis().go_on();
    let back = until(BACK_WITHIN, || (profile(&browser) == 401).then_some(()));
    assert!(back.is_some(), "{}", service.stderr());
    ada.enter(&browser);
    assert_eq!(profile(&browser), 200);
    let _ready = service.browser().get("/health/ready").expect(200);
}

/// Rows beside those of the service, so that Redis has something to load.
fn fill(redis: &Redis) {
    let value = "x".repeat(1000);
    for number in 0..40 {
        redis.tell(&format!("SET padding{number} {value}"));
    }
}

// FT-13
#[test]
fn a_redis_in_trouble_lets_nobody_in_and_is_taken_back_by_itself() {
    let Some(mut stores) = Stores::postgres_and_redis() else {
        return;
    };
    let place = Place::on(&stores);
    let service = place.start();
    let ada = Person::new("ada");
    ada.join(&place, &service.browser());
    let browser = service.browser();
    ada.enter(&browser);
    let token = ApiToken::create(&browser, "deploy").bearer(service.browser());
    let enter = || {
        service
            .browser()
            .post("/auth/sign-in", &ada.sign_in())
            .status
    };
    let ready = || service.browser().get("/health/ready").status;
    let recovered = |what: &str| {
        let back = until(BACK_WITHIN, || {
            (profile(&browser) == 200 && ready() == 200).then_some(())
        });
        assert!(back.is_some(), "{what}: {}", service.stderr());
        assert_eq!(enter(), 200, "{what}");
    };

    // It stands still: nothing is closed, nothing is answered.
    let frozen = stores.redis().freeze();
    assert_eq!((profile(&browser), enter(), ready()), (503, 503, 503));
    assert_eq!(check(&token), 200);
    drop(frozen);
    recovered("SIGSTOP");

    // It takes no writes: whoever is in stays in, and nobody else comes in.
    stores.redis().tell("REPLICAOF 127.0.0.1 1");
    assert_eq!((profile(&browser), enter()), (200, 503));
    assert_eq!(check(&token), 200);
    stores.redis().tell("REPLICAOF NO ONE");
    recovered("READONLY");
    stores.redis().tell("CONFIG SET maxmemory 1");
    assert_eq!((profile(&browser), enter()), (200, 503));
    stores.redis().tell("CONFIG SET maxmemory 0");
    recovered("OOM");

    // It comes back with what it kept, and is not ready to say so for a while.
    fill(stores.redis());
    stores.redis().tell("SAVE");
    stores.redis().stop();
    stores.redis().go_on_loading();
    assert_eq!((profile(&browser), enter(), ready()), (503, 503, 503));
    assert_eq!(check(&token), 200);
    recovered("LOADING");
}

// LG-02
#[test]
fn the_password_of_a_store_is_said_at_no_level() {
    let Some(stores) = Stores::postgres_and_redis() else {
        return;
    };
    let place = Place::on(&stores);
    let mut service = place.start_with(&["--json"], &[("PORTCULLIS_LOG", "trace")]);
    let ada = Person::new("ada");
    ada.join(&place, &service.browser());
    let browser = service.browser();
    ada.enter(&browser);
    assert_eq!(profile(&browser), 200);
    service.terminate();
    assert!(service.await_end(ENDED_WITHIN).success());

    let checked = place.run(["config", "check"]);
    let listed = place.run(["user", "list"]);
    let said = format!(
        "{}{}{checked:?}{listed:?}",
        service.stdout(),
        service.stderr()
    );
    assert!(
        said.contains("DEBUG sqlx") && said.contains("redis://"),
        "{said}"
    );
    let passwords = stores.passwords();
    assert_eq!(passwords.len(), 2);
    for password in passwords {
        assert!(!said.contains(&password), "{said}");
    }
}

// LG-02
#[test]
fn a_store_that_cannot_be_used_is_refused_without_its_password() {
    let place = Place::new();
    for (arguments, code, part) in [
        (
            ["--database", "postgres://ada:hunter2@127.0.0.1:1/auth"],
            5,
            "cannot be reached",
        ),
        (
            ["--database", "mysql://ada:hunter2@127.0.0.1/auth"],
            2,
            "expected sqlite:PATH",
        ),
        (
            ["--database", "postgres://ada:hunter2#@127.0.0.1/auth"],
            2,
            "%XX",
        ),
        (["--database", "portcullis.db"], 2, "expected sqlite:PATH"),
        (
            ["--ephemeral", "redis://ada:hunter2@127.0.0.1:1"],
            5,
            "cannot be reached",
        ),
        (["--ephemeral", "rediss://ada:hunter2@127.0.0.1"], 2, "TLS"),
        (
            ["--ephemeral", "postgres://ada:hunter2@127.0.0.1/auth"],
            2,
            "expected redis://",
        ),
    ] {
        let ran = place
            .run(["serve", arguments[0], arguments[1]])
            .expect_code(code);
        assert!(ran.stderr.contains(part), "{ran:?}");
        assert!(!format!("{ran:?}").contains("hunter2"), "{ran:?}");
    }
}

#[test]
fn a_redis_that_evicts_is_refused() {
    let Some(mut stores) = Stores::postgres_and_redis() else {
        return;
    };
    stores
        .redis()
        .tell("CONFIG SET maxmemory-policy allkeys-lru");
    let ran = Place::on(&stores).run(["serve"]).expect_code(5);
    assert!(ran.stderr.contains("noeviction"), "{ran:?}");
}

#[test]
fn one_databases_keys_are_not_anothers() {
    let Some(stores) = Stores::postgres() else {
        return;
    };
    let (first, second) = (Place::on(&stores), Place::on(&stores));
    let planned = first.run(["migrate", "--plan"]).expect_code(0);
    assert!(planned.stdout.contains("would apply 0001"), "{planned:?}");
    drop(first.start());
    let nothing = first.run(["migrate", "--plan"]).expect_code(0);
    assert_eq!(nothing.stdout, "the database is up to date\n");

    let ran = second.run(["serve"]).expect_code(1);
    assert!(ran.stderr.contains("has no keys"), "{ran:?}");
    assert!(!second.keys().exists());
    let _made = second.run(["keys", "init"]).expect_code(0);
    let ran = second.run(["serve"]).expect_code(1);
    assert!(
        ran.stderr.contains("not the keys of this database"),
        "{ran:?}"
    );
}
