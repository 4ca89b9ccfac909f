//! A service whose database file is taken away, and brought back.

use std::fs;
use std::path::PathBuf;
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
