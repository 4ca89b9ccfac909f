//! From nobody to somebody who is signed in.

use portcullis_tests::{Person, World, verify};
use serde_json::json;

use crate::Traveller;

pub(crate) fn sign_up_and_in(world: &World) -> Traveller {
    let people = world.place.run(["user", "list", "--json"]).json();
    assert_eq!(people, json!([]));
    let (person, browser) = (Person::new("ada"), world.browser());
    let _none = browser.get("/auth/profile").expect(401);

    // Signed up is not signed in, and cannot sign in.
    let _accepted = browser.post("/auth/signup", &person.sign_up()).expect(202);
    // Asked for again, the link of before is worth nothing.
    let lost = world.link_to(&person.email);
    let again = json!({ "email": person.email });
    let _accepted = browser.post("/auth/signup/send_link", &again).expect(202);
    let token = world.link_to(&person.email);
    let _superseded = verify(&browser, &lost).expect(400);
    let _not_yet = browser.post("/auth/sign-in", &person.sign_in()).expect(401);
    assert!(verify(&browser, &token).is_success());
    let _once = verify(&browser, &token).expect(400);

    person.enter(&browser);
    let profile = browser.get("/auth/profile").expect(200);
    assert!(profile.text.contains(&person.email), "{profile:?}");
    Traveller { person, browser }
}
