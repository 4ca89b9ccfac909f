//! Another address for the account, in two steps.

use portcullis_tests::World;
use serde_json::json;

use crate::{Traveller, check};

pub(crate) fn changed(world: &World, ada: &mut Traveller) {
    let phone = ada.elsewhere(world);
    let old = ada.person.clone();
    ada.person.email = "lovelace@example.com".into();
    let asked = json!({ "email": ada.person.email });
    let _accepted = ada
        .browser
        .post("/auth/email/change/request", &asked)
        .expect(202);
    // A notice to the one, the link to the other; until it is opened nothing has changed.
    world.notice_to(&old.email, "address");
    let token = json!({ "token": world.link_to(&ada.person.email) });
    assert_eq!(handle(ada), old.email);
    let confirmed = ada.browser.post("/auth/email/change/confirm", &token);
    let _confirmed = confirmed.expect(204);
    assert_eq!(handle(ada), ada.person.email);
    assert_eq!(check(&phone), 401);
    world.notice_to(&old.email, "address");
    let _old = phone.post("/auth/sign-in", &old.sign_in()).expect(401);
    ada.person.enter(&phone);
}

fn handle(ada: &Traveller) -> String {
    let caller = ada.browser.send("POST", "/auth/check-auth", None);
    caller.expect(200).json()["handle"]
        .as_str()
        .unwrap()
        .to_owned()
}
