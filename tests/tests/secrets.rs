//! Nothing secret in logs, output or database, at any level of detail.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]

use std::fs;
use std::time::Duration;

use portcullis_testing::webhook::{ReceivedWebhook, WebhookMode, WebhookSecurity, WebhookServer};
use portcullis_tests::{
    Answer, ApiToken, DEFAULT_CONFIG, Mail, Person, Place, token_in, until, verify,
};
use serde_json::{Value, json};

/// Where `needle` stands in `bytes`.
fn find(bytes: &[u8], needle: &str) -> Option<usize> {
    let needle = needle.as_bytes();
    bytes
        .windows(needle.len())
        .position(|window| window == needle)
}

/// The text around a find, for the failure's message.
fn around(bytes: &[u8], at: usize) -> String {
    let part = bytes.get(at.saturating_sub(80)..bytes.len().min(at + 80));
    String::from_utf8_lossy(part.unwrap_or_default()).into_owned()
}

/// Everything that the service writes but the mail: both outputs, and every file of the data folder.
fn written(place: &Place, outputs: [String; 2]) -> Vec<(String, Vec<u8>)> {
    let [stdout, stderr] = outputs;
    let mut all = vec![
        ("stdout".to_owned(), stdout.into_bytes()),
        ("stderr".to_owned(), stderr.into_bytes()),
    ];
    for entry in fs::read_dir(place.data()).expect("a data folder") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            let bytes = fs::read(&path).expect("a readable file");
            all.push((path.display().to_string(), bytes));
        }
    }
    all
}

fn assert_nowhere(all: &[(String, Vec<u8>)], secrets: &[&str]) {
    for (place, bytes) in all {
        for secret in secrets {
            if let Some(at) = find(bytes, secret) {
                panic!("`{secret}` stands in {place}: {}", around(bytes, at));
            }
        }
    }
}

fn secret(answer: &Answer, field: &str) -> String {
    let text = answer
        .json()
        .get(field)
        .and_then(Value::as_str)
        .map(str::to_owned);
    text.expect("a token in the answer")
}

// LG-02, LG-07, SE-01, OT-02, AK-02
#[test]
fn no_secret_is_logged_or_stored() {
    let place = Place::new();
    let variables = [
        ("RUST_LOG", "trace"),
        ("PORTCULLIS_POLICY__EMAIL_CODE", "true"),
    ];
    let mut service = place.start_with(&[], &variables);
    let mut ada = Person::new("ada");
    ada.password = "canary-password-4711-canary".to_owned();
    let browser = service.browser();
    let signed_up = browser.post("/auth/signup", &ada.sign_up());
    assert!(signed_up.is_success(), "{signed_up:?}");
    let sign_up_cookie = browser.cookie("portcullis-signup").unwrap();
    let link = place.await_mail_to(&ada.email).token();
    assert!(verify(&browser, &link).is_success());
    ada.enter(&browser);
    let session = browser.cookie("portcullis").unwrap();
    let api_token = ApiToken::create(&browser, "canary");
    let bearer = api_token.bearer(service.browser());
    let _good = bearer.send("POST", "/auth/check-auth", None).expect(200);
    let pair = browser.post("/auth/token", &ada.sign_in()).expect(200);
    let refreshed = json!({ "refresh_token": secret(&pair, "refresh_token") });
    let next = browser.post("/auth/refresh", &refreshed).expect(200);
    let access = format!("Bearer {}", secret(&next, "access_token"));
    let caller = service.browser().with_header("authorization", &access);
    let _good = caller.send("POST", "/auth/check-auth", None).expect(200);
    let asked = json!({ "email": ada.email });
    let sent = service.browser().post("/auth/email-code/send", &asked);
    let ticket = secret(&sent.expect(202), "ticket");
    let mailed = || place.mails_to(&ada.email).iter().find_map(Mail::code);
    let code = until(Duration::from_secs(100), mailed).unwrap();
    let typed = json!({ "code": code, "ticket": ticket });
    let entered = service.browser().post("/auth/email-code/verify", &typed);
    assert!(entered.is_success(), "{entered:?}");

    // Wrong ones are secrets too: they are somebody's password, mistyped or in the wrong field.
    let mut wrong = ada.clone();
    wrong.password = "canary-mistyped-4712-canary".to_owned();
    let _wrong = browser.post("/auth/sign-in", &wrong.sign_in()).expect(401);
    let mut misplaced = ada.clone();
    misplaced.email = "canary-misplaced-4713-canary".to_owned();
    let _wrong = browser.post("/auth/sign-in", &misplaced.sign_in());
    let forged = "pcl_pat_canary4714canary4714canary4714canary4714canary";
    let forger = service.browser().with_header("x-api-key", forged);
    let _refused = forger.send("POST", "/auth/check-auth", None).expect(401);
    let created = place.run_with(
        "canary-operator-4715-canary\n",
        &[("RUST_LOG", "trace")],
        ["user", "create", "bob@example.com"],
    );
    let created = created.expect_code(0);
    let out = browser.send("POST", "/auth/logout", None);
    assert!(out.is_success(), "{out:?}");

    // Once while it runs, with the write-ahead log as it is, and once after an orderly end.
    let secrets = [
        ada.password.as_str(),
        &wrong.password,
        &misplaced.email,
        "canary-operator-4715-canary",
        &sign_up_cookie,
        &link,
        &ticket,
        &code,
        &session,
        &api_token.token,
        &secret(&pair, "access_token"),
        &secret(&pair, "refresh_token"),
        &secret(&next, "access_token"),
        &secret(&next, "refresh_token"),
        forged,
    ];
    for round in 0..2 {
        if round == 1 {
            service.terminate();
            service.await_end(Duration::from_secs(60));
        }
        let mut all = written(&place, [service.stdout(), service.stderr()]);
        all.push(("user create".into(), format!("{created:?}").into_bytes()));
        assert_nowhere(&all, &secrets);
        // The search finds what there is.
        let database = all.iter().find(|(place, _)| place.ends_with(".db"));
        let wal = all.iter().find(|(place, _)| place.ends_with("-wal"));
        let has_email = |file: Option<&(String, Vec<u8>)>| {
            file.is_some_and(|(_, bytes)| find(bytes, &ada.email).is_some())
        };
        assert!(has_email(database) || has_email(wal));
    }
    assert!(
        service.stderr().contains("DEBUG"),
        "the level was not what it was set to"
    );
}

/// The next message to an address that has a link.
fn next_link(receiver: &WebhookServer, to: &str, known: &mut Vec<String>) -> String {
    let link_in = |message: &ReceivedWebhook| {
        let message = message.json();
        let field = |name: &str| message.pointer(name).and_then(Value::as_str);
        let token = token_in(field("/data/text").unwrap_or_default())?;
        (field("/data/to") == Some(to) && !known.contains(&token)).then_some(token)
    };
    let within = Duration::from_secs(100);
    let message = receiver.await_message(within, |message| link_in(message).is_some());
    let token = link_in(&message.expect("a message")).expect("a link");
    known.push(token.clone());
    token
}

// LG-02, LG-07
#[test]
fn no_link_password_or_key_of_an_account_is_logged_or_stored_on_its_way() {
    const WEBHOOK: &str = "whsec_Q0FOQVJZNDcyMENBTkFSWTQ3MjBDQU5BUlk0NzIwQ0E=";
    let receiver = WebhookServer::start(WebhookSecurity::Plain).unwrap();
    let captcha = WebhookServer::start(WebhookSecurity::Plain).unwrap();
    captcha.set(WebhookMode::Json(200, r#"{"success": true}"#.to_owned()));
    let config = format!(
        "log = \"trace\"\n{DEFAULT_CONFIG}\n[mail]\nkind = \"webhook\"\n[mail.webhook]\nurl = {:?}\n\
         [captcha]\nprovider = \"hcaptcha\"\nurl = {:?}\n",
        receiver.url(),
        captcha.url()
    );
    let place = Place::with_config(&config);
    let variables = [
        ("PORTCULLIS_MAIL__WEBHOOK__SECRET", WEBHOOK),
        ("PORTCULLIS_CAPTCHA__SECRET", "canary-captcha-4721-canary"),
    ];
    let mut service = place.start_with(&[], &variables);
    let (mut ada, browser, mut links) = (Person::new("ada"), service.browser(), Vec::new());
    ada.password = "canary-first-4722-canary".to_owned();
    let with_captcha = |mut body: Value| {
        let fields = body.as_object_mut().expect("an object");
        fields.insert("captcha".into(), "canary-response-4723-canary".into());
        body
    };
    let _accepted = browser
        .post("/auth/signup", &with_captcha(ada.sign_up()))
        .expect(202);
    let link = next_link(&receiver, &ada.email, &mut links);
    assert!(verify(&browser, &link).is_success());

    let asked = with_captcha(json!({ "email": ada.email }));
    let _accepted = browser.post("/auth/password/forgot", &asked).expect(202);
    let link = next_link(&receiver, &ada.email, &mut links);
    ada.password = "canary-second-4724-canary".to_owned();
    let reset = json!({ "token": link, "password": ada.password });
    let _set = browser.post("/auth/password/reset", &reset).expect(204);
    let device = browser.cookie("portcullis-device").unwrap();
    ada.enter(&browser);
    let change = json!({
        "current_password": ada.password, "new_password": "canary-third-4725-canary",
    });
    let _changed = browser.post("/auth/password/change", &change).expect(204);
    let wrong = json!({ "password": "canary-wrong-4726-canary" });
    let _refused = browser.post("/auth/step-up", &wrong).expect(403);
    let moved = json!({ "email": "lovelace@example.com" });
    let _accepted = browser
        .post("/auth/email/change/request", &moved)
        .expect(202);
    let link = next_link(&receiver, "lovelace@example.com", &mut links);
    let _moved = browser
        .post("/auth/email/change/confirm", &json!({ "token": link }))
        .expect(204);
    let asked = with_captcha(json!({ "email": "lovelace@example.com" }));
    let _accepted = browser.post("/auth/magic-link/send", &asked).expect(202);
    let link = next_link(&receiver, "lovelace@example.com", &mut links);
    let _in = browser
        .post("/auth/magic-link/verify", &json!({ "token": link }))
        .expect(200);
    let session = browser.cookie("portcullis").unwrap();

    service.terminate();
    service.await_end(Duration::from_secs(60));
    let all = written(&place, [service.stdout(), service.stderr()]);
    let mut secrets = vec![
        "canary-first-4722-canary",
        "canary-second-4724-canary",
        "canary-third-4725-canary",
        "canary-wrong-4726-canary",
        "canary-captcha-4721-canary",
        "canary-response-4723-canary",
        WEBHOOK,
        &device,
        &session,
    ];
    secrets.extend(links.iter().map(String::as_str));
    assert_nowhere(&all, &secrets);
    assert!(
        service.stderr().contains("TRACE"),
        "the level was not what it was set to"
    );
}

// LG-03
#[test]
fn whatever_a_client_sends_a_log_line_stays_one_line() {
    let place = Place::with_config(&format!(
        "log_format = \"json\"\nlog = \"trace\"\n{DEFAULT_CONFIG}"
    ));
    let mut service = place.start();
    let hostile = "a\u{1b}[31m\u{202e}b\u{2028}c";
    let mut eve = Person::new("eve");
    eve.email = format!("eve{hostile}\r\nforged: line@example.com");
    // No client sends control characters in a header, and no server takes them.
    let agent = hostile.replace('\u{1b}', "");
    let browser = service.browser().with_header("user-agent", &agent);
    let _refused = browser.post("/auth/signup", &eve.sign_up());
    let _refused = browser.post("/auth/sign-in", &eve.sign_in());
    let _missing = browser.get("/auth/%0d%0aforged").expect(404);
    service.terminate();
    service.await_end(Duration::from_secs(60));
    let log = service.stderr();
    assert!(log.lines().count() > 3, "{log}");
    for line in log.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(event["level"].is_string(), "{line}");
        assert!(!line.contains(['\u{1b}', '\u{202e}', '\u{2028}']), "{line}");
    }
    let events = place.run(["audit", "query"]).expect_code(0).stdout;
    assert!(!events.contains("forged"), "{events}");
    assert!(
        !events.contains(['\u{1b}', '\u{202e}', '\u{2028}']),
        "{events}"
    );
}
