//! Each command, its JSON, its exit codes, and what it does beside a running service.

use std::fs;

use portcullis_tests::{DEFAULT_CONFIG, Person, Place, Ran};
use serde_json::{Value, json};

const DONE: i32 = 0;
const FAILURE: i32 = 1;
const USAGE: i32 = 2;
const NOT_FOUND: i32 = 3;
const REFUSED: i32 = 4;
const UNAVAILABLE: i32 = 5;

const PASSWORD: &str = "correct horse battery staple\n";

/// Ended with `code`, said nothing on standard output, and one sentence on standard error that has `part` in it.
#[track_caller]
fn refused(ran: &Ran, code: i32, part: &str) {
    assert_eq!(ran.code, code, "{ran:?}");
    assert_eq!(ran.stdout, "", "{ran:?}");
    assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
    assert!(ran.stderr.contains(part), "{ran:?}");
}

/// A folder with keys and an empty database, and no service.
fn prepared() -> Place {
    let place = Place::new();
    let _made = place.run(["keys", "init"]).expect_code(DONE);
    let _made = place.run(["migrate"]).expect_code(DONE);
    place
}

fn create(place: &Place, email: &str) -> Ran {
    place.run_with(PASSWORD, &[], ["user", "create", email, "--json"])
}

// PW-16
#[test]
fn a_fresh_database_has_nobody() {
    let place = prepared();
    assert_eq!(place.run(["user", "list", "--json"]).json(), json!([]));
    let plain = place.run(["user", "list"]).expect_code(DONE);
    assert_eq!(plain.stdout, "");
}

// PW-16
#[test]
fn a_database_without_keys_is_refused_and_no_key_is_made() {
    let place = Place::new();
    let _made = place.run(["migrate"]).expect_code(DONE);
    for arguments in [vec!["serve"], vec![], vec!["user", "list"]] {
        refused(&place.run(arguments), FAILURE, "has no keys");
    }
    assert!(!place.keys().exists());
}

// PW-16
#[test]
fn lost_keys_are_not_replaced() {
    let place = Place::new();
    place.start().kill();
    let kept = fs::read(place.keys()).unwrap();
    fs::remove_file(place.keys()).unwrap();
    refused(&place.run(["serve"]), FAILURE, "put its key file back");
    assert!(!place.keys().exists());
    // Others are not taken for them.
    let _other = place.run(["keys", "init"]).expect_code(DONE);
    assert_ne!(fs::read(place.keys()).unwrap(), kept);
    refused(
        &place.run(["serve"]),
        FAILURE,
        "not the keys of this database",
    );
    refused(
        &place.run(["user", "list"]),
        FAILURE,
        "not the keys of this database",
    );
}

#[test]
fn a_lost_database_is_not_replaced() {
    let place = Place::new();
    place.start().kill();
    fs::remove_file(place.database()).unwrap();
    refused(&place.run(["serve"]), UNAVAILABLE, "no database");
    assert!(!place.database().exists());
    fs::write(place.database(), "").unwrap();
    refused(&place.run(["serve"]), UNAVAILABLE, "has no tables");
    refused(
        &place.run(["user", "list"]),
        UNAVAILABLE,
        "portcullis migrate",
    );
}

// PW-16
#[test]
fn keys_are_never_overwritten() {
    let place = Place::new();
    let made = place.run(["keys", "init", "--json"]).json();
    assert!(made["keys"].as_str().unwrap().ends_with("keys.json"));
    let before = fs::read(place.keys()).unwrap();
    refused(&place.run(["keys", "init"]), REFUSED, "never overwritten");
    assert_eq!(fs::read(place.keys()).unwrap(), before);
}

#[cfg(unix)]
#[test]
fn a_first_start_makes_files_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let place = Place::new();
    let service = place.start();
    let ada = Person::new("ada");
    ada.join(&place, &service.browser());
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place.data()), 0o700);
    assert_eq!(mode(&place.data().join("outbox")), 0o700);
    assert_eq!(mode(&place.keys()), 0o600);
    assert_eq!(mode(&place.database()), 0o600);
}

#[test]
fn migrate_plans_before_it_acts() {
    let place = Place::new();
    let plan = place.run(["migrate", "--plan", "--json"]).json();
    assert_eq!(plan["planned"], true);
    assert_eq!(plan["migrations"][0]["number"], 1);
    assert!(!place.database().exists());
    let done = place.run(["migrate", "--json"]).json();
    assert_eq!(done["planned"], false);
    assert_eq!(done["migrations"], plan["migrations"]);
    let again = place.run(["migrate", "--json"]).json();
    assert_eq!(again["migrations"], json!([]));
    let text = place.run(["migrate", "--plan"]).expect_code(DONE);
    assert_eq!(text.stdout, "the database is up to date\n");
}

#[test]
fn a_newer_database_is_refused() {
    let place = prepared();
    let database = rusqlite::Connection::open(place.database()).unwrap();
    let newer = "INSERT INTO schema_migrations (number, name, checksum) VALUES (999, 'later', 'x')";
    database.execute(newer, []).unwrap();
    drop(database);
    for arguments in [vec!["serve"], vec!["user", "list"], vec!["migrate"]] {
        refused(&place.run(arguments), UNAVAILABLE, "999");
    }
}

#[test]
fn people_are_made_shown_and_switched_off() {
    let place = prepared();
    let ada = create(&place, "Ada@example.com").json();
    assert_eq!(ada["state"], "active");
    assert_eq!(ada["identifiers"][0]["value"], "Ada@example.com");
    assert_eq!(ada["identifiers"][0]["verified"], true);
    let id = ada["id"].as_str().unwrap();
    refused(&create(&place, "ada@EXAMPLE.com"), REFUSED, "already");
    let bob = create(&place, "bob@example.com").json();

    for who in [id, "ada@example.com"] {
        assert_eq!(place.run(["user", "show", who, "--json"]).json(), ada);
    }
    assert!(
        place
            .run(["user", "show", id])
            .stdout
            .contains("Ada@example.com")
    );
    let all = place.run(["user", "list", "--json"]).json();
    assert_eq!(all, json!([ada, bob]));
    let first = place.run(["user", "list", "--limit", "1", "--json"]).json();
    assert_eq!(first, json!([ada]));
    let rest = place.run(["user", "list", "--after", id, "--json"]).json();
    assert_eq!(rest, json!([bob]));

    let suspend = [
        "user",
        "suspend",
        id,
        "--reason",
        "left",
        "--until",
        "2999-01-31",
        "--json",
    ];
    let suspended = place.run(suspend).json();
    assert_eq!(suspended["state"], "suspended");
    assert_eq!(suspended["reason"], "left");
    assert_eq!(suspended["until"], "2999-01-31T00:00:00.000000Z");
    assert_eq!(
        place.run(["user", "activate", id, "--json"]).json()["state"],
        "active"
    );
    refused(&place.run(["user", "activate", id]), REFUSED, "active");
    assert_eq!(
        place.run(["user", "unlock", id, "--json"]).json()["state"],
        "active"
    );
    let export = place.run(["user", "export", id, "--json"]).json();
    assert_eq!(export["user"], ada["id"]);
    assert_eq!(export["identifiers"][0]["value"], "Ada@example.com");
    assert_eq!(export["factors"][0]["kind"], "password");
    assert!(!export.to_string().contains("$argon2"));
    let text = place.run(["user", "export", id]).expect_code(0).stdout;
    assert!(text.contains("\n  \"account\": {"), "{text}");
    for command in ["show", "suspend", "activate", "unlock", "export"] {
        for who in [
            "eve@example.com",
            "00000000-0000-7000-8000-000000000000",
            "\u{202e}",
        ] {
            refused(
                &place.run(["user", command, who]),
                NOT_FOUND,
                "nobody called",
            );
        }
    }
}

#[test]
fn a_password_comes_from_standard_input() {
    let place = prepared();
    let arguments = ["user", "create", "ada@example.com"];
    refused(&place.run_with("", &[], arguments), USAGE, "empty");
    refused(&place.run_with("\n", &[], arguments), USAGE, "empty");
    refused(
        &place.run_with("too short\n", &[], arguments),
        REFUSED,
        "15",
    );
    let long = "x".repeat(2000);
    refused(&place.run_with(&long, &[], arguments), USAGE, "longer");
    let not_an_address = ["user", "create", "ada"];
    refused(
        &place.run_with(PASSWORD, &[], not_an_address),
        USAGE,
        "address",
    );
    // Only its line's end is no part of it.
    let made = place.run_with("  spaces are kept  \r\nnext line\n", &[], arguments);
    let _made = made.expect_code(DONE);
    let service = place.start();
    let mut ada = Person::new("ada");
    ada.password = "spaces are kept".into();
    let refused = service.browser().post("/auth/sign-in", &ada.sign_in());
    assert_eq!(refused.status, 401);
    ada.password = "  spaces are kept  ".into();
    ada.enter(&service.browser());
}

#[test]
fn tokens_are_made_listed_and_revoked_beside_a_running_service() {
    let place = Place::new();
    let service = place.start();
    let _ada = create(&place, "ada@example.com").json();
    let who = "ada@example.com";
    let made = place.run([
        "token",
        "create",
        who,
        "--name",
        "ci",
        "--scope",
        "read",
        "--scope",
        "write",
        "--expires-in-days",
        "30",
        "--ip",
        "127.0.0.0/8",
        "--json",
    ]);
    let made = made.json();
    assert_eq!(made["scopes"], json!(["read", "write"]));
    assert_eq!(made["ip_allowlist"], json!(["127.0.0.0/8"]));
    let id = made["id"].as_str().unwrap();
    let token = made["token"].as_str().unwrap();
    let plain = place.run(["token", "create", who, "--name", "x", "--scope", "read"]);
    let plain = plain.expect_code(DONE);
    assert_eq!(plain.stdout.lines().count(), 1, "{plain:?}");

    let use_token = |token: &str| {
        let program = service
            .browser()
            .with_header("authorization", &format!("Bearer {token}"));
        program.send("POST", "/auth/check-auth", None).status
    };
    assert_eq!(
        (use_token(token), use_token(plain.stdout.trim())),
        (200, 200)
    );
    let listed = place.run(["token", "list", who, "--json"]).json();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert!(
        listed
            .as_array()
            .unwrap()
            .iter()
            .all(|token| token.get("token").is_none())
    );
    let revoked = place.run(["token", "revoke", who, id, "--json"]).json();
    assert_eq!(revoked, json!({ "id": id, "revoked": true }));
    assert_eq!(
        (use_token(token), use_token(plain.stdout.trim())),
        (401, 200)
    );

    refused(
        &place.run(["token", "revoke", who, id]),
        NOT_FOUND,
        "no live token",
    );
    refused(
        &place.run(["token", "revoke", who, token]),
        USAGE,
        "not the token itself",
    );
    refused(
        &place.run(["token", "list", "eve@example.com"]),
        NOT_FOUND,
        "nobody",
    );
    for (option, value) in [("--scope", "a b"), ("--ip", "10.0.0.0/33"), ("--name", "")] {
        let mut arguments = vec!["token", "create", who];
        for (name, good) in [("--name", "x"), ("--scope", "read")] {
            let value = if name == option { value } else { good };
            arguments.extend([name, value]);
        }
        if option == "--ip" {
            arguments.extend([option, value]);
        }
        assert_eq!(place.run(arguments).code, USAGE, "{option} {value}");
    }
    let too_long = [
        "token",
        "create",
        who,
        "--name",
        "x",
        "--scope",
        "a",
        "--expires-in-days",
        "36500",
    ];
    refused(&place.run(too_long), REFUSED, "expires_in");
}

// SE-12
#[test]
fn a_role_is_given_and_taken_by_command() {
    let place = prepared();
    let _ada = create(&place, "ada@example.com");
    let who = "ada@example.com";
    let roles = |command: &str, role: &str| {
        let shown = place.run(["user", command, who, role, "--json"]).json();
        shown["roles"].clone()
    };
    assert_eq!(roles("grant-role", "support"), json!(["support"]));
    assert_eq!(roles("grant-role", "admin"), json!(["admin", "support"]));
    assert_eq!(roles("grant-role", "admin"), json!(["admin", "support"]));
    assert_eq!(roles("revoke-role", "support"), json!(["admin"]));
    assert_eq!(roles("revoke-role", "support"), json!(["admin"]));
    let shown = place.run(["user", "show", who]).expect_code(DONE);
    assert!(shown.stdout.contains("roles         admin"), "{shown:?}");
    let wrong = place.run(["user", "grant-role", who, "Ad min"]);
    let wrong = wrong.expect_code(2);
    assert!(wrong.stderr.contains("lower-case letters"), "{wrong:?}");
    let nobody = place.run(["user", "grant-role", "bob@example.com", "admin"]);
    let _nobody = nobody.expect_code(3);
    let events = place.run(["audit", "query", "--json", "--type", "roles_changed"]);
    let details: Vec<Value> = events.json().as_array().unwrap().clone();
    let details: Vec<&Value> = details.iter().map(|event| &event["detail"]).collect();
    let expected = [
        json!({ "revoked": "support" }),
        json!({ "granted": "admin" }),
        json!({ "granted": "support" }),
    ];
    assert_eq!(details, expected.iter().collect::<Vec<_>>());
}

// LG-01
#[test]
fn the_audit_log_says_who_did_what() {
    let place = prepared();
    let ada = create(&place, "ada@example.com").json();
    let _bob = create(&place, "bob@example.com").json();
    let who = "ada@example.com";
    let _done = place.run(["user", "suspend", who]).expect_code(DONE);
    let query = |arguments: &[&str]| -> Value {
        let mut all = vec!["audit", "query", "--json"];
        all.extend(arguments);
        place.run(all).json()
    };
    let events = query(&["--user", who]);
    let kinds: Vec<&str> = events
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["account_state_changed", "account_opened"]);
    assert!(
        events
            .as_array()
            .unwrap()
            .iter()
            .all(|event| event["subject"] == ada["id"])
    );
    assert!(
        events
            .as_array()
            .unwrap()
            .iter()
            .all(|event| !event["actor"].is_null())
    );
    assert_eq!(
        query(&["--type", "account_opened"])
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(query(&["--limit", "1"]).as_array().unwrap().len(), 1);
    assert_eq!(query(&["--status", "failure"]), json!([]));
    assert_eq!(query(&["--until", "2020-01-01"]), json!([]));
    assert_eq!(query(&["--from", "2999-01-01T00:00:00Z"]), json!([]));
    let text = place
        .run(["audit", "query", "--user", who])
        .expect_code(DONE);
    assert_eq!(text.stdout.lines().count(), 2, "{text:?}");
    refused(
        &place.run(["audit", "query", "--user", "eve"]),
        NOT_FOUND,
        "nobody",
    );
}

#[test]
fn an_unknown_setting_is_refused_with_the_known_ones() {
    let place = Place::with_config("lisen = \"127.0.0.1:0\"\n");
    let ran = place.run(["serve"]);
    refused(&ran, USAGE, "unknown setting `lisen`");
    assert!(ran.stderr.contains("listen, public_url"), "{ran:?}");
    place.configure(DEFAULT_CONFIG);
    let ran = place.run_with("", &[("PORTCULLIS_MAIL__FODLER", "x")], ["serve"]);
    refused(&ran, USAGE, "PORTCULLIS_MAIL__FODLER");
    refused(
        &place.run(["serve", "--config", "none.toml"]),
        USAGE,
        "none.toml",
    );
    assert!(!place.data().exists(), "a refused start made something");
}

#[test]
fn unsafe_combinations_are_refused_with_the_reason() {
    let place = Place::new();
    for (variable, value, reason) in [
        ("PORTCULLIS_LISTEN", "0.0.0.0:0", "other machines can reach"),
        (
            "PORTCULLIS_PUBLIC_URL",
            "http://auth.example.com",
            "clear text",
        ),
        (
            "PORTCULLIS_TRUSTED_PROXIES",
            "[\"0.0.0.0/0\"]",
            "pretend to be any address",
        ),
        ("PORTCULLIS_HASH__MEMORY_KIB", "1024", "floor"),
        ("PORTCULLIS_POLICY__PASSWORD_MIN_LENGTH", "8", "15"),
    ] {
        let ran = place.run_with("", &[(variable, value)], ["serve"]);
        refused(&ran, USAGE, reason);
    }
    assert!(!place.data().exists(), "a refused start made something");
    let checked = place.run(["config", "check", "--json"]).json();
    assert_eq!(checked, json!({ "valid": true }));
}

#[test]
fn an_address_in_use_is_refused_by_the_settings_name() {
    let place = Place::new();
    let service = place.start();
    let other = Place::new();
    let ran = other.run(["serve", "--listen", service.address()]);
    refused(&ran, FAILURE, "PORTCULLIS_LISTEN");
    assert!(!other.data().exists(), "a refused start made something");
}

#[test]
fn a_command_without_a_database_says_where_it_looked() {
    let place = Place::new();
    refused(&place.run(["user", "list"]), UNAVAILABLE, "no database");
    assert!(!place.data().exists());
    let elsewhere = place.run(["user", "list", "--data-dir", "elsewhere"]);
    refused(&elsewhere, UNAVAILABLE, "elsewhere");
}

#[test]
fn two_commands_write_beside_a_running_service() {
    let place = Place::new();
    let service = place.start();
    std::thread::scope(|scope| {
        for name in ["ada", "bob"] {
            let place = &place;
            scope.spawn(move || create(place, &format!("{name}@example.com")).json());
        }
        let eve = Person::new("eve");
        eve.join(&place, &service.browser());
    });
    let all = place.run(["user", "list", "--json"]).json();
    assert_eq!(all.as_array().unwrap().len(), 3);
}

#[test]
fn serve_says_where_everything_is_in_json_too() {
    let place = Place::new();
    let service = place.start_with(&["--json"], &[]);
    let banner: Value = serde_json::from_str(&service.stdout()).unwrap();
    assert_eq!(banner["listen"], service.address());
    assert_eq!(
        banner["public_url"],
        format!("http://{}", service.address())
    );
    assert_eq!(banner["base"], format!("http://{}/auth", service.address()));
    assert_eq!(banner["first_run"], true);
    assert_eq!(banner["metrics"], Value::Null);
    assert!(banner["outbox"].as_str().unwrap().ends_with("outbox"));
}

#[test]
fn an_operator_lets_somebody_in_who_is_locked_out() {
    let place = Place::with_config(&format!(
        "{DEFAULT_CONFIG}\n[policy]\nlockout_free_attempts = 2\nlockout_base_delay_secs = 600\n"
    ));
    let service = place.start();
    let ada = Person::new("ada");
    let browser = service.browser();
    ada.join(&place, &browser);
    let mut mistaken = ada.clone();
    mistaken.password = "something else entirely".into();
    for _ in 0..2 {
        let _wrong = browser
            .post("/auth/sign-in", &mistaken.sign_in())
            .expect(401);
    }
    let _locked = browser.post("/auth/sign-in", &ada.sign_in()).expect(429);
    let _done = place.run(["user", "unlock", &ada.email]).expect_code(DONE);
    ada.enter(&browser);
}

#[test]
fn documents_are_printed_without_a_database() {
    let place = Place::new();
    let openapi = place.run(["openapi"]).json();
    assert!(openapi["openapi"].as_str().unwrap().starts_with("3."));
    assert!(
        openapi["paths"]
            .as_object()
            .unwrap()
            .contains_key("/auth/sign-in")
    );
    let reference = place.run(["config", "reference"]).expect_code(DONE);
    assert!(reference.stdout.contains("PORTCULLIS_LISTEN"));
    assert!(!place.data().exists());
}

#[test]
fn a_reader_that_goes_away_is_no_failure_worth_a_word() {
    let place = Place::new();
    let mut reader = std::process::Command::new("bash")
        .args([
            "-c",
            "\"$0\" config reference | true; echo ${PIPESTATUS[0]}",
        ])
        .arg(std::env::var_os("PORTCULLIS_BIN").unwrap())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .current_dir(place.path())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = std::io::read_to_string(reader.stderr.take().unwrap()).unwrap();
    reader.wait().unwrap();
    assert_eq!(stderr, "");
}
