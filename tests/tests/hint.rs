//! The first-run hint works as it is printed.

use std::process::Command;

use portcullis_tests::Place;
use serde_json::Value;

/// The lines between the banner and its last line.
fn hint(stdout: &str) -> String {
    let lines = stdout.lines().skip_while(|line| !line.starts_with("# "));
    let lines = lines.take_while(|line| !line.is_empty());
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_printed_lines_lead_to_a_call_with_an_api_token() {
    let place = Place::with_config("listen = \"127.0.0.1:0\"\n");
    let service = place.start();
    let hint = hint(&service.stdout());
    assert!(hint.contains("/check-auth"), "{}", service.stdout());

    let elsewhere = tempfile::tempdir().unwrap();
    let ran = Command::new("bash")
        .args(["-e", "-c", &hint])
        .current_dir(elsewhere.path())
        .output()
        .unwrap_or_else(|error| panic!("bash: {error}"));
    let stdout = String::from_utf8_lossy(&ran.stdout);
    let stderr = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{hint}\n{stdout}\n{stderr}");
    let last = stdout.lines().rfind(|line| !line.is_empty());
    let principal: Value = serde_json::from_str(last.unwrap_or_default())
        .unwrap_or_else(|error| panic!("{error}\n{hint}\n{stdout}\n{stderr}"));
    let text = principal.to_string();
    assert!(text.contains("ada@example.com"), "{text}");
    assert!(text.contains("api_token"), "{text}");
}

#[test]
fn the_hint_is_for_the_first_run_only() {
    let place = Place::new();
    let first = place.start();
    assert!(first.stdout().contains("curl"));
    first.kill();
    let second = place.start();
    assert!(!second.stdout().contains("curl"), "{}", second.stdout());
    assert!(second.stdout().contains("outbox"), "{}", second.stdout());
}
