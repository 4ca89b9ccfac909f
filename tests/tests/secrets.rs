//! Nothing secret in logs, output or database, at any level of detail.

#![expect(clippy::expect_used, reason = "helpers of tests fail by panicking")]

use std::fs;
use std::time::Duration;

use portcullis_tests::{Answer, ApiToken, DEFAULT_CONFIG, Mail, Person, Place, until, verify};
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
        for (place, bytes) in &all {
            for secret in secrets {
                if let Some(at) = find(bytes, secret) {
                    panic!("`{secret}` stands in {place}: {}", around(bytes, at));
                }
            }
        }
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
