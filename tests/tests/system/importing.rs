//! Somebody of another system, and their first sign-in.

use std::fs;

use portcullis_tests::World;
use serde_json::json;

use crate::{Traveller, check};

/// PBKDF2 as Django writes it, of `correct horse battery staple`.
const PEOPLE: &str = "\
email,verified,password_hash
hopper@example.com,true,pbkdf2_sha256$2000$WS9Zxu71fKPSTqRzvMODMt$WYAKwqoh2Nz/22/tQm5THjNKiUOOl+Pf0QrWQvpoeQE=
";

pub(crate) fn brought_over(world: &World, _: &mut Traveller) {
    let file = world.place.path().join("people.csv");
    fs::write(&file, PEOPLE).unwrap();
    let file = file.to_str().unwrap();
    let _done = world.place.run(["user", "import", file]).expect_code(0);
    let browser = world.browser();
    let sign_in = |password| json!({ "identifier": "hopper@example.com", "password": password });
    let wrong = sign_in("wrong horse battery staple");
    let _refused = browser.post("/auth/sign-in", &wrong).expect(401);
    let right = sign_in("correct horse battery staple");
    let _in = browser.post("/auth/sign-in", &right).expect(200);
    assert_eq!(check(&browser), 200);
}
