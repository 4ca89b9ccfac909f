//! Signing in with a link from a mail.

use portcullis_tests::World;
use serde_json::json;

use crate::{Traveller, check};

pub(crate) fn signs_in(world: &World, ada: &mut Traveller) {
    let browser = world.browser();
    let asked = json!({ "email": ada.person.email });
    let _accepted = browser.post("/auth/magic-link/send", &asked).expect(202);
    let token = json!({ "token": world.link_to(&ada.person.email) });
    let caller = browser.post("/auth/magic-link/verify", &token).expect(200);
    assert_eq!(caller.json()["handle"], ada.person.email.as_str());
    assert_eq!(check(&browser), 200);
    let again = world.browser();
    let _once = again.post("/auth/magic-link/verify", &token).expect(400);
    ada.browser = browser;
}

/// Somebody new, by nothing but a link, where the policy lets them.
pub(crate) fn makes_an_account(world: &World, _: &mut Traveller) {
    let browser = world.browser();
    let newcomer = json!({ "email": "newcomer@example.com" });
    let _accepted = browser.post("/auth/magic-link/send", &newcomer).expect(202);
    let token = json!({ "token": world.link_to("newcomer@example.com") });
    let caller = browser.post("/auth/magic-link/verify", &token).expect(200);
    assert_eq!(caller.json()["handle"], "newcomer@example.com");
    let _own = browser.get("/auth/profile").expect(200);
}
