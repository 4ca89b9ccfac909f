//! Guards on routes of the application's own, without any layer of ours.

use std::any::TypeId;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, header};
use axum::response::Response;
use axum::routing::post;
use portcullis_backends::FlowError;
use portcullis_core::backend::{AuthBackend, BackendError, Presented, RequestContext, Verdict};
use portcullis_core::clock::ManualClock;
use portcullis_core::entropy::SeededEntropy;
use portcullis_core::id::UserId;
use portcullis_core::principal::{Subject, Via};
use portcullis_core::session::{Assurance, AssuranceLevel};
use portcullis_core::time::Timestamp;
use portcullis_stores_kv::MemoryStore;
use portcullis_testing::{CapturedMailbox, CountingHasher};
use portcullis_tokens::keys::KeyRings;
use tower::ServiceExt as _;

use super::*;
use crate::policy::{Denied, HasScope, SignedIn};
use crate::request_id::{REQUEST_ID, RequestId};
use crate::view::ForBackends;
use crate::{Code, csrf_layer};

/// Knows everybody who presents its name, in whatever way.
#[derive(Debug)]
struct Named(&'static str);

#[async_trait]
impl AuthBackend for Named {
    fn name(&self) -> &'static str {
        self.0
    }

    fn claims(&self, presented: &Presented<'_>) -> bool {
        let left = presented.request.extension(TypeId::of::<&'static str>());
        let left = left.and_then(|value| value.downcast_ref::<&'static str>());
        presented.credential.is_some_and(|c| c.expose() == self.0) || left == Some(&self.0)
    }

    async fn authenticate(
        &self,
        _: &Presented<'_>,
        context: &RequestContext,
    ) -> Result<Verdict, BackendError> {
        Ok(Verdict::Authenticated(Box::new(Principal {
            subject: Subject::User(UserId::from_integer(1)),
            handle: self.0.to_owned(),
            tenant: context.tenant,
            via: Via::Other,
            assurance: Assurance {
                level: AssuranceLevel::Aal1,
                factors: Vec::new(),
                at: Timestamp::UNIX_EPOCH,
            },
            scopes: None,
            roles: Default::default(),
            actor: None,
        })))
    }
}

async fn instance(name: &'static str, public_url: &str) -> Portcullis {
    let keys = KeyRings::generate(&SeededEntropy::new(1), Timestamp::UNIX_EPOCH).unwrap();
    Portcullis::builder(MemoryStore::new())
        .keys(keys)
        .public_url(public_url)
        .mailer(CapturedMailbox::new())
        .hasher(Arc::new(CountingHasher::new()))
        .clock(Arc::new(ManualClock::default()))
        .backend(Arc::new(Named(name)))
        .without_workers()
        .build()
        .await
        .unwrap()
}

async fn send(router: &Router, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::empty()).unwrap();
    router.clone().oneshot(request).await.unwrap()
}

async fn who(MaybeAuth(principal): MaybeAuth) -> String {
    principal.map_or_else(|| "nobody".to_owned(), |principal| principal.handle)
}

const COOKIE: (&str, &str) = ("cookie", "__Host-portcullis=ada");
const EVIL: (&str, &str) = ("origin", "https://evil.example");

// HT-04
#[tokio::test]
async fn a_guard_refuses_another_site_without_a_layer() {
    let portcullis = instance("ada", "https://auth.example.com").await;
    let router = Router::new()
        .route("/", post(who).get(who))
        .with_state(portcullis);
    let refused = send(&router, "POST", "/", &[COOKIE, EVIL]).await;
    assert_eq!(refused.status(), 403);
    // Without the cookie nothing is done in anybody's name; with a header it was no browser's doing.
    for headers in [
        &[EVIL][..],
        &[EVIL, ("authorization", "Bearer ada")],
        &[COOKIE, ("origin", "https://auth.example.com")],
        &[COOKIE],
    ] {
        let response = send(&router, "POST", "/", headers).await;
        assert_eq!(response.status(), 200, "{headers:?}");
    }
    assert_eq!(
        send(&router, "GET", "/", &[COOKIE, EVIL]).await.status(),
        200
    );
    let upgrade = [COOKIE, EVIL, ("upgrade", "websocket")];
    assert_eq!(send(&router, "GET", "/", &upgrade).await.status(), 403);
}

// HT-04
#[tokio::test]
async fn the_layer_guards_other_routes_and_lets_allowed_origins_through_to_the_guards() {
    let portcullis = instance("ada", "https://auth.example.com").await;
    let layer = csrf_layer(&portcullis)
        .allow_origin("https://app.example.com")
        .unwrap();
    let router = Router::new()
        .route("/open", post(async || "open"))
        .route("/who", post(who))
        .layer(layer)
        .with_state(portcullis);
    let app = ("origin", "https://app.example.com");
    for (path, headers, status) in [
        ("/open", &[EVIL][..], 403),
        ("/open", &[EVIL, ("authorization", "Basic YTpi")], 403),
        ("/open", &[EVIL, ("authorization", "Bearer x")], 200),
        ("/open", &[EVIL, ("x-api-key", "x")], 200),
        ("/open", &[app], 200),
        ("/who", &[app, COOKIE], 200),
        ("/who", &[EVIL, COOKIE], 403),
    ] {
        let response = send(&router, "POST", path, headers).await;
        assert_eq!(response.status(), status, "{path} {headers:?}");
    }
}

#[tokio::test]
async fn two_instances_in_one_process_do_not_share_what_they_found() {
    let first = instance("ada", "https://one.example.com").await;
    let second = instance("grace", "http://127.0.0.1:8080").await;
    let (mut parts, ()) = Request::builder()
        .header("authorization", "Bearer ada")
        .body(())
        .unwrap()
        .into_parts();
    for _ in 0..2 {
        let Auth(principal) = Auth::from_request_parts(&mut parts, &first).await.unwrap();
        assert_eq!(principal.handle, "ada");
        let refused = Auth::from_request_parts(&mut parts, &second)
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::CredentialRejected);
    }
    // Each has its own cookie and its own origin.
    let router = Router::new().route("/", post(who));
    for (cookie, origin, passed) in [
        ("__Host-portcullis=x", "https://one.example.com", [200, 200]),
        ("__Host-portcullis=x", "http://127.0.0.1:8080", [403, 200]),
        ("portcullis=x", "https://one.example.com", [200, 403]),
        ("portcullis=x", "http://127.0.0.1:8080", [200, 200]),
    ] {
        for (instance, status) in [&first, &second].into_iter().zip(passed) {
            let router = router.clone().with_state(instance.clone());
            let headers = [("cookie", cookie), ("origin", origin)];
            let response = send(&router, "POST", "/", &headers).await;
            assert_eq!(response.status(), status, "{cookie} {origin}");
        }
    }
}

#[tokio::test]
async fn a_backend_finds_what_a_layer_of_the_application_left() {
    let portcullis = instance("ada", "https://auth.example.com").await;
    let (mut parts, ()) = Request::new(()).into_parts();
    parts
        .extensions
        .insert(ForBackends::new().with("ada").with(7_u8));
    let MaybeAuth(found) = MaybeAuth::from_request_parts(&mut parts, &portcullis)
        .await
        .unwrap();
    assert_eq!(found.unwrap().handle, "ada");
}

#[tokio::test]
async fn a_refusal_carries_the_id_that_the_application_gave_the_request() {
    let portcullis = instance("ada", "https://auth.example.com").await;
    let (mut parts, ()) = Request::new(()).into_parts();
    parts
        .headers
        .insert(REQUEST_ID, "chosen-outside".parse().unwrap());
    let refused = Auth::from_request_parts(&mut parts, &portcullis)
        .await
        .unwrap_err();
    let mut headers = HeaderMap::new();
    refused.apply_headers(&mut headers);
    assert_ne!(headers[REQUEST_ID], "chosen-outside");

    let (mut parts, ()) = Request::new(()).into_parts();
    parts.extensions.insert(RequestId::new("own-1").unwrap());
    let refused = Auth::from_request_parts(&mut parts, &portcullis)
        .await
        .unwrap_err();
    refused.apply_headers(&mut headers);
    assert_eq!(headers[REQUEST_ID], "own-1");
}

crate::scope!(Deploy = "deploy:write");

struct Never;

impl Policy for Never {
    async fn check(_: &Principal, _: &Portcullis) -> Result<(), CheckError> {
        Err(Denied::missing_scope(<Deploy as crate::ScopeName>::SCOPE).into())
    }
}

struct Undecided;

impl Policy for Undecided {
    async fn check(_: &Principal, _: &Portcullis) -> Result<(), CheckError> {
        Err(FlowError::Unavailable("no answer".into()).into())
    }
}

async fn refusal<P: Policy>() -> (Code, HeaderMap) {
    let portcullis = instance("ada", "https://auth.example.com").await;
    let (mut parts, ()) = Request::builder()
        .header("x-api-key", "ada")
        .body(())
        .unwrap()
        .into_parts();
    let refused = Require::<P>::from_request_parts(&mut parts, &portcullis).await;
    let refused = refused.unwrap_err();
    let mut headers = HeaderMap::new();
    refused.apply_headers(&mut headers);
    (refused.code(), headers)
}

#[tokio::test]
async fn a_policy_denies_or_cannot_decide_and_the_answers_differ() {
    let (code, headers) = refusal::<(SignedIn, HasScope<Deploy>, Never)>().await;
    assert_eq!(code, Code::MissingScope);
    let challenge = "Bearer error=\"insufficient_scope\", scope=\"deploy:write\"";
    assert_eq!(headers[header::WWW_AUTHENTICATE], challenge);
    // The first that does not let through decides.
    let (code, headers) = refusal::<(Undecided, Never)>().await;
    assert_eq!(code, Code::Unavailable);
    assert!(headers.contains_key(header::RETRY_AFTER));
}
