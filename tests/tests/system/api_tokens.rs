//! A token for a program, in both headers, and its end.

use portcullis_tests::{ApiToken, World};
use serde_json::json;

use crate::{Traveller, check};

pub(crate) fn made_used_and_revoked(world: &World, ada: &mut Traveller) {
    let made = ApiToken::create(&ada.browser, "deploy");
    let listed = ada.browser.get("/auth/api-tokens").expect(200);
    assert_eq!(listed.json()["api_tokens"][0]["id"], made.id.as_str());
    assert!(!listed.text.contains(&made.token), "{listed:?}");
    let bearer = made.bearer(world.browser());
    let principal = bearer.send("POST", "/auth/check-auth", None).expect(200);
    assert!(principal.text.contains("api_token"), "{principal:?}");
    assert_eq!(principal.json()["handle"], ada.person.email.as_str());
    assert_eq!(principal.json()["scopes"], json!(["read", "write"]));
    let api_key = world.browser().with_header("x-api-key", &made.token);
    assert_eq!(check(&api_key), 200);

    // Revoked is refused at once.
    let path = format!("/auth/api-tokens/{}", made.id);
    let _revoked = ada.browser.delete(&path).expect(204);
    assert_eq!((check(&bearer), check(&api_key)), (401, 401));
}
