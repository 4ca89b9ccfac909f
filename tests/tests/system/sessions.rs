//! Sessions, seen and ended by their owner.

use portcullis_tests::{Answer, Browser, World};
use serde_json::{Value, json};

use crate::Traveller;

/// The id of the browser's own session.
fn current(browser: &Browser) -> String {
    let sessions = list(browser).json();
    let own = |entry: &&Value| entry["current"] == true;
    let found = sessions["sessions"].as_array().unwrap().iter().find(own);
    found.unwrap()["id"].as_str().unwrap().to_owned()
}

fn list(browser: &Browser) -> Answer {
    browser.get("/auth/sessions").expect(200)
}

pub(crate) fn listed_and_ended(world: &World, ada: &mut Traveller) {
    let (phone, tablet) = (ada.elsewhere(world), ada.elsewhere(world));
    let sessions = list(&ada.browser).json();
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 3);

    // Named by its owner.
    let own = format!("/auth/sessions/{}", current(&ada.browser));
    let name = json!({ "name": "Ada's desk" });
    let _named = ada.browser.send("PATCH", &own, Some(&name)).expect(204);
    assert_eq!(list(&phone).text.matches("Ada's desk").count(), 1);

    // One, and then all others.
    let other = current(&phone);
    let ended = ada.browser.delete(&format!("/auth/sessions/{other}"));
    let _ended = ended.expect(204);
    let _dead = phone.get("/auth/profile").expect(401);
    let _alive = tablet.get("/auth/profile").expect(200);
    let _ended = ada.browser.delete("/auth/sessions").expect(200);
    let _dead = tablet.get("/auth/profile").expect(401);
    let _alive = ada.browser.get("/auth/profile").expect(200);
}

/// Wherever they are signed in, this browser too.
pub(crate) fn signed_out_everywhere(world: &World, ada: &mut Traveller) {
    let phone = ada.elsewhere(world);
    let out = ada.browser.send("POST", "/auth/logout/all", None);
    let out = out.expect(204);
    let clears = |(name, _): &&(String, String)| name == "clear-site-data";
    assert!(out.headers.iter().any(|header| clears(&header)), "{out:?}");
    assert_eq!(ada.browser.cookie("portcullis"), None);
    let _dead = phone.get("/auth/profile").expect(401);
    ada.person.enter(&ada.browser);
}

/// Over on the server's side too.
pub(crate) fn signed_out(world: &World, ada: &mut Traveller) {
    let cookie = ada.browser.cookie("portcullis").unwrap();
    let _out = ada.browser.send("POST", "/auth/logout", None).expect(204);
    assert_eq!(ada.browser.cookie("portcullis"), None);
    let cookie = format!("portcullis={cookie}");
    let thief = world.browser().with_header("cookie", &cookie);
    let _dead = thief.get("/auth/profile").expect(401);
    ada.person.enter(&ada.browser);
}
