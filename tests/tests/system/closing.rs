//! The end of an account, by its owner.

use portcullis_tests::World;

use crate::{Traveller, check};

pub(crate) fn for_good(world: &World, ada: &mut Traveller) {
    let phone = ada.elsewhere(world);
    let _closed = ada
        .browser
        .send("POST", "/auth/account/close", None)
        .expect(204);
    assert_eq!((check(&ada.browser), check(&phone)), (401, 401));
    world.notice_to(&ada.person.email, "closed");
    let _gone = phone
        .post("/auth/sign-in", &ada.person.sign_in())
        .expect(401);
    // Their address is not free, and nobody is told.
    let _accepted = phone
        .post("/auth/signup", &ada.person.sign_up())
        .expect(202);
    let shown = world
        .place
        .run(["user", "show", &ada.person.email, "--json"]);
    assert_eq!(shown.json()["state"], "terminated");
}
