//! A service whose database file is taken away, and brought back.

#![expect(
    clippy::expect_used,
    reason = "a test fails by panicking, in its harness too"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_tests::{Browser, Person, Place, until};

const WITHIN: Duration = Duration::from_secs(60);

/// The database, its log and its shared memory.
fn files(place: &Place) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|end| {
        let mut name = place.database().into_os_string();
        name.push(end);
        name.into()
    })
}

fn await_status(browser: &Browser, path: &str, status: u16) {
    let found = until(WITHIN, || {
        (browser.get(path).status == status).then_some(())
    });
    assert!(found.is_some(), "{path} is never {status}");
}

// FT-05
#[test]
fn a_database_that_is_removed_under_the_service_is_503_and_loud_and_its_return_ends_that() {
    let place = Place::new();
    let service = place.start();
    let (ada, browser) = (Person::new("ada"), service.browser());
    ada.join(&place, &browser);
    ada.enter(&browser);
    let away = place.path().join("away");
    fs::create_dir(&away).expect("a folder");
    let moved = |file: &PathBuf| away.join(file.file_name().expect("a file"));
    for file in files(&place) {
        fs::rename(&file, moved(&file)).expect("a database to move");
    }

    // The write notices at once, and from then on every read.
    let eve = Person::new("eve");
    let _outage = browser.post("/auth/signup", &eve.sign_up()).expect(503);
    let _outage = browser.get("/auth/profile").expect(503);
    let _outage = browser.post("/auth/sign-in", &ada.sign_in()).expect(503);
    let _outage = browser.get("/health/ready").expect(503);
    let _alive = browser.get("/health/live").expect(200);
    service.await_log("the database file was removed or replaced");
    assert!(!place.database().exists(), "nothing was made in its place");

    // Back in its place, it is gone on with: nobody has to sign in again.
    for file in files(&place) {
        fs::rename(moved(&file), &file).expect("a database to bring back");
    }
    await_status(&browser, "/auth/profile", 200);
    await_status(&browser, "/health/ready", 200);
    service.await_log("the database file is back");
    assert!(browser.post("/auth/signup", &eve.sign_up()).is_success());
}

// FT-05
#[test]
fn a_service_without_its_database_notices_by_itself_and_does_not_start_anew() {
    let place = Place::new();
    let service = place.start();
    let (ada, browser) = (Person::new("ada"), service.browser());
    ada.join(&place, &browser);
    ada.enter(&browser);
    for file in files(&place) {
        fs::remove_file(file).expect("a database to remove");
    }
    // Nobody writes; the worker looks for mail all the same.
    await_status(&browser, "/health/ready", 503);
    let _outage = browser.get("/auth/profile").expect(503);
    service.kill();
    let refused = place.run(["serve"]);
    assert_ne!(refused.code, 0, "{refused:?}");
    assert!(refused.stderr.contains("database"), "{refused:?}");
    assert!(!place.database().exists(), "nothing was made in its place");
}

/// Lets nobody write the database and its folder, or its owner again.
fn let_write(place: &Place, allowed: bool) {
    let (file, folder) = if allowed {
        (0o600, 0o700)
    } else {
        (0o400, 0o500)
    };
    let set = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions");
    };
    for path in files(place).iter().filter(|path| path.exists()) {
        set(path, file);
    }
    set(&place.data(), folder);
}

// FT-05
#[test]
fn a_service_that_may_not_write_its_database_does_not_start_and_says_why() {
    let place = Place::new().bound_by_permissions();
    let mut service = place.start();
    let ada = Person::new("ada");
    ada.join(&place, &service.browser());
    service.terminate();
    assert!(service.await_end(WITHIN).success());
    let_write(&place, false);
    let refused = place.run(["serve"]);
    let_write(&place, true);
    assert_ne!(refused.code, 0, "{refused:?}");
    let why = &refused.stderr;
    assert!(
        why.contains("portcullis.db") && why.contains("read-only"),
        "{why}"
    );
    let service = place.start();
    ada.enter(&service.browser());
}

// FT-05
#[test]
fn what_is_answered_after_the_permission_to_write_is_lost_is_503_or_kept() {
    let place = Place::new().bound_by_permissions();
    let service = place.start();
    let people = ["ada", "eve", "joan"].map(Person::new);
    let [ada, ..] = &people;
    ada.join(&place, &service.browser());
    let_write(&place, false);
    let mut kept = Vec::new();
    for person in &people {
        let answer = service.browser().post("/auth/signup", &person.sign_up());
        match answer.status {
            202 => kept.push(&person.email),
            503 => {}
            other => panic!("{other}: {answer:?}"),
        }
        let _alive = service.browser().get("/health/live").expect(200);
    }
    service.kill();
    let_write(&place, true);
    let service = place.start();
    ada.enter(&service.browser());
    for email in kept {
        let _there = place.run(["user", "show", email]).expect_code(0);
    }
}
