//! Signing in with a code from a mail.

use portcullis_tests::World;
use serde_json::json;

use crate::{Traveller, check};

pub(crate) fn signs_in(world: &World, ada: &mut Traveller) {
    let browser = world.browser();
    let asked = json!({ "email": ada.person.email });
    let _sent = browser.post("/auth/email-code/send", &asked).expect(202);
    let code = json!({ "code": world.code_to(&ada.person.email) });
    let _elsewhere = world
        .browser()
        .post("/auth/email-code/verify", &code)
        .expect(400);
    let caller = browser.post("/auth/email-code/verify", &code).expect(200);
    assert_eq!(caller.json()["handle"], ada.person.email.as_str());
    let _once = browser.post("/auth/email-code/verify", &code).expect(400);
    assert_eq!(check(&browser), 200);
    ada.browser = browser;
}
