//! The real binary under a clock that jumps.

#![expect(
    clippy::expect_used,
    reason = "a test fails by panicking, in its harness too"
)]

use portcullis_tests::{Browser, FakeClock, Pair, Person, Place, Service};
use serde_json::json;

/// Where a clock may find itself: a second, an hour and a day off, at its beginning, past 32 bits, and in the last year of
/// four digits.
const JUMPS: [&str; 10] = [
    "+1",
    "-1",
    "+3600",
    "-3600",
    "+86400",
    "-86400",
    "1970-01-01 00:00:05",
    "2038-01-19 03:14:05",
    "2106-02-07 06:28:14",
    "9999-12-31 00:00:00",
];

const NOW: &str = "+0";

fn check(browser: &Browser) -> u16 {
    browser.send("POST", "/auth/check-auth", None).status
}

/// What has ended, each for a reason of its own.
struct Ended {
    link: String,
    session: String,
    spent: Pair,
    newest: Pair,
}

impl Ended {
    fn make(place: &Place, service: &Service, who: &Person) -> Self {
        let browser = service.browser();
        let link = who.join(place, &browser);
        who.enter(&browser);
        let session = browser.cookie("portcullis").expect("a session");
        let _out = browser.send("POST", "/auth/logout", None).expect(204);
        let spent = Pair::issue(service, who);
        let newest = Pair::read(&spent.renew(service).expect(200));
        let out = newest.bearer(service).send("POST", "/auth/logout", None);
        let _out = out.expect(204);
        Self {
            link,
            session,
            spent,
            newest,
        }
    }

    fn assert_ended(&self, service: &Service, when: &str) {
        let cookie = format!("portcullis={}", self.session);
        let browser = service.browser().with_header("cookie", &cookie);
        assert_eq!(check(&browser), 401, "{when}");
        for pair in [&self.spent, &self.newest] {
            assert_eq!(check(&pair.bearer(service)), 401, "{when}");
            assert_eq!(pair.renew(service).status, 400, "{when}");
        }
        let link = json!({ "token": self.link });
        let again = service.browser().post("/auth/signup/verify", &link);
        assert_eq!(again.status, 400, "{when}: {again:?}");
    }
}

/// What people do all day works, somebody new among them.
fn assert_works(place: &Place, service: &Service, who: &Person, newcomer: &Person, when: &str) {
    for health in ["/health/live", "/health/ready"] {
        assert_eq!(service.browser().get(health).status, 200, "{when}");
    }
    let browser = service.browser();
    who.enter(&browser);
    assert_eq!(check(&browser), 200, "{when}");
    let pair = Pair::issue(service, who);
    let pair = Pair::read(&pair.renew(service).expect(200));
    assert_eq!(check(&pair.bearer(service)), 200, "{when}");
    newcomer.join(place, &service.browser());
}

/// When the service says that somebody signed in who does now.
fn signed_in_at(service: &Service, who: &Person) -> String {
    let browser = service.browser();
    who.enter(&browser);
    let sessions = browser.get("/auth/sessions").expect(200).json();
    let moment = sessions.pointer("/sessions/0/created_at");
    let moment = moment.and_then(|moment| moment.as_str());
    moment.expect("a moment").to_owned()
}

// FT-17
#[test]
fn the_whole_service_goes_on_wherever_the_machines_clock_jumps_and_nothing_that_ended_comes_back() {
    let Some(clock) = FakeClock::find() else {
        return;
    };
    let place = Place::new();
    let service = clock.start(&place);
    let (ada, eve) = (Person::new("ada"), Person::new("eve"));
    ada.join(&place, &service.browser());
    let ended = Ended::make(&place, &service, &eve);
    clock.set("1999-12-31 12:00:00");
    assert!(signed_in_at(&service, &ada).starts_with("1999-12-31T12:0"));
    for (number, jump) in JUMPS.into_iter().enumerate() {
        for (side, when) in [("there", jump), ("back", NOW)] {
            clock.set(when);
            let newcomer = Person::new(&format!("{side}-{number}"));
            let when = format!("{jump}, {side}");
            assert_works(&place, &service, &ada, &newcomer, &when);
            ended.assert_ended(&service, &when);
        }
    }
    let log = service.stderr();
    assert!(!log.contains("panicked"), "{log}");
}
