//! People of another system, from a file to the second sign-in, with the real binary.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use portcullis_tests::{Browser, Place, Ran};
use serde_json::{Value, json};

const COOKBOOK: &str = include_str!("../../docs/cookbook/import-users.md");
const PASSWORD: &str = "correct horse battery staple";

fn prepared() -> Place {
    let place = Place::new();
    let _made = place.run(["keys", "init"]).expect_code(0);
    let _made = place.run(["migrate"]).expect_code(0);
    place
}

/// The content of the first block of the cookbook's page in a language.
fn block(language: &str) -> &'static str {
    let start = format!("```{language}\n");
    let (_, rest) = COOKBOOK.split_once(&start).unwrap();
    rest.split_once("```").unwrap().0
}

/// Hashes of [`PASSWORD`], by system.
fn hashes() -> Vec<(String, String)> {
    let vectors = include_str!("../../crates/tokens/tests/vectors/foreign-hashes.json");
    let vectors: Value = serde_json::from_str(vectors).unwrap();
    let cases = vectors["cases"].as_array().unwrap();
    let mine = cases
        .iter()
        .filter(|case| case["password"] == PASSWORD && case["pepper"].is_null());
    mine.map(|case| {
        let text = |key: &str| case[key].as_str().unwrap().to_owned();
        (text("system"), text("hash"))
    })
    .collect()
}

fn stored(place: &Place) -> HashMap<String, String> {
    let database = rusqlite::Connection::open(place.database()).unwrap();
    let mut rows = database
        .prepare(
            "SELECT a.handle, f.config FROM accounts a JOIN factors f ON f.user_id = a.user_id",
        )
        .unwrap();
    let read = rows
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    read.map(Result::unwrap).collect()
}

fn sign_in(browser: &Browser, who: &str, password: &str) -> u16 {
    let body = json!({ "identifier": who, "password": password });
    browser.post("/auth/sign-in", &body).status
}

// PW-12
#[test]
fn people_of_every_system_sign_in_and_their_hashes_are_replaced_once() {
    let place = prepared();
    let hashes = hashes();
    assert!(hashes.len() > 20);
    let mut lines = String::new();
    for (number, (_, hash)) in hashes.iter().enumerate() {
        let email = format!("p{number}@example.com");
        let line = json!({ "email": email, "verified": true, "password_hash": hash });
        writeln!(lines, "{line}").unwrap();
    }
    fs::write(place.path().join("people.jsonl"), lines).unwrap();
    let service = place.start();
    // Beside the running service.
    let report = place
        .run(["user", "import", "people.jsonl", "--json"])
        .json();
    assert_eq!(report["imported"], hashes.len());
    assert_eq!(report["refused"], 0);
    for config in stored(&place).values() {
        assert!(config.contains("$imported$v=1$"), "{config}");
    }

    for (number, (system, _)) in hashes.iter().enumerate() {
        let email = format!("p{number}@example.com");
        assert_eq!(
            sign_in(&service.browser(), &email, "not the right password"),
            401,
            "{system}"
        );
        assert_eq!(
            sign_in(&service.browser(), &email, PASSWORD),
            200,
            "{system}"
        );
        let config = stored(&place).remove(&email).unwrap();
        assert!(
            config.contains("$argon2id$v=19$m=7168,t=5"),
            "{system}: {config}"
        );
        assert_eq!(
            sign_in(&service.browser(), &email, PASSWORD),
            200,
            "{system}"
        );
        assert_eq!(stored(&place).remove(&email), Some(config), "{system}");
        let rehashed = [
            "audit",
            "query",
            "--type",
            "password_rehashed",
            "--user",
            &email,
            "--json",
        ];
        assert_eq!(
            place.run(rehashed).json().as_array().unwrap().len(),
            1,
            "{system}"
        );
    }
}

#[test]
fn the_cookbooks_commands_do_what_it_says() {
    let place = prepared();
    fs::write(place.path().join("people.csv"), block("csv")).unwrap();
    let mut said = String::new();
    for command in block("sh").lines() {
        let arguments = command.strip_prefix("portcullis ").unwrap().split(' ');
        said = place.run(arguments).expect_code(0).stdout;
        if command.ends_with("--dry-run") {
            assert!(
                said.starts_with("nothing was written; it would be\nimported  3"),
                "{said}"
            );
            assert!(stored(&place).is_empty());
        }
    }
    assert_eq!(said, block("text"));
    let again = place.run(["user", "import", "people.csv", "--json"]).json();
    assert_eq!(
        (&again["imported"], &again["existed"]),
        (&json!(0), &json!(3))
    );

    let mut service = place.start();
    for who in ["ada@example.com", "bob@example.com"] {
        assert_eq!(sign_in(&service.browser(), who, PASSWORD), 200, "{who}");
    }
    let eve = place
        .run(["user", "show", "eve@example.com", "--json"])
        .json();
    assert_eq!(eve["state"], "candidate");
    // What is due is delivered before it ends.
    service.terminate();
    assert!(service.await_end(Duration::from_secs(30)).success());
    for who in ["ada@example.com", "eve@example.com"] {
        assert!(place.mails_to(who).is_empty(), "an import sends no mail");
    }
}

fn import(place: &Place, file: &str, content: &str, options: &[&str]) -> Ran {
    fs::write(place.path().join(file), content).unwrap();
    let arguments = ["user", "import", file, "--json"];
    place.run(arguments.iter().chain(options))
}

fn reasons(ran: &Ran) -> HashMap<String, Vec<u64>> {
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let reasons = report["reasons"].as_array().unwrap().iter();
    reasons
        .map(|reason| {
            let lines = reason["lines"].as_array().unwrap().iter();
            let name = reason["reason"].as_str().unwrap().to_owned();
            (name, lines.map(|line| line.as_u64().unwrap()).collect())
        })
        .collect()
}

// PW-10
#[test]
fn a_bad_line_is_named_and_stops_no_other() {
    let place = prepared();
    let content = "\
email,username,verified,password_hash,name,state
a@example.com,,true,$6$salt$digest,,
b@example.com,,true,$2b$31$abcdefghijklmnopqrstuuFiPhXf1sVd3pCCRO.uVh34H/qI/ZsuS,,
c@example.com,,true,hunter2hunter2,,
not an address,,true,,,
e@example.com,,maybe,,,
f@example.com,,true,,,archived
,,,,nobody,
h@example.com,,true
i@example.com,ida,true,,\"Ida
j@example.com,,true,,an injected person,\",
j@example.com,ida,true,,,
k@example.com,,true,,,
";
    let ran = import(&place, "people.csv", content, &[]);
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(!ran.stdout.contains("hunter2"));
    let expected: HashMap<String, Vec<u64>> = [
        ("password_hash: sha512-crypt hashes are not taken over", 2),
        (
            "password_hash: the cost of this bcrypt hash is above the ceiling",
            3,
        ),
        ("password_hash: not a password hash of a known form", 4),
        (
            "email: the identifier has a character that is not allowed",
            5,
        ),
        ("verified: neither true nor false", 6),
        ("state: neither active nor suspended", 7),
        ("one e-mail address, one user name, or both are needed", 8),
        ("another number of fields than the header has", 9),
        ("conflict: an identifier is somebody else's", 12),
    ]
    .map(|(reason, line)| (reason.to_owned(), vec![line]))
    .into();
    let mut found = reasons(&ran);
    // The parser names what is wrong with an address more closely than this test wants to know.
    let email = found
        .keys()
        .find(|reason| reason.starts_with("email: "))
        .cloned();
    let email = email.and_then(|reason| found.remove(&reason));
    found.insert(
        "email: the identifier has a character that is not allowed".to_owned(),
        email.unwrap(),
    );
    assert_eq!(found, expected);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (&report["imported"], &report["lines"]),
        (&json!(2), &json!(11))
    );
    // A quoted line end is part of a name, and never a person of its own.
    let people = place.run(["user", "list", "--json"]).json();
    let names: Vec<&str> = people
        .as_array()
        .unwrap()
        .iter()
        .map(|person| person["identifiers"][0]["value"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names.contains(&"i@example.com") && names.contains(&"k@example.com"));
}

#[test]
fn strict_stops_at_the_first_bad_line() {
    let place = prepared();
    let content = "{\"email\":\"a@example.com\"}\nnonsense\n{\"email\":\"c@example.com\"}\n";
    let ran = import(&place, "people.jsonl", content, &["--strict"]);
    assert_eq!(ran.code, 4);
    assert_eq!(reasons(&ran)["not a JSON object"], [2]);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["complete"], false);
    assert_eq!(report["imported"], 1);
}

#[test]
fn clear_text_unknown_columns_and_endless_records_are_refused() {
    let place = prepared();
    for (file, content, code, part) in [
        (
            "a.csv",
            "email,password\na@example.com,secret\n".to_owned(),
            2,
            "clear text",
        ),
        (
            "b.csv",
            "email,shoe_size\n".to_owned(),
            2,
            "unknown: `shoe_size`",
        ),
        (
            "c.csv",
            "name\n".to_owned(),
            2,
            "neither `email` nor `username`",
        ),
        ("d.csv", "email,email\n".to_owned(), 2, "twice"),
        (
            "e.csv",
            format!("email\n\"{}", "x".repeat(1 << 20)),
            2,
            "never closed",
        ),
        ("f.txt", String::new(), 2, "--format"),
        (
            "g.jsonl",
            "{\"email\":\"a@example.com\",\"password\":\"secret\"}\n".to_owned(),
            4,
            "",
        ),
        ("h.jsonl", format!("{}\n", "x".repeat(1 << 20)), 4, ""),
    ] {
        let ran = import(&place, file, &content, &[]);
        assert_eq!(ran.code, code, "{ran:?}");
        assert!(ran.stderr.contains(part), "{ran:?}");
        assert!(
            !ran.stderr.contains("secret") && !ran.stdout.contains("secret"),
            "{ran:?}"
        );
    }
    assert_eq!(place.run(["user", "list", "--json"]).json(), json!([]));
    let nowhere = import(&place, "i.csv", "email\n", &["--tenant", "nowhere"]);
    assert_eq!(nowhere.code, 3, "{nowhere:?}");
}

#[test]
fn another_systems_pepper_comes_from_a_file() {
    let place = prepared();
    let vectors = include_str!("../../crates/tokens/tests/vectors/foreign-hashes.json");
    let vectors: Value = serde_json::from_str(vectors).unwrap();
    let cases = vectors["cases"].as_array().unwrap();
    let devise = cases
        .iter()
        .find(|case| !case["pepper"].is_null() && case["password"] == PASSWORD)
        .unwrap();
    let pepper = devise["pepper"].as_str().unwrap();
    fs::write(place.path().join("pepper"), format!("{pepper}\n")).unwrap();
    let hash = devise["hash"].as_str().unwrap();
    let content = format!("email,verified,password_hash\nada@example.com,t,{hash}\n");
    let ran = import(&place, "people.csv", &content, &["--pepper-file", "pepper"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let service = place.start();
    assert_eq!(
        sign_in(&service.browser(), "ada@example.com", PASSWORD),
        200
    );
}
