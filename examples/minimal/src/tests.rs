//! The example does what the README says of it.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use portcullis_http_axum::backends::flow::{
    CreateApiTokenOutcome, NewApiToken, SignIn, SignInOutcome,
};
use portcullis_http_axum::core::api_token::{IpAllowlist, Scopes};
use portcullis_http_axum::core::backend::RequestContext;
use portcullis_http_axum::core::clock::ManualClock;
use portcullis_http_axum::core::identifier::Identifier;
use portcullis_http_axum::core::net::ClientInfo;
use portcullis_http_axum::core::secret::Password;
use portcullis_testing::{CapturedMailbox, CountingHasher};
use tower::ServiceExt as _;

use super::*;

const PASSWORD: &str = "correct horse battery staple";

#[tokio::test]
async fn the_example_guards_by_sign_in_scope_and_freshness() {
    let clock = Arc::new(ManualClock::default());
    let portcullis = Portcullis::builder(MemoryStore::new())
        .public_url("http://127.0.0.1:3000")
        .ephemeral_keys()
        .mailer(CapturedMailbox::new())
        .hasher(Arc::new(CountingHasher::new()))
        .clock(clock.clone())
        .without_workers()
        .build()
        .await
        .unwrap();
    let context = RequestContext {
        tenant: portcullis.default_tenant(),
        client: ClientInfo::default(),
    };
    let password = || Password::new(PASSWORD).unwrap();
    let ada = Identifier::email("ada@example.com").unwrap();
    portcullis
        .admin_open_account(context.tenant, ada, password())
        .await
        .unwrap();
    let sign_in = SignIn {
        identifier: "ada@example.com".into(),
        password: password(),
        replaces: None,
    };
    let SignInOutcome::SignedIn(signed_in) = portcullis.sign_in(sign_in, &context).await.unwrap()
    else {
        panic!("refused");
    };
    let new = NewApiToken {
        name: "reader".into(),
        scopes: Scopes::new(["read".parse().unwrap()]).unwrap(),
        ip_allowlist: IpAllowlist::default(),
        expires_in: None,
    };
    let made = portcullis
        .create_api_token(&signed_in.principal, new, &context)
        .await
        .unwrap();
    let CreateApiTokenOutcome::Created { token, .. } = made else {
        panic!("not made")
    };

    let app = app(portcullis);
    let cookie = (
        header::COOKIE,
        format!("portcullis={}", signed_in.cookie.expose()),
    );
    let bearer = (header::AUTHORIZATION, format!("Bearer {}", token.expose()));
    let get = async |path: &str, credential: Option<&(header::HeaderName, String)>| {
        let mut request = Request::get(path);
        if let Some((name, value)) = credential {
            request = request.header(name, value);
        }
        app.clone()
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap()
            .status()
    };
    for path in ["/me", "/deploy", "/danger"] {
        assert_eq!(get(path, None).await, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(get(path, Some(&cookie)).await, StatusCode::OK, "{path}");
    }
    assert_eq!(get("/me", Some(&bearer)).await, StatusCode::OK);
    assert_eq!(get("/deploy", Some(&bearer)).await, StatusCode::FORBIDDEN);
    assert_eq!(get("/danger", Some(&bearer)).await, StatusCode::FORBIDDEN);
    clock.advance(std::time::Duration::from_secs(5 * 60));
    assert_eq!(get("/danger", Some(&cookie)).await, StatusCode::FORBIDDEN);
    assert_eq!(get("/me", Some(&cookie)).await, StatusCode::OK);
}

#[test]
fn the_readme_shows_this_example_and_it_is_short() {
    let example = include_str!("main.rs");
    assert!(example.lines().count() <= 40);
    let (shown, _) = example.split_once("\n#[cfg(test)]").unwrap();
    assert!(include_str!("../../../README.md").contains(shown));
}
