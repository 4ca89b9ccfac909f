//! What every route leaves in the audit log, and what it does not.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use portcullis_backends::core::clock::Clock as _;
use portcullis_backends::core::event::{AuthEvent, AuthEventStatus, AuthEventType, Reason};
use portcullis_backends::core::id::UserId;
use portcullis_http_axum::{ROUTES, RoutePolicy, RouteSpec, Switch};

use crate::app::{ADA, Answer, App, Client};
use crate::samples::{Asked, Left, NEW, Sample};

/// Where the requests come from.
const HERE: &str = "192.0.2.77";

/// What is in the log and was not before.
fn new_since(before: &[AuthEvent], after: &[AuthEvent]) -> Vec<AuthEvent> {
    let before: BTreeSet<_> = before.iter().map(|event| event.id).collect();
    let new = after.iter().filter(|event| !before.contains(&event.id));
    new.cloned().collect()
}

/// The kinds and reasons of it, in the order that samples say them in; those of one moment have none in the log.
pub(crate) fn left_since(before: &[AuthEvent], after: &[AuthEvent]) -> Vec<Left> {
    left(&new_since(before, after))
}

fn left(events: &[AuthEvent]) -> Vec<Left> {
    let mut left: Vec<Left> = events
        .iter()
        .map(|event| {
            let is_done = event.status == AuthEventStatus::Success;
            assert_eq!(is_done, event.reason.is_none(), "{event:?}");
            (event.kind, event.reason)
        })
        .collect();
    left.sort_by_key(|(kind, _)| AuthEventType::ALL.iter().position(|one| one == kind));
    left
}

/// The request, and what it leaves: all of it says who, in which tenant, when, from where and in which request, and none
/// of it a secret.
async fn made(app: &App, asked: &mut Asked<'_>, about: Option<UserId>) -> (Answer, Vec<Left>) {
    asked.client.peer = Some(HERE.to_owned());
    let mut secrets: Vec<String> = asked.client.jar.values().cloned().collect();
    for (name, value) in asked.body.iter().flat_map(|body| body.as_object().unwrap()) {
        let is_public = matches!(name.as_str(), "email" | "identifier" | "name" | "scopes");
        secrets.extend(value.as_str().filter(|_| !is_public).map(str::to_owned));
    }
    let before = app.events().await;
    let answer = asked.send().await;
    secrets.extend(answer.set_cookies().into_iter().map(|cookie| cookie.value));
    let new = new_since(&before, &app.events().await);
    // Whoever is new has an id only now.
    let about = match about {
        Some(about) => Some(about),
        None => owner(app).await,
    };
    for event in &new {
        assert_eq!(
            event.tenant,
            Some(app.portcullis.default_tenant()),
            "{event:?}"
        );
        assert_eq!((event.subject, event.actor), (about, None), "{event:?}");
        assert_eq!(event.at, app.clock.now(), "{event:?}");
        assert_eq!(event.client.ip, Some(HERE.parse().unwrap()), "{event:?}");
        let id = event.client.request_id.as_deref();
        assert!(
            id.is_some() && id == answer.header("x-request-id"),
            "{event:?}"
        );
        let text = serde_json::to_string(event).unwrap();
        let told = secrets
            .iter()
            .find(|one| !one.is_empty() && text.contains(*one));
        assert!(told.is_none(), "{told:?} in {text}");
    }
    (answer, left(&new))
}

/// Whose account the samples are about: hers has moved where its address has.
async fn owner(app: &App) -> Option<UserId> {
    match id_of(app, ADA).await {
        Some(id) => Some(id),
        None => id_of(app, NEW).await,
    }
}

async fn id_of(app: &App, email: &str) -> Option<UserId> {
    let tenant = app.portcullis.default_tenant();
    let found = app.portcullis.admin_find_user(tenant, email).await.unwrap();
    found.map(|found| found.user.id)
}

/// Somebody whom the policy of a route lets no further.
#[derive(Clone, Copy, Debug)]
enum Intruder {
    /// In a session that is over, whose cookie comes by itself: nobody.
    Ended,
    /// With an API token that was revoked.
    Revoked,
    /// With an API token.
    ApiToken,
    /// In a session that began too long ago.
    Stale,
}

const INTRUDERS: [Intruder; 4] = [
    Intruder::Ended,
    Intruder::Revoked,
    Intruder::ApiToken,
    Intruder::Stale,
];

impl Intruder {
    fn is_kept_out_by(self, policy: RoutePolicy) -> bool {
        match self {
            Self::Ended | Self::Revoked => policy != RoutePolicy::Public,
            Self::ApiToken => !matches!(policy, RoutePolicy::Public | RoutePolicy::SignedIn),
            Self::Stale => policy == RoutePolicy::FreshSession,
        }
    }

    /// The request, made by them.
    async fn takes<'a>(self, app: &'a App, mut asked: Asked<'a>) -> Asked<'a> {
        let mut here: Client<'_> = app.client();
        here.sign_in(ADA).await;
        match self {
            Self::Ended => {
                let jar = here.jar.clone();
                here.post_empty("/auth/logout").await;
                asked.client.headers.clear();
                asked.client.jar = jar;
                asked
            }
            Self::ApiToken | Self::Revoked => {
                let token = here.api_token(&["a"]).await;
                if matches!(self, Self::Revoked) {
                    let revoked = here.delete("/auth/api-tokens").await;
                    revoked.expect(StatusCode::OK);
                }
                asked.bearing(&token)
            }
            Self::Stale => {
                app.advance(301);
                asked
            }
        }
    }

    /// Status and code of the answer, and the event.
    const fn refusal(self) -> (u16, &'static str, Left) {
        match self {
            Self::Ended => (
                401,
                "unauthenticated",
                (AuthEventType::CredentialRejected, Some(Reason::Revoked)),
            ),
            Self::Revoked => (
                401,
                "credential_rejected",
                (AuthEventType::CredentialRejected, Some(Reason::Revoked)),
            ),
            Self::ApiToken => (
                403,
                "credential_not_allowed",
                (AuthEventType::AccessDenied, Some(Reason::CredentialClass)),
            ),
            Self::Stale => (
                403,
                "step_up_required",
                (AuthEventType::AccessDenied, Some(Reason::NotFresh)),
            ),
        }
    }
}

// LG-01
#[tokio::test]
async fn every_route_leaves_what_it_declares_and_nothing_else_with_who_when_and_where() {
    let mut seen: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
    let mut note = |sample: Sample, left: &[Left]| {
        let route = sample.route();
        let kinds = left.iter().map(|(kind, _)| kind.as_str());
        seen.entry((route.path, route.verb))
            .or_default()
            .extend(kinds);
    };
    for sample in Sample::done().into_iter().chain(Sample::refused()) {
        let app = sample.app().await;
        let mut asked = sample.prepare(&app).await;
        let about = owner(&app).await;
        assert!(!sample.is_about_nobody() || about.is_none(), "{sample:?}");
        let (answer, left) = made(&app, &mut asked, about).await;
        assert_eq!(answer.status, sample.status(), "{sample:?}: {answer:?}");
        assert_eq!(left, sample.leaves(), "{sample:?}");
        note(sample, &left);
    }
    for intruder in INTRUDERS {
        for sample in Sample::done() {
            let is_in_a_session = sample != Sample::LogoutOfNobody;
            if !is_in_a_session || !intruder.is_kept_out_by(sample.route().policy) {
                continue;
            }
            let app = sample.app().await;
            let asked = sample.prepare(&app).await;
            let mut asked = intruder.takes(&app, asked).await;
            let about = owner(&app).await;
            let (answer, left) = made(&app, &mut asked, about).await;
            let (status, code, event) = intruder.refusal();
            // Signing out is for whoever has nothing to sign out of, too.
            let nobody_may = sample.route().policy == RoutePolicy::AnonymousOrSession;
            if nobody_may && matches!(intruder, Intruder::Ended) {
                assert_eq!(answer.status, sample.status(), "{sample:?}: {answer:?}");
            } else {
                assert_eq!(answer.status, status, "{sample:?} {intruder:?}: {answer:?}");
                assert_eq!(answer.code(), code, "{sample:?} {intruder:?}");
            }
            assert_eq!(left, [event], "{sample:?} {intruder:?}");
            note(sample, &left);
        }
    }
    let served = |route: &&RouteSpec| cfg!(feature = "jwt") || route.switch != Switch::Tokens;
    for route in ROUTES.iter().filter(served) {
        let seen = seen.get(&(route.path, route.verb));
        let seen = seen.unwrap_or_else(|| panic!("{route:?} was never asked"));
        let declared = route.events.iter().map(|kind| kind.as_str());
        let declared: BTreeSet<_> = declared
            .filter(|kind| cfg!(feature = "jwt") || *kind != AuthEventType::RefreshEnded.as_str())
            .collect();
        assert_eq!(*seen, declared, "{route:?}: left, and declared");
    }
}
