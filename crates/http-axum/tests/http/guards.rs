//! Extractors and guards on an app's own routes.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use portcullis_backends::Portcullis;
use portcullis_backends::core::event::{AuthEventType, Reason};
use portcullis_http_axum::{
    Auth, Fresh, HasScope, MaybeAuth, Require, SessionAuth, TokenAuth, scope,
};

use crate::app::{ADA, App};

scope!(pub(crate) Deploy = "deploy:write");

fn own_routes(router: Router, portcullis: &Portcullis) -> Router {
    let own = Router::new()
        .route("/me", get(async |Auth(principal): Auth| principal.handle))
        .route(
            "/maybe",
            get(async |MaybeAuth(principal): MaybeAuth| {
                principal.map_or("nobody".to_owned(), |p| p.handle)
            }),
        )
        .route(
            "/session",
            get(async |SessionAuth(principal): SessionAuth| principal.handle),
        )
        .route(
            "/token",
            get(async |TokenAuth(principal): TokenAuth| principal.handle),
        )
        .route("/fresh", get(async |_: Require<Fresh>| "fresh"))
        .route(
            "/deploy",
            get(async |_: Require<HasScope<Deploy>>| "deployed"),
        )
        .route(
            "/both",
            get(async |_: Require<(Fresh, HasScope<Deploy>)>| "both"),
        )
        .route(
            "/twice",
            get(async |Auth(a): Auth, Auth(b): Auth, _: Require<Fresh>| {
                format!("{}{}", a.handle, b.handle)
            }),
        )
        .with_state(portcullis.clone());
    router.merge(own)
}

async fn app() -> App {
    App::with(|builder| builder, own_routes).await
}

async fn get_with(app: &App, token: &str, path: &str) -> crate::app::Answer {
    crate::app::with_token(
        app,
        "authorization",
        &format!("Bearer {token}"),
        axum::http::Method::GET,
        path,
    )
    .await
}

#[tokio::test]
async fn anonymous_is_401_and_optional_is_nobody() {
    let app = app().await;
    for path in ["/me", "/session", "/token", "/fresh", "/deploy", "/both"] {
        let answer = app
            .client()
            .get(path)
            .await
            .expect(StatusCode::UNAUTHORIZED);
        assert!(answer.header("www-authenticate").is_some(), "{path}");
    }
    assert_eq!(
        app.client().get("/maybe").await.expect(StatusCode::OK).body,
        b"nobody"
    );
}

#[tokio::test]
async fn a_dead_cookie_is_anonymous_and_a_foreign_header_is_401_even_where_optional() {
    let app = app().await;
    let mut client = app.client();
    client
        .jar
        .insert("__Host-portcullis".to_owned(), "dead".to_owned());
    assert_eq!(
        client.get("/maybe").await.expect(StatusCode::OK).body,
        b"nobody"
    );
    get_with(&app, "foreign", "/maybe")
        .await
        .expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_guard_lets_the_right_credential_through() {
    let app = app().await;
    let mut ada = app.signed_in(ADA).await;
    let deploy = ada.api_token(&["deploy:write"]).await;
    let other = ada
        .api_token(&["deploy:writes", "deploy", "DEPLOY:WRITE"])
        .await;
    for path in [
        "/me", "/maybe", "/session", "/fresh", "/deploy", "/both", "/twice",
    ] {
        ada.get(path).await.expect(StatusCode::OK);
    }
    ada.get("/token").await.expect(StatusCode::FORBIDDEN);
    for path in ["/me", "/maybe", "/token", "/deploy"] {
        get_with(&app, &deploy, path).await.expect(StatusCode::OK);
    }
    for (path, code) in [
        ("/session", "credential_not_allowed"),
        ("/fresh", "step_up_required"),
    ] {
        let answer = get_with(&app, &deploy, path)
            .await
            .expect(StatusCode::FORBIDDEN);
        assert!(
            answer.code() == code || answer.code() == "credential_not_allowed",
            "{path}: {answer:?}"
        );
    }
    assert_eq!(
        get_with(&app, &other, "/deploy")
            .await
            .expect(StatusCode::FORBIDDEN)
            .code(),
        "missing_scope"
    );
    app.advance(5 * 60);
    assert_eq!(
        ada.get("/fresh").await.expect(StatusCode::FORBIDDEN).code(),
        "step_up_required"
    );
    ada.get("/me").await.expect(StatusCode::OK);
}

// LG-01
#[tokio::test]
async fn a_denial_is_in_the_audit_log() {
    let app = app().await;
    let mut ada = app.signed_in(ADA).await;
    let token = ada.api_token(&["other"]).await;
    app.advance(1);
    get_with(&app, &token, "/deploy")
        .await
        .expect(StatusCode::FORBIDDEN);
    let event = app.events().await.remove(0);
    assert_eq!(
        (event.kind, event.reason),
        (AuthEventType::AccessDenied, Some(Reason::MissingScope))
    );
    assert_eq!(event.subject, Some(app.user_id(ADA).await));
}

#[tokio::test]
async fn several_guards_on_one_route_read_the_store_once() {
    let app = app().await;
    let mut ada = app.signed_in(ADA).await;
    let before = app.store.calls();
    ada.get("/me").await.expect(StatusCode::OK);
    assert_eq!(app.store.calls() - before, 1);
    let before = app.store.calls();
    ada.get("/twice").await.expect(StatusCode::OK);
    assert_eq!(
        app.store.calls() - before,
        2,
        "one for the session, one for the policy's freshness"
    );
}

#[tokio::test]
async fn a_foreign_bearer_token_reaches_the_apps_own_backend() {
    use async_trait::async_trait;
    use portcullis_backends::core::backend::{
        AuthBackend, BackendError, Presented, RequestContext, Verdict,
    };
    use portcullis_backends::core::id::UserId;
    use portcullis_backends::core::principal::{Principal, Subject, Via};
    use portcullis_backends::core::session::{Assurance, AssuranceLevel};
    use portcullis_backends::core::time::Timestamp;

    #[derive(Debug)]
    struct Own;

    #[async_trait]
    impl AuthBackend for Own {
        fn name(&self) -> &'static str {
            "own"
        }

        fn claims(&self, presented: &Presented<'_>) -> bool {
            presented
                .credential
                .is_some_and(|c| c.expose().starts_with("own."))
        }

        async fn authenticate(
            &self,
            _: &Presented<'_>,
            context: &RequestContext,
        ) -> Result<Verdict, BackendError> {
            Ok(Verdict::Authenticated(Box::new(Principal {
                subject: Subject::User(UserId::from_integer(7)),
                handle: "own".to_owned(),
                tenant: context.tenant,
                via: Via::Other,
                assurance: Assurance {
                    level: AssuranceLevel::Aal1,
                    factors: vec![],
                    at: Timestamp::UNIX_EPOCH,
                },
                scopes: None,
                roles: Default::default(),
                actor: None,
            })))
        }
    }
    let app = App::with(|builder| builder.backend(Arc::new(Own)), own_routes).await;
    assert_eq!(
        get_with(&app, "own.token", "/me")
            .await
            .expect(StatusCode::OK)
            .body,
        b"own"
    );
    get_with(&app, "other.token", "/me")
        .await
        .expect(StatusCode::UNAUTHORIZED);
}

// HT-04
#[tokio::test]
async fn basic_is_ambient_so_other_sites_cannot_use_it() {
    let app = App::with(|builder| builder.enable_basic(), own_routes).await;
    app.client().register(ADA).await;
    let mut program = app.client();
    // ada@example.com:correct horse battery staple
    let basic = "Basic YWRhQGV4YW1wbGUuY29tOmNvcnJlY3QgaG9yc2UgYmF0dGVyeSBzdGFwbGU=";
    program
        .headers
        .insert("authorization", basic.parse().unwrap());
    program.check().await.expect(StatusCode::OK);
    program.get("/me").await.expect(StatusCode::OK);
    program.get("/session").await.expect(StatusCode::FORBIDDEN);
    program
        .headers
        .insert("origin", "https://evil.example".parse().unwrap());
    assert_eq!(
        program.check().await.expect(StatusCode::FORBIDDEN).code(),
        "cross_site_request"
    );
}
