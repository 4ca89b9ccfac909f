//! What the real binary tells Prometheus, where, and what it does not tell.

use std::collections::BTreeSet;

use portcullis_tests::{ApiToken, Browser, DEFAULT_CONFIG, Exposition, Person, Place};
use serde_json::{Value, json};

fn place() -> Place {
    Place::with_config(&format!(
        "{DEFAULT_CONFIG}\n[metrics]\nlisten = \"127.0.0.1:0\"\n"
    ))
}

fn read(metrics: &Browser) -> Exposition {
    let answer = metrics.get("/metrics").expect(200);
    let kind = "text/plain; version=0.0.4; charset=utf-8".to_owned();
    assert!(answer.headers.contains(&("content-type".to_owned(), kind)));
    Exposition::read(&answer.text)
}

#[test]
fn metrics_answer_on_a_listener_of_their_own_and_nowhere_else() {
    let place = place();
    let service = place.start();
    let metrics = service.metrics().expect("an address for metrics");
    let page = read(&metrics);
    assert!(page.value("process_start_time_seconds") > 1_700_000_000.0);
    let version = env!("CARGO_PKG_VERSION");
    let built = format!("portcullis_build_info{{version=\"{version}\"}}");
    assert!((page.value(&built) - 1.0).abs() < f64::EPSILON);
    let elsewhere = ["/", "/metrics/", "/auth/profile", "/health/live"];
    for path in elsewhere {
        let _nothing = metrics.get(path).expect(404);
    }
    let _nothing = metrics.post("/metrics", &json!({})).expect(404);
    for path in ["/metrics", "/auth/metrics"] {
        let _nothing = service.browser().get(path).expect(404);
    }
    service.kill();

    place.configure(DEFAULT_CONFIG);
    assert!(
        place.start().metrics().is_none(),
        "told without being asked"
    );
}

#[test]
fn an_address_for_metrics_that_is_taken_stops_the_start_and_makes_nothing() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("its address").to_string();
    let place = Place::new();
    let setting = [("PORTCULLIS_METRICS__LISTEN", address.as_str())];
    let refused = place.run_with("", &setting, ["serve"]).expect_code(1);
    assert!(refused.stderr.contains("metrics.listen"), "{refused:?}");
    assert!(!place.data().exists());
}

#[test]
fn numbers_move_and_tell_nothing_about_anybody() {
    let place = place();
    let service = place.start();
    let metrics = service.metrics().expect("an address for metrics");
    let before = read(&metrics);

    let ada = Person::new("ada");
    let browser = service.browser();
    let link = ada.join(&place, &browser);
    ada.enter(&browser);
    let shown = place.run(["user", "show", &ada.email, "--json"]).json();
    let id = shown.get("id").and_then(Value::as_str).expect("an id");
    let token = ApiToken::create(&browser, "deploy-key-of-ada");
    let program = token.bearer(service.browser());
    let _somebody = program.send("POST", "/auth/check-auth", None).expect(200);
    let cookie = browser.cookie("portcullis").expect("a session");
    let wrong = json!({ "identifier": ada.email, "password": "a wrong password" });
    let _refused = browser.post("/auth/sign-in", &wrong).expect(401);
    for n in 0..20 {
        let _nothing = browser.get(&format!("/auth/made-up-{n}")).expect(404);
    }

    let answer = metrics.get("/metrics").expect(200);
    let page = Exposition::read(&answer.text);
    assert_eq!(page.len(), before.len(), "a request made a series");
    let moved = |series: &str| page.value(series) - before.value(series);
    let expected = [
        (
            "portcullis_sign_ins_total{way=\"password\",outcome=\"signed_in\"}",
            1.0,
        ),
        (
            "portcullis_sign_ins_total{way=\"password\",outcome=\"refused\"}",
            1.0,
        ),
        ("portcullis_mails_total{outcome=\"sent\"}", 1.0),
        (
            "portcullis_authentications_total{backend=\"api_token\",verdict=\"authenticated\"}",
            1.0,
        ),
        (
            "portcullis_http_requests_total{method=\"POST\",route=\"/sign-in\",status=\"2xx\"}",
            1.0,
        ),
        (
            "portcullis_http_requests_total{method=\"POST\",route=\"/sign-in\",status=\"4xx\"}",
            1.0,
        ),
        (
            "portcullis_http_requests_total{method=\"none\",route=\"none\",status=\"4xx\"}",
            20.0,
        ),
        ("portcullis_store_errors_total{kind=\"unavailable\"}", 0.0),
    ];
    for (series, by) in expected {
        assert!(
            (moved(series) - by).abs() < 0.5,
            "{series}: {}",
            moved(series)
        );
    }
    assert!(moved("portcullis_password_hash_duration_seconds_count") >= 3.0);
    assert!(moved("portcullis_background_passes_total{task=\"due\",outcome=\"done\"}") >= 1.0);
    let secrets = [
        ada.email.as_str(),
        "ada",
        "@",
        "example.com",
        &ada.password,
        &link,
        &cookie,
        &token.token,
        &token.id,
        "deploy-key",
        id,
        "made-up",
        "127.0.0.1",
        "pcl_",
    ];
    for secret in secrets {
        assert!(!answer.text.contains(secret), "{secret} in {}", answer.text);
    }
}

#[test]
fn the_readme_lists_every_family_with_its_labels() {
    let service = place().start();
    let page = read(&service.metrics().expect("an address for metrics"));
    let rows: BTreeSet<String> = page.families.iter().map(row).collect();
    let readme = include_str!("../../crates/server/README.md");
    let listed = readme.lines().filter(|line| {
        let name = line.strip_prefix("| `").unwrap_or_default();
        name.starts_with("portcullis_") || name.starts_with("process_")
    });
    assert_eq!(listed.map(str::to_owned).collect::<BTreeSet<_>>(), rows);
}

/// A row of the README's table.
fn row(family: &portcullis_tests::Family) -> String {
    let labels = family.labels.iter().filter(|label| *label != "le");
    let labels: Vec<_> = labels.map(|label| format!("`{label}`")).collect();
    let (name, kind, help) = (&family.name, &family.kind, &family.help);
    let labels = match labels.is_empty() {
        true => "–".to_owned(),
        false => labels.join(", "),
    };
    format!("| `{name}` | {kind} | {labels} | {help} |")
}
