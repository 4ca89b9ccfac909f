//! Proving in a session that it is still its owner.

use portcullis_tests::World;
use serde_json::json;

use crate::{Traveller, check};

pub(crate) fn proves_it_again(world: &World, ada: &mut Traveller) {
    let before = ada.browser.cookie("portcullis").unwrap();
    let wrong = json!({ "password": "wrong horse battery staple" });
    assert!(!ada.browser.post("/auth/step-up", &wrong).is_success());
    let right = json!({ "password": ada.person.password });
    let _proved = ada.browser.post("/auth/step-up", &right).expect(200);
    // The session has another id, and the old one is nobody's.
    assert_ne!(ada.browser.cookie("portcullis").unwrap(), before);
    let cookie = format!("portcullis={before}");
    assert_eq!(check(&world.browser().with_header("cookie", &cookie)), 401);
    assert_eq!(check(&ada.browser), 200);
}
