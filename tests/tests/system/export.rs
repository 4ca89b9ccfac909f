//! What is kept about somebody, shown to them and to an operator.

use portcullis_tests::World;

use crate::Traveller;

pub(crate) fn shows_what_is_kept(world: &World, ada: &mut Traveller) {
    let own = ada.browser.get("/auth/account/export").expect(200);
    assert!(own.text.contains(&ada.person.email), "{own:?}");
    assert!(!own.text.contains("$argon2"), "{own:?}");
    let email = ada.person.email.as_str();
    let operators = world.place.run(["user", "export", email, "--json"]).json();
    assert_eq!(own.json()["user"], operators["user"]);
}
