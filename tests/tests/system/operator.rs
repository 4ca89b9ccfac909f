//! What an operator does to an account, with commands beside the running service.

use portcullis_tests::{ApiToken, World};

use crate::{Traveller, check};

/// Cookie and token are refused with the next request, and the token alone lives again.
pub(crate) fn suspended_and_back(world: &World, ada: &mut Traveller) {
    let email = ada.person.email.as_str();
    let made = ApiToken::create(&ada.browser, "backup");
    let bearer = made.bearer(world.browser());
    assert_eq!(check(&bearer), 200);
    let suspended = world.place.run(["user", "suspend", email, "--json"]).json();
    assert_eq!(suspended["state"], "suspended");
    assert_eq!((check(&ada.browser), check(&bearer)), (401, 401));
    let refused = ada.browser.post("/auth/sign-in", &ada.person.sign_in());
    let _refused = refused.expect(401);

    let active = world
        .place
        .run(["user", "activate", email, "--json"])
        .json();
    assert_eq!(active["state"], "active");
    assert_eq!((check(&ada.browser), check(&bearer)), (401, 200));
    ada.person.enter(&ada.browser);
}

/// Locked after five failures in a browser that nobody knows; the owner's own is not.
pub(crate) fn unlocked(world: &World, ada: &mut Traveller) {
    let stranger = world.browser();
    let mut wrong = ada.person.clone();
    wrong.password = "wrong horse battery staple".into();
    for _ in 0..5 {
        let _refused = stranger.post("/auth/sign-in", &wrong.sign_in()).expect(401);
    }
    let right = ada.person.sign_in();
    let _locked = stranger.post("/auth/sign-in", &right).expect(429);
    let unlock = ["user", "unlock", ada.person.email.as_str()];
    let _done = world.place.run(unlock).expect_code(0);
    let _in = stranger.post("/auth/sign-in", &right).expect(200);
    assert_eq!(check(&ada.browser), 200);
}
