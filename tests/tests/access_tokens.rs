//! Access and refresh tokens over HTTP, and the files that sign them.

use std::fs;

use portcullis_tests::{Browser, DEFAULT_CONFIG, Pair, Person, Place};
use serde_json::{Value, json};

/// What a JWK may hold of a public key; anything else could be private.
const PUBLIC_MEMBERS: [&str; 6] = ["alg", "crv", "kid", "kty", "use", "x"];

fn check(browser: &Browser) -> u16 {
    browser.send("POST", "/auth/check-auth", None).status
}

#[test]
fn from_a_password_to_a_pair_its_successor_and_its_end() {
    let place = Place::new();
    let service = place.start();
    let ada = Person::new("ada");
    ada.join(&place, &service.browser());

    let first = Pair::issue(&service, &ada);
    let who = first
        .bearer(&service)
        .send("POST", "/auth/check-auth", None);
    assert_eq!(who.expect(200).json()["handle"], ada.email.as_str());

    // The successor, and the same one again for whoever did not get the first answer.
    let second = Pair::read(&first.renew(&service).expect(200));
    assert_ne!(second.refresh, first.refresh);
    let again = Pair::read(&first.renew(&service).expect(200));
    assert_eq!(again.refresh, second.refresh);
    assert_eq!(check(&second.bearer(&service)), 200);

    // Suspended: both halves are refused at once.
    let _done = place.run(["user", "suspend", &ada.email]).expect_code(0);
    assert_eq!(check(&second.bearer(&service)), 401);
    let _refused = second.renew(&service).expect(400);
    let _refused = service
        .browser()
        .post("/auth/token", &ada.sign_in())
        .expect(401);

    // Back again, and signed out: the whole family is over, and no other.
    let _done = place.run(["user", "activate", &ada.email]).expect_code(0);
    let third = Pair::issue(&service, &ada);
    let other = Pair::issue(&service, &ada);
    let out = third.bearer(&service).send("POST", "/auth/logout", None);
    let _out = out.expect(204);
    assert_eq!(check(&third.bearer(&service)), 401);
    let _refused = third.renew(&service).expect(400);
    assert_eq!(check(&other.bearer(&service)), 200);
}

#[test]
fn the_published_keys_have_no_private_member() {
    let place = Place::new();
    let service = place.start();
    let browser = service.browser();
    let keys = browser.get("/.well-known/jwks.json").expect(200);
    assert_eq!(keys.text, browser.get("/auth/jwks.json").expect(200).text);
    let keys = keys.json()["keys"].as_array().unwrap().clone();
    assert_eq!(keys.len(), 1);
    let members: Vec<&String> = keys[0].as_object().unwrap().keys().collect();
    for member in &members {
        assert!(PUBLIC_MEMBERS.contains(&member.as_str()), "{members:?}");
    }
    // The secret that the file has is nowhere in the answer.
    let file = fs::read_to_string(place.access_keys()).unwrap();
    let file: Value = serde_json::from_str(&file).unwrap();
    assert!(file["jwt_signing"][0]["key"].is_string(), "another format");
    let _none = browser
        .post("/.well-known/jwks.json", &json!({}))
        .expect(405);
}

#[test]
fn a_shared_secret_is_never_published() {
    let place = Place::with_config(&format!(
        "{DEFAULT_CONFIG}\n[access_tokens]\nalgorithm = \"HS256\"\n"
    ));
    let service = place.start();
    let keys = service.browser().get("/.well-known/jwks.json").expect(200);
    assert_eq!(keys.json(), json!({ "keys": [] }));
    let ada = Person::new("ada");
    ada.join(&place, &service.browser());
    let pair = Pair::issue(&service, &ada);
    assert_eq!(check(&pair.bearer(&service)), 200);
}

#[test]
fn lost_access_keys_end_access_tokens_and_nothing_else() {
    // The public URL is the tokens' issuer, and the port another after each start.
    let place = Place::with_config(&format!(
        "public_url = \"http://localhost:8080\"\n{DEFAULT_CONFIG}"
    ));
    let service = place.start();
    let ada = Person::new("ada");
    ada.join(&place, &service.browser());
    let pair = Pair::issue(&service, &ada);
    service.kill();

    // A restart alone ends nothing.
    let service = place.start();
    assert_eq!(check(&pair.bearer(&service)), 200);
    service.kill();

    fs::remove_file(place.access_keys()).unwrap();
    let service = place.start();
    assert!(place.access_keys().exists());
    assert_eq!(check(&pair.bearer(&service)), 401);
    let next = Pair::read(&pair.renew(&service).expect(200));
    assert_eq!(check(&next.bearer(&service)), 200);
}

#[test]
fn switched_off_there_are_no_access_tokens_and_no_keys() {
    let place = Place::with_config(&format!(
        "{DEFAULT_CONFIG}\n[access_tokens]\nenabled = false\n"
    ));
    let service = place.start();
    assert!(!place.access_keys().exists());
    let browser = service.browser();
    for path in ["/auth/jwks.json", "/.well-known/jwks.json"] {
        let _none = browser.get(path).expect(404);
    }
    let ada = Person::new("ada").sign_in();
    let _none = browser.post("/auth/token", &ada).expect(404);
}

#[cfg(unix)]
#[test]
fn access_keys_are_their_owners_alone_and_are_not_made_twice() {
    use std::os::unix::fs::PermissionsExt as _;

    let place = Place::new();
    let made = place.run(["keys", "init", "--json"]).json();
    let file = made["access_tokens_keys"].as_str().unwrap();
    assert!(file.ends_with("jwt-keys.json"), "{file}");
    let mode = fs::metadata(place.access_keys()).unwrap().permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    let before = fs::read(place.access_keys()).unwrap();
    let _made = place.run(["migrate"]).expect_code(0);
    place.start().kill();
    assert_eq!(fs::read(place.access_keys()).unwrap(), before);
    // One that others may read is not used.
    fs::set_permissions(place.access_keys(), fs::Permissions::from_mode(0o640)).unwrap();
    let refused = place.run(["serve"]).expect_code(1);
    assert!(refused.stderr.contains("chmod 600"), "{refused:?}");
}
