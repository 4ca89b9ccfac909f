//! A mounted app, and a client with a cookie jar.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use portcullis_backends::core::clock::{Clock, ManualClock};
use portcullis_backends::core::entropy::SeededEntropy;
use portcullis_backends::core::event::{AuthEvent, EventQueryFilter};
use portcullis_backends::core::id::UserId;
use portcullis_backends::core::state::EntityState;
use portcullis_backends::core::store::{
    AuditQuery, IdentityStore, PasswordHistory, RateLimitStore, ResolveSession, SessionStore,
    TicketStore,
};
use portcullis_backends::flow::{AdminOutcome, StateChange};
use portcullis_backends::tokens::keys::KeyRings;
use portcullis_backends::{Builder, Portcullis};
use portcullis_stores_kv::MemoryStore;
use portcullis_testing::{CapturedMailbox, CountingHasher};
use serde_json::{Value, json};
use tower::ServiceExt as _;

pub(crate) const ADA: &str = "ada@example.com";
pub(crate) const PASSWORD: &str = "correct horse battery staple";
pub(crate) const ORIGIN: &str = "https://auth.example.com";

pub(crate) struct App {
    pub(crate) portcullis: Portcullis,
    pub(crate) store: MemoryStore,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) mailbox: CapturedMailbox,
    pub(crate) hasher: Arc<CountingHasher>,
    pub(crate) router: Router,
    /// Every `Set-Cookie` that any answer had.
    pub(crate) cookies_seen: Arc<Mutex<Vec<String>>>,
    peers: AtomicU32,
}

impl App {
    pub(crate) async fn new() -> Self {
        Self::with(|builder| builder, |router, _| router).await
    }

    pub(crate) async fn with(
        change: impl FnOnce(Builder<MemoryStore>) -> Builder<MemoryStore>,
        mount: impl FnOnce(Router, &Portcullis) -> Router,
    ) -> Self {
        Self::on(|store| store, change, mount).await
    }

    /// The same, on what `wrap` makes of the store.
    pub(crate) async fn on<S>(
        wrap: impl FnOnce(MemoryStore) -> S,
        change: impl FnOnce(Builder<S>) -> Builder<S>,
        mount: impl FnOnce(Router, &Portcullis) -> Router,
    ) -> Self
    where
        S: IdentityStore + SessionStore + ResolveSession,
        S: TicketStore + RateLimitStore + AuditQuery + PasswordHistory,
    {
        let (store, clock, mailbox) = (
            MemoryStore::new(),
            Arc::new(ManualClock::default()),
            CapturedMailbox::new(),
        );
        let hasher = Arc::new(CountingHasher::new());
        let builder = Portcullis::builder(wrap(store.clone()))
            .keys(KeyRings::generate(&SeededEntropy::new(1), clock.now()).unwrap())
            .public_url(ORIGIN)
            .mailer(mailbox.clone())
            .hasher(hasher.clone())
            .clock(clock.clone())
            .with_audit_query()
            .with_password_history()
            .without_workers();
        #[cfg(feature = "jwt")]
        let builder = builder.access_tokens(jwt_keys());
        let portcullis = change(builder).build().await.unwrap();
        let router = mount(
            Router::new().merge(portcullis_http_axum::routes(&portcullis)),
            &portcullis,
        );
        Self {
            portcullis,
            store,
            clock,
            mailbox,
            hasher,
            router,
            cookies_seen: Arc::default(),
            peers: AtomicU32::new(0),
        }
    }

    /// A browser without cookies.
    pub(crate) fn client(&self) -> Client<'_> {
        Client {
            app: self,
            jar: BTreeMap::new(),
            peer: None,
            headers: HeaderMap::new(),
        }
    }

    pub(crate) fn advance(&self, secs: u64) {
        self.clock.advance(Duration::from_secs(secs));
    }

    /// Delivers what is due and returns the token of the latest mail to an address.
    pub(crate) async fn mailed_token(&self, email: &str) -> String {
        self.portcullis.run_due().await.unwrap();
        self.mailbox
            .last_to(email)
            .unwrap()
            .token()
            .unwrap()
            .to_owned()
    }

    /// The token of a new link that sets a password.
    pub(crate) async fn reset_link(&self, email: &str) -> String {
        // Mails of one moment come in no order.
        self.advance(1);
        self.client()
            .forgot_password(email)
            .await
            .expect(StatusCode::ACCEPTED);
        self.mailed_token(email).await
    }

    /// A client signed up, verified and signed in over HTTP.
    pub(crate) async fn signed_in(&self, email: &str) -> Client<'_> {
        let mut client = self.client();
        client.register(email).await;
        client.sign_in(email).await.expect(StatusCode::OK);
        client
    }

    pub(crate) async fn user_id(&self, email: &str) -> UserId {
        let tenant = self.portcullis.default_tenant();
        self.portcullis
            .admin_find_user(tenant, email)
            .await
            .unwrap()
            .unwrap()
            .user
            .id
    }

    pub(crate) async fn set_state(&self, email: &str, to: EntityState) {
        let user = self.user_id(email).await;
        let change = StateChange {
            to,
            reason: None,
            until: None,
        };
        let outcome = self
            .portcullis
            .admin_set_state(self.portcullis.default_tenant(), user, change)
            .await
            .unwrap();
        assert_eq!(outcome, AdminOutcome::Done);
    }

    pub(crate) async fn events(&self) -> Vec<AuthEvent> {
        let tenant = self.portcullis.default_tenant();
        self.portcullis
            .admin_audit(tenant, &EventQueryFilter::default())
            .await
            .unwrap()
    }

    /// Sends a request as it is, from a peer.
    pub(crate) async fn send(&self, mut request: Request<Body>, peer: &str) -> Answer {
        let peer: SocketAddr = format!("{peer}:40000").parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            self.cookies_seen
                .lock()
                .unwrap()
                .push(cookie.to_str().unwrap().to_owned());
        }
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    /// A peer that nobody used before, so that limits by address stay out of the way.
    pub(crate) fn next_peer(&self) -> String {
        let [_, b, c, d] = self.peers.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        format!("10.{b}.{c}.{d}")
    }
}

#[cfg(feature = "jwt")]
fn jwt_keys() -> portcullis_backends::tokens::jwt::JwtKeys {
    use portcullis_backends::tokens::{OsEntropy, jwt::JwtAlgorithm, jwt::JwtKeys};
    JwtKeys::generate(
        JwtAlgorithm::EdDsa,
        &OsEntropy,
        ManualClock::default().now(),
    )
    .unwrap()
}

pub(crate) struct Client<'a> {
    app: &'a App,
    pub(crate) jar: BTreeMap<String, String>,
    /// Every request comes from here; each from somewhere else where it is `None`.
    pub(crate) peer: Option<String>,
    /// Headers that go with every request.
    pub(crate) headers: HeaderMap,
}

impl Client<'_> {
    pub(crate) async fn request(
        &mut self,
        method: Method,
        path: &str,
        body: Option<(&str, Vec<u8>)>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !self.jar.is_empty() {
            let jar: Vec<_> = self
                .jar
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            request = request.header(header::COOKIE, jar.join("; "));
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let body = match body {
            Some((content_type, bytes)) => {
                request = request.header(header::CONTENT_TYPE, content_type);
                Body::from(bytes)
            }
            None => Body::empty(),
        };
        let peer = self.peer.clone().unwrap_or_else(|| self.app.next_peer());
        let answer = self.app.send(request.body(body).unwrap(), &peer).await;
        for cookie in answer.set_cookies() {
            if cookie.max_age == Some(0) {
                self.jar.remove(&cookie.name);
            } else {
                self.jar.insert(cookie.name, cookie.value);
            }
        }
        answer
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.request(Method::GET, path, None).await
    }

    pub(crate) async fn delete(&mut self, path: &str) -> Answer {
        self.request(Method::DELETE, path, None).await
    }

    pub(crate) async fn post(&mut self, path: &str, body: Value) -> Answer {
        self.request(
            Method::POST,
            path,
            Some(("application/json", body.to_string().into_bytes())),
        )
        .await
    }

    pub(crate) async fn patch(&mut self, path: &str, body: Value) -> Answer {
        let body = ("application/json", body.to_string().into_bytes());
        self.request(Method::PATCH, path, Some(body)).await
    }

    pub(crate) async fn post_empty(&mut self, path: &str) -> Answer {
        self.request(Method::POST, path, None).await
    }

    pub(crate) async fn sign_up(&mut self, email: &str) -> Answer {
        self.post(
            "/auth/signup",
            json!({ "email": email, "password": PASSWORD }),
        )
        .await
    }

    pub(crate) async fn verify(&mut self, token: &str) -> Answer {
        self.post("/auth/signup/verify", json!({ "token": token }))
            .await
    }

    pub(crate) async fn sign_in(&mut self, who: &str) -> Answer {
        self.sign_in_with(who, PASSWORD).await
    }

    pub(crate) async fn sign_in_with(&mut self, who: &str, password: &str) -> Answer {
        self.post(
            "/auth/sign-in",
            json!({ "identifier": who, "password": password }),
        )
        .await
    }

    /// Signs up and proves the address.
    pub(crate) async fn register(&mut self, email: &str) {
        self.sign_up(email).await.expect(StatusCode::ACCEPTED);
        let token = self.app.mailed_token(email).await;
        assert!(self.verify(&token).await.status.is_success());
    }

    pub(crate) async fn forgot_password(&mut self, email: &str) -> Answer {
        self.post("/auth/password/forgot", json!({ "email": email }))
            .await
    }

    pub(crate) async fn reset_password(&mut self, token: &str, password: &str) -> Answer {
        let body = json!({ "token": token, "password": password });
        self.post("/auth/password/reset", body).await
    }

    pub(crate) async fn change_password(&mut self, current: &str, new: &str) -> Answer {
        let body = json!({ "current_password": current, "new_password": new });
        self.post("/auth/password/change", body).await
    }

    pub(crate) async fn step_up(&mut self, password: &str) -> Answer {
        self.post("/auth/step-up", json!({ "password": password }))
            .await
    }

    /// Makes an API token and returns it.
    pub(crate) async fn api_token(&mut self, scopes: &[&str]) -> String {
        let answer = self
            .post(
                "/auth/api-tokens",
                json!({ "name": "test", "scopes": scopes }),
            )
            .await;
        answer.expect(StatusCode::CREATED).json()["token"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    pub(crate) async fn check(&mut self) -> Answer {
        self.post_empty("/auth/check-auth").await
    }
}

/// The same request from nobody but the bearer of a token.
pub(crate) async fn with_token(
    app: &App,
    header_name: &str,
    value: &str,
    method: Method,
    path: &str,
) -> Answer {
    let mut client = app.client();
    let name: header::HeaderName = header_name.parse().unwrap();
    client.headers.insert(name, value.parse().unwrap());
    client.request(method, path, None).await
}

pub(crate) async fn bearer(app: &App, token: &str) -> Answer {
    with_token(
        app,
        "authorization",
        &format!("Bearer {token}"),
        Method::POST,
        "/auth/check-auth",
    )
    .await
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct SetCookie {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) max_age: Option<i64>,
    pub(crate) attributes: Vec<String>,
}

impl Answer {
    #[track_caller]
    pub(crate) fn expect(self, status: StatusCode) -> Self {
        assert_eq!(
            self.status,
            status,
            "{}",
            String::from_utf8_lossy(&self.body)
        );
        self
    }

    #[track_caller]
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The stable code of a problem.
    #[track_caller]
    pub(crate) fn code(&self) -> String {
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{self:?}"
        );
        self.json()["code"].as_str().unwrap().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn set_cookies(&self) -> Vec<SetCookie> {
        self.headers
            .get_all(header::SET_COOKIE)
            .iter()
            .map(|value| SetCookie::parse(value.to_str().unwrap()))
            .collect()
    }

    /// Everything but what must differ from one answer to the next: request id and cookie values.
    pub(crate) fn normalized(&self) -> String {
        let request_id = self.header("x-request-id").unwrap_or_default().to_owned();
        let mut lines = vec![self.status.to_string()];
        for (name, value) in &self.headers {
            let value = value.to_str().unwrap();
            let value = match name.as_str() {
                "x-request-id" => "-".to_owned(),
                "set-cookie" => {
                    let cookie = SetCookie::parse(value);
                    format!(
                        "{}={} {:?}",
                        cookie.name,
                        "x".repeat(cookie.value.len()),
                        cookie.attributes
                    )
                }
                _ => value.to_owned(),
            };
            lines.push(format!("{name}: {value}"));
        }
        let body = String::from_utf8(self.body.clone()).unwrap();
        lines.push(if request_id.is_empty() {
            body
        } else {
            body.replace(&request_id, "-")
        });
        lines.join("\n")
    }
}

impl SetCookie {
    pub(crate) fn parse(text: &str) -> Self {
        let mut parts = text.split("; ");
        let (name, value) = parts.next().unwrap().split_once('=').unwrap();
        let attributes: Vec<_> = parts.map(str::to_owned).collect();
        let max_age = attributes
            .iter()
            .find_map(|a| a.strip_prefix("Max-Age="))
            .map(|n| n.parse().unwrap());
        Self {
            name: name.to_owned(),
            value: value.to_owned(),
            max_age,
            attributes,
        }
    }
}
