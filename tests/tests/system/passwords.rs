//! A password that is changed, and one that is forgotten.

use portcullis_tests::World;
use serde_json::json;

use crate::{Traveller, check};

pub(crate) fn changed(world: &World, ada: &mut Traveller) {
    let phone = ada.elsewhere(world);
    let old = ada.person.clone();
    ada.person.password = "a battery of staple horses".into();
    let change = json!({ "current_password": old.password, "new_password": ada.person.password });
    let _changed = ada
        .browser
        .post("/auth/password/change", &change)
        .expect(204);
    assert_eq!((check(&ada.browser), check(&phone)), (200, 401));
    world.notice_to(&old.email, "password");
    let _old = phone.post("/auth/sign-in", &old.sign_in()).expect(401);
    ada.person.enter(&phone);
}

/// Set anew with a link, which ends every session.
pub(crate) fn forgotten(world: &World, ada: &mut Traveller) {
    let browser = world.browser();
    let asked = json!({ "email": ada.person.email });
    let _accepted = browser.post("/auth/password/forgot", &asked).expect(202);
    let token = world.link_to(&ada.person.email);
    let looked = json!({ "token": token });
    let works = browser.post("/auth/password/verify_token", &looked);
    assert!(works.expect(200).json()["expires_at"].is_string());
    ada.person.password = "horses of a staple battery".into();
    let reset = json!({ "token": token, "password": ada.person.password });
    let _reset = browser.post("/auth/password/reset", &reset).expect(204);
    let _once = browser.post("/auth/password/reset", &reset).expect(400);
    let _dead = browser
        .post("/auth/password/verify_token", &looked)
        .expect(400);
    assert_eq!(check(&ada.browser), 401);
    world.notice_to(&ada.person.email, "password");
    ada.person.enter(&ada.browser);
}
