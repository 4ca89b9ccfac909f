//! What an operator sets in the policy, and what it does in the real binary. The clock is moved where time has to pass.

use portcullis_tests::{
    Browser, DEFAULT_CONFIG, FakeClock, Person, Place, token_in, until, verify,
};
use serde_json::json;

const WITHIN: std::time::Duration = std::time::Duration::from_secs(60);

fn place(policy: &str) -> Place {
    Place::with_config(&format!("{DEFAULT_CONFIG}\n[policy]\n{policy}\n"))
}

fn code_of(answer: &portcullis_tests::Answer) -> String {
    let body = answer.json();
    let code = body.get("code").and_then(|code| code.as_str());
    code.unwrap_or_default().to_owned()
}

#[test]
fn sign_up_is_for_whom_the_policy_says_and_an_operator_adds_others() {
    for (policy, refused) in [
        ("sign_up = \"closed\"", "sign_up_closed"),
        ("sign_up = \"invite_only\"", "sign_up_invite_only"),
        (
            "sign_up = \"domains\"\nsign_up_domains = [\"example.org\"]",
            "email_domain_refused",
        ),
    ] {
        let place = place(policy);
        let service = place.start();
        let browser = service.browser();
        let ada = Person::new("ada");
        let answer = browser.post("/auth/signup", &ada.sign_up()).expect(403);
        assert_eq!(code_of(&answer), refused);
        let created = place.run_with(&ada.password, &[], ["user", "create", &ada.email]);
        let _created = created.expect_code(0);
        ada.enter(&browser);
    }
    let place = place("sign_up = \"domains\"\nsign_up_domains = [\"example.com\"]");
    let service = place.start();
    let _link = Person::new("ada").join(&place, &service.browser());
}

#[test]
fn nobody_comes_from_where_the_policy_does_not_let_them() {
    let place = place("ip_allow = [\"203.0.113.0/24\"]");
    let service = place.start();
    let ada = Person::new("ada");
    let created = place.run_with(&ada.password, &[], ["user", "create", &ada.email]);
    let _created = created.expect_code(0);
    let refused = service.browser().post("/auth/sign-in", &ada.sign_in());
    assert_eq!(code_of(&refused.expect(401)), "invalid_credentials");
    let shown = place.run(["audit", "query", "--json"]).expect_code(0);
    assert!(shown.stdout.contains("address_not_allowed"), "{shown:?}");
}

// SE-07
#[test]
fn what_is_sensitive_asks_for_the_password_again_after_a_while_and_not_before() {
    let Some(clock) = FakeClock::find() else {
        return;
    };
    let place = place("session_fresh_within_secs = 300");
    let service = clock.start(&place);
    let (ada, browser) = (Person::new("ada"), service.browser());
    ada.join(&place, &browser);
    ada.enter(&browser);
    let token = json!({ "name": "x", "scopes": ["read"] });
    let _made = browser.post("/auth/api-tokens", &token).expect(201);
    clock.set("+301");
    let stale = browser.post("/auth/api-tokens", &token).expect(403);
    assert_eq!(code_of(&stale), "step_up_required");
    let password = json!({ "password": ada.password });
    let _proved = browser.post("/auth/step-up", &password).expect(200);
    let _made = browser.post("/auth/api-tokens", &token).expect(201);
}

// OT-03
#[test]
fn a_link_ends_when_the_policy_says() {
    let Some(clock) = FakeClock::find() else {
        return;
    };
    let place = place("link_password_reset_secs = 120");
    let service = clock.start(&place);
    let (ada, browser) = (Person::new("ada"), service.browser());
    ada.join(&place, &browser);
    let reset = |browser: &Browser| {
        let links = || {
            let mails = place.mails_to(&ada.email);
            let links = mails.iter().filter_map(|mail| token_in(&mail.text));
            links.collect::<Vec<_>>()
        };
        let before = links().len();
        let asked = json!({ "email": ada.email });
        let _accepted = browser.post("/auth/password/forgot", &asked).expect(202);
        until(WITHIN, || links().get(before).cloned()).expect("a link")
    };
    let set = |token: &str, password: &str| {
        let body = json!({ "token": token, "password": password });
        browser.post("/auth/password/reset", &body)
    };
    let link = reset(&browser);
    clock.set("+119");
    let _set = set(&link, "a battery of staple horses").expect(204);
    let link = reset(&browser);
    clock.set("+239");
    let late = set(&link, "another battery of horses").expect(400);
    assert_eq!(code_of(&late), "invalid_link");
}

#[test]
fn who_closed_their_account_is_erased_when_the_policy_says_and_not_before() {
    let Some(clock) = FakeClock::find() else {
        return;
    };
    let place = place("account_erase_after_secs = 86400");
    let mut service = clock.start(&place);
    let (ada, browser) = (Person::new("ada"), service.browser());
    ada.join(&place, &browser);
    ada.enter(&browser);
    let _closed = browser
        .send("POST", "/auth/account/close", None)
        .expect(204);
    for (moment, is_there) in [("+86000", true), ("+90000", false)] {
        service.terminate();
        assert!(service.await_end(WITHIN).success());
        clock.set(moment);
        service = clock.start(&place);
        let shown = || place.run(["user", "show", &ada.email]).code == 0;
        if is_there {
            assert!(shown(), "{moment}");
        } else {
            let gone = until(WITHIN, || (!shown()).then_some(()));
            gone.expect("nobody by that address");
        }
    }
    // The address is free again, for whoever has it.
    let before = place.mails_to(&ada.email).len();
    let newcomer = service.browser();
    let _accepted = newcomer.post("/auth/signup", &ada.sign_up()).expect(202);
    let arrived = || (place.mails_to(&ada.email).len() > before).then_some(());
    until(WITHIN, arrived).expect("a mail");
    let token = place.await_mail_to(&ada.email).token();
    assert!(verify(&newcomer, &token).is_success());
    ada.enter(&newcomer);
}
