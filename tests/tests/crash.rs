//! A service that is killed without warning, again and again, over one data folder.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

use std::env;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use portcullis_tests::{Answer, ApiToken, Browser, Person, Place, Random, Service, until, verify};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

const SEED: u64 = 0x0005_eed0_f1c0_ffee;
const ROUNDS: u32 = 30;
const ROUNDS_LONG: u32 = 300;
/// So many rounds, one in this, must have ended with a request in flight, or the kills come at the wrong moments.
const IN_FLIGHT_ONE_IN: u32 = 6;

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    /// Never sent.
    Unsent,
    /// Sent, and no answer came: it may have happened.
    Unknown,
    /// Answered with success.
    Acknowledged,
}

/// What one person did in one round, as far as they know.
#[derive(Clone, Debug)]
struct History {
    person: Person,
    sign_up: Fate,
    verify: Fate,
    sign_in: Fate,
    create: Fate,
    revoke: Fate,
    sign_out: Fate,
    link: Option<String>,
    session: Option<String>,
    token: Option<ApiToken>,
}

/// The steps that a kill can come in: five requests, the wait for the mail, and a sign-in.
const STEPS: usize = 7;

/// Tells the killer that a step begins, and remembers when that was.
struct Steps {
    begun: Sender<usize>,
    at: Vec<Instant>,
}

impl Steps {
    const fn new(begun: Sender<usize>) -> Self {
        Self {
            begun,
            at: Vec::new(),
        }
    }

    fn next(&mut self) {
        // The killer stops listening once it has killed.
        let _unheard = self.begun.send(self.at.len());
        self.at.push(Instant::now());
    }
}

/// How long each step takes, as last seen: what a kill has to hit depends on the machine.
struct Pace([Duration; STEPS]);

impl Pace {
    fn learn(&mut self, at: &[Instant]) {
        for (took, pair) in self.0.iter_mut().zip(at.windows(2)) {
            *took = pair[1] - pair[0];
        }
    }

    /// A step, and a moment within it or shortly after.
    fn choose(&self, random: &Random) -> (usize, Duration) {
        let choice = random.below(STEPS as u64);
        let step = usize::try_from(choice).expect("a small number");
        let part = u32::try_from(random.below(120)).expect("a small number");
        (step, self.0[step] * part / 100)
    }
}

impl History {
    fn new(round: u32) -> Self {
        Self {
            person: Person::new(&format!("person-{round}")),
            sign_up: Fate::Unsent,
            verify: Fate::Unsent,
            sign_in: Fate::Unsent,
            create: Fate::Unsent,
            revoke: Fate::Unsent,
            sign_out: Fate::Unsent,
            link: None,
            session: None,
            token: None,
        }
    }

    /// From sign-up to sign-out, or to the kill; when each step began.
    fn run(&mut self, place: &Place, browser: &Browser, mut steps: Steps) -> Vec<Instant> {
        if self.live(place, browser, &mut steps).is_some() {
            steps.next();
        }
        steps.at
    }

    fn live(&mut self, place: &Place, browser: &Browser, steps: &mut Steps) -> Option<()> {
        let person = self.person.clone();
        steps.next();
        fate(&mut self.sign_up, || {
            browser.try_send("POST", "/auth/signup", Some(&person.sign_up()))
        })?;
        steps.next();
        let mail = until(Duration::from_secs(10), || {
            let gone = browser.try_send("GET", "/health/live", None).is_err();
            place
                .mails_to(&person.email)
                .pop()
                .map(Some)
                .or(gone.then_some(None))
        });
        let link = mail.flatten()?.token();
        self.link = Some(link.clone());
        steps.next();
        let body = serde_json::json!({ "token": link });
        fate(&mut self.verify, || {
            browser.try_send("POST", "/auth/signup/verify", Some(&body))
        })?;
        steps.next();
        fate(&mut self.sign_in, || {
            browser.try_send("POST", "/auth/sign-in", Some(&person.sign_in()))
        })?;
        self.session = browser.cookie("portcullis");
        steps.next();
        let described = ApiToken::described("canary");
        let made = fate(&mut self.create, || {
            browser.try_send("POST", "/auth/api-tokens", Some(&described))
        })?;
        let token = ApiToken::read(&made);
        self.token = Some(token.clone());
        steps.next();
        let path = format!("/auth/api-tokens/{}", token.id);
        fate(&mut self.revoke, || browser.try_send("DELETE", &path, None))?;
        steps.next();
        fate(&mut self.sign_out, || {
            browser.try_send("POST", "/auth/logout", None)
        })?;
        Some(())
    }

    /// Everything that was acknowledged is still so, and nothing that was used up works again.
    fn check(&self, place: &Place, service: &Service, stored: &Connection) {
        let email = &self.person.email;
        let browser = as_client(service.browser(), email);
        let shown = place.run(["user", "show", email, "--json"]);
        let state = (shown.code == 0).then(|| shown.json()["state"].clone());
        if self.sign_up == Fate::Acknowledged {
            assert!(state.is_some(), "the sign-up is lost: {self:?}");
            if self.link.is_none() {
                assert!(
                    is_mailed_or_queued(place, stored, email),
                    "the mail is lost: {self:?}"
                );
            }
        }
        if let Some(link) = &self.link {
            let is_active = state == Some(Value::from("active"));
            match self.verify {
                Fate::Acknowledged => assert!(is_active, "the proof is lost: {self:?}"),
                Fate::Unknown | Fate::Unsent => {
                    // Without the sign-up cookie, which is lost with the browser, a password has to come along.
                    let body =
                        serde_json::json!({ "token": link, "password": self.person.password });
                    let again = browser.post("/auth/signup/verify", &body);
                    assert_ne!(
                        again.is_success(),
                        is_active,
                        "twice or never: {self:?} {again:?}"
                    );
                }
            }
            let body = serde_json::json!({ "token": link, "password": "some other password" });
            let spent = browser.post("/auth/signup/verify", &body);
            assert!(!spent.is_success(), "a link worked twice: {self:?}");
            self.person.enter(&as_client(service.browser(), email));
        }
        if let Some(token) = &self.token {
            let status = check_auth(&token.bearer(browser.clone()));
            match self.revoke {
                Fate::Unsent => assert_eq!(status, 200, "the token is lost: {self:?}"),
                Fate::Unknown => assert!(matches!(status, 200 | 401), "{status}: {self:?}"),
                Fate::Acknowledged => assert_eq!(status, 401, "the revocation is lost: {self:?}"),
            }
        }
        if let Some(session) = &self.session {
            let cookie = format!("portcullis={session}");
            let status = browser
                .with_header("cookie", &cookie)
                .get("/auth/profile")
                .status;
            match self.sign_out {
                Fate::Unsent => assert_eq!(status, 200, "the session is lost: {self:?}"),
                Fate::Unknown => assert!(matches!(status, 200 | 401), "{status}: {self:?}"),
                Fate::Acknowledged => assert_eq!(status, 401, "the sign-out is lost: {self:?}"),
            }
        }
    }
}

/// Sends a request and keeps what became of it; nothing where it was not acknowledged.
fn fate(of: &mut Fate, send: impl FnOnce() -> Result<Answer, String>) -> Option<Answer> {
    *of = Fate::Unknown;
    let answer = send().ok()?;
    assert!(answer.is_success(), "refused, not killed: {answer:?}");
    *of = Fate::Acknowledged;
    Some(answer)
}

fn check_auth(browser: &Browser) -> u16 {
    browser.send("POST", "/auth/check-auth", None).status
}

/// Every person comes from an address of their own, so that no limit on one address stands in the way.
fn as_client(browser: Browser, email: &str) -> Browser {
    let number = email
        .bytes()
        .filter(u8::is_ascii_digit)
        .fold(0_u32, |number, digit| number * 10 + u32::from(digit - b'0'));
    let address = format!("198.18.{}.{}", number / 250, number % 250 + 1);
    browser.with_header("x-forwarded-for", &address)
}

fn is_mailed_or_queued(place: &Place, stored: &Connection, email: &str) -> bool {
    // The mail may go out between two looks: the queue is looked at first.
    let queued: u32 = stored
        .query_row(
            "SELECT count(*) FROM outbox WHERE recipient = ?",
            [email],
            |row| row.get(0),
        )
        .expect("an outbox");
    queued > 0 || !place.mails_to(email).is_empty()
}

fn look_inside(place: &Place) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    Connection::open_with_flags(place.database(), flags).expect("a database")
}

fn assert_intact(stored: &Connection) {
    let pragma = |name: &str| -> String {
        stored
            .query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
            .expect("an answer")
    };
    assert_eq!(pragma("integrity_check"), "ok");
    assert_eq!(pragma("journal_mode"), "wal");
    let broken = stored.query_row("PRAGMA foreign_key_check", [], |_| Ok(()));
    assert!(broken.is_err(), "a foreign key leads nowhere");
}

/// Waits for the step, then a little, then kills; when that was.
fn kill_at(service: Service, begun: &Receiver<usize>, step: usize, after: Duration) -> Instant {
    while let Ok(number) = begun.recv() {
        if number == step {
            break;
        }
    }
    let started = Instant::now();
    while let Some(left) = after.checked_sub(started.elapsed()) {
        thread::park_timeout(left);
    }
    let now = Instant::now();
    service.kill();
    now
}

/// A round without a kill, to learn how long the steps take.
fn undisturbed(place: &Place) -> Vec<Instant> {
    let service = place.start();
    let mut history = History::new(u32::from(u16::MAX));
    let browser = as_client(service.browser(), &history.person.email);
    let (begun, _nobody_kills) = mpsc::channel();
    history.run(place, &browser, Steps::new(begun))
}

// FT-01, FT-02
#[test]
fn nothing_acknowledged_is_lost_and_nothing_works_twice() {
    let long = env::var_os("PORTCULLIS_LONG").is_some();
    let rounds = if long { ROUNDS_LONG } else { ROUNDS };
    let random = Random::new(SEED);
    let config = format!(
        "trusted_proxies = [\"127.0.0.1/32\"]\n{}",
        portcullis_tests::DEFAULT_CONFIG
    );
    let place = Place::with_config(&config);
    let mut histories: Vec<History> = Vec::new();
    let mut in_flight = 0;
    let mut pace = Pace([Duration::ZERO; STEPS]);
    pace.learn(&undisturbed(&place));
    for round in 0..rounds {
        let service = place.start();
        let mut history = History::new(round);
        let browser = as_client(service.browser(), &history.person.email);
        let (begun, steps) = mpsc::channel();
        let (step, after) = pace.choose(&random);
        let (at, killed) = thread::scope(|scope| {
            let killer = scope.spawn(move || kill_at(service, &steps, step, after));
            let at = history.run(&place, &browser, Steps::new(begun));
            (at, killer.join().unwrap())
        });
        pace.learn(&at);
        // The last step had begun, and was never over.
        in_flight += u32::from(at.len() <= STEPS && at.last().is_some_and(|last| *last < killed));
        let service = place.start();
        let stored = look_inside(&place);
        assert_intact(&stored);
        history.check(&place, &service, &stored);
        histories.push(history);
        drop(stored);
        service.kill();
    }
    let service = place.start();
    let stored = look_inside(&place);
    for history in &histories {
        if history.sign_up == Fate::Acknowledged {
            let _mailed = place.await_mail_to(&history.person.email);
        }
        if let Some(link) = &history.link {
            let spent = verify(&as_client(service.browser(), &history.person.email), link);
            assert!(!spent.is_success(), "a link worked twice: {history:?}");
        }
    }
    assert_intact(&stored);
    println!("{in_flight} of {rounds} kills had a request in flight");
    assert!(in_flight * IN_FLIGHT_ONE_IN > rounds);
}
