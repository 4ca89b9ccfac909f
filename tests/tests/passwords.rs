//! What the policy says of new passwords, from the configuration to the answer of the real binary.

use portcullis_tests::{Browser, DEFAULT_CONFIG, Person, Place};
use serde_json::{Value, json};

const NEW: &str = "a battery of staple horses";

fn place(policy: &str) -> Place {
    Place::with_config(&format!("{DEFAULT_CONFIG}\n[policy]\n{policy}\n"))
}

fn change(browser: &Browser, current: &str, new: &str) -> portcullis_tests::Answer {
    let body = json!({ "current_password": current, "new_password": new });
    browser.post("/auth/password/change", &body)
}

#[test]
fn an_earlier_password_is_refused_where_the_configuration_says_so() {
    let place = place("password_history = 2");
    let service = place.start();
    let (ada, browser) = (Person::new("ada"), service.browser());
    let _used = ada.join(&place, &browser);
    ada.enter(&browser);
    let _changed = change(&browser, &ada.password, NEW).expect(204);
    for again in [NEW, &ada.password] {
        let refused = change(&browser, NEW, again).expect(422).json();
        assert_eq!(refused.pointer("/errors/0/rule"), Some(&json!("reused")));
    }
    let _changed = change(&browser, NEW, "another set of words entirely").expect(204);
    let back = change(&browser, "another set of words entirely", &ada.password);
    let _long_ago = back.expect(204);
}

#[test]
fn a_change_waits_where_the_configuration_says_so_and_a_wrong_setting_starts_nothing() {
    let place = place("password_change_cooldown_secs = 3600");
    let service = place.start();
    let (ada, browser) = (Person::new("ada"), service.browser());
    let _used = ada.join(&place, &browser);
    ada.enter(&browser);
    let refused = change(&browser, &ada.password, NEW).expect(429).json();
    let code = refused.get("code").and_then(Value::as_str);
    assert_eq!(code, Some("password_changed_recently"));
    drop(service);
    for (setting, name) in [
        ("password_history = 25", "policy.password_history"),
        (
            "password_change_cooldown_secs = 86401",
            "policy.password_change_cooldown_secs",
        ),
    ] {
        place.configure(&format!("{DEFAULT_CONFIG}\n[policy]\n{setting}\n"));
        let ran = place.run(["user", "list"]);
        assert_ne!(ran.code, 0);
        assert!(ran.stderr.contains(name), "{ran:?}");
    }
}
