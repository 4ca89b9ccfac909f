//! The routes that take a name: whoever has it, they answer the same, do the same work and are limited alike.
//!
//! They are found in the document that the app serves, so that a new one is walked as well.

mod routes;
mod states;

use axum::http::StatusCode;
use portcullis_backends::core::policy::PolicyOverrides;

use self::routes::Route;
pub(crate) use self::states::{STATES, address, everybody};
use crate::app::{Answer, App, Client, PASSWORD};

const WRONG: &str = "wrong horse battery staple";
/// More than any limit of one name lets through.
const MANY: usize = 200;

/// What a request costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cost {
    hashes: u64,
    calls: u64,
    writes: u64,
}

impl Cost {
    fn so_far(app: &App) -> Self {
        Self {
            hashes: app.hasher.hashes(),
            calls: app.store.calls(),
            writes: app.store.writes(),
        }
    }

    fn since(app: &App, before: Self) -> Self {
        let now = Self::so_far(app);
        Self {
            hashes: now.hashes - before.hashes,
            calls: now.calls - before.calls,
            writes: now.writes - before.writes,
        }
    }
}

/// How a name is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spelling {
    /// As it is known.
    Known,
    /// Otherwise, and it is the same name.
    Other,
}

impl Spelling {
    fn of(self, name: &str) -> String {
        match self {
            Self::Known => name.to_owned(),
            Self::Other => name.to_uppercase(),
        }
    }
}

/// How a route is asked about everybody.
#[derive(Clone, Copy, Debug)]
struct Asking<'a> {
    encoding: &'a str,
    spelling: Spelling,
    locked: bool,
}

/// Every way to sign in, where links make accounts and where they do not.
fn policies() -> [PolicyOverrides; 2] {
    [true, false].map(|links_make_accounts| PolicyOverrides {
        email_code: Some(true),
        magic_link_sign_up: Some(links_make_accounts),
        ..Default::default()
    })
}

async fn app(policy: PolicyOverrides) -> App {
    App::with(|builder| builder.policy(policy), |router, _| router).await
}

/// A client who may ask the route: somebody else, where it takes somebody who is signed in.
async fn asker<'a>(app: &'a App, route: &Route, number: usize) -> Client<'a> {
    match route.needs_session {
        true => app.signed_in(&format!("asker{number}@example.com")).await,
        false => app.client(),
    }
}

/// The answer without what is drawn at random: request id, and cookies with all that repeats them.
fn masked(answer: &Answer) -> String {
    let cookies = answer.set_cookies().into_iter();
    cookies
        .filter(|cookie| !cookie.value.is_empty())
        .fold(answer.normalized(), |text, cookie| {
            text.replace(&cookie.value, &"x".repeat(cookie.value.len()))
        })
}

/// Whether the route did what it is there for, or refused a password.
fn is_expected(route: &Route, answer: &Answer, locked: bool) -> bool {
    match answer.status {
        StatusCode::ACCEPTED => true,
        StatusCode::UNAUTHORIZED => route.takes_password,
        StatusCode::TOO_MANY_REQUESTS => route.takes_password && locked,
        _ => false,
    }
}

/// Asks twice at once about everybody; what tells somebody from nobody.
async fn told_apart(route: &Route, policy: &PolicyOverrides, asking: Asking<'_>) -> Vec<String> {
    let Asking {
        encoding,
        spelling,
        locked,
    } = asking;
    let app = app(policy.clone()).await;
    everybody(&app).await;
    if locked {
        states::lock_out(&app).await;
    }
    let mut told = Vec::new();
    for (number, state) in STATES.into_iter().enumerate() {
        // Who is active is refused for a wrong password, everybody else and whoever is locked out with the right one.
        let is_right = locked || state != "active";
        let password = if is_right { PASSWORD } else { WRONG };
        let who = spelling.of(&address(state));
        let mut asker = asker(&app, route, number).await;
        let mut story = Vec::new();
        for _ in 0..2 {
            let before = Cost::so_far(&app);
            let answer = route.ask(&mut asker, encoding, &who, password).await;
            let cost = Cost::since(&app, before);
            assert!(
                is_expected(route, &answer, locked),
                "{route} as {encoding}, {state}: the sample body does not do: {answer:?}"
            );
            let has_to_wait = answer.status == StatusCode::TOO_MANY_REQUESTS;
            let seconds = answer.header("retry-after");
            assert_eq!(seconds.is_some(), has_to_wait, "{route}, {state}");
            let is_hashed = route.takes_password && !has_to_wait;
            assert_eq!(cost.hashes, u64::from(is_hashed), "{route}, {state}");
            story.push((masked(&answer), cost));
        }
        told.push(story);
    }
    let mut differences = Vec::new();
    for (state, story) in STATES.iter().zip(&told) {
        for (time, (theirs, nobodys)) in story.iter().zip(&told[0]).enumerate() {
            if theirs != nobodys {
                differences.push(format!(
                    "{route}, {asking:?}, {state}, time {time}: {theirs:?}\n  and not {nobodys:?}"
                ));
            }
        }
    }
    differences
}

/// All that tells somebody from nobody, on every route.
async fn differences(policy: &PolicyOverrides, spelling: Spelling, locked: bool) -> String {
    let mut differences = Vec::new();
    for route in routes::that_take_a_name().await {
        for encoding in &route.encodings {
            let asking = Asking {
                encoding,
                spelling,
                locked,
            };
            differences.extend(told_apart(&route, policy, asking).await);
        }
    }
    differences.join("\n")
}

// TH-01, TH-02
#[tokio::test]
async fn a_route_that_takes_a_name_answers_and_costs_the_same_whoever_has_it() {
    for policy in policies() {
        let told = differences(&policy, Spelling::Known, false).await;
        assert!(told.is_empty(), "{told}");
    }
}

// TH-01, TH-02
#[tokio::test]
async fn another_spelling_of_a_name_is_answered_and_costs_the_same() {
    let [policy, _] = policies();
    let told = differences(&policy, Spelling::Other, false).await;
    assert!(told.is_empty(), "{told}");
}

// TH-01, TH-02, TH-04
#[tokio::test]
async fn names_that_are_locked_out_answer_and_cost_the_same_whoever_has_them() {
    let [policy, _] = policies();
    let told = differences(&policy, Spelling::Known, true).await;
    assert!(told.is_empty(), "{told}");
}

/// What a name is answered until it is limited, and then.
async fn until_limited(app: &App, route: &Route, state: &str, number: usize) -> Vec<String> {
    let (who, encoding) = (address(state), &route.encodings[0]);
    let mut answers = Vec::new();
    for time in 0..MANY {
        // Whoever asks is limited too: each asks once, from somewhere else.
        let mut asker = asker(app, route, number * MANY + time).await;
        let answer = route.ask(&mut asker, encoding, &who, WRONG).await;
        answers.push(masked(&answer));
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            return answers;
        }
    }
    panic!("{route} does not limit how often one name is asked for");
}

// TH-01, TH-04, TH-08
#[tokio::test]
async fn a_route_that_takes_a_name_limits_it_alike_whoever_has_it() {
    // Where failures delay the next try, and where the limits of the route are all there is.
    for free_attempts in [None, Some(100)] {
        let [policy, _] = policies();
        let policy = PolicyOverrides {
            lockout_free_attempts: free_attempts,
            ..policy
        };
        for route in routes::that_take_a_name().await {
            let app = app(policy.clone()).await;
            everybody(&app).await;
            let mut told = Vec::new();
            for (number, state) in STATES.into_iter().enumerate() {
                told.push(until_limited(&app, &route, state, number).await);
            }
            for (state, answers) in STATES.iter().zip(&told) {
                assert_eq!(*answers, told[0], "{route}: {state}");
            }
            let mut asker = asker(&app, &route, STATES.len() * MANY).await;
            let (who, encoding) = ("somebody@example.com", &route.encodings[0]);
            let other = route.ask(&mut asker, encoding, who, WRONG).await;
            let is_free = is_expected(&route, &other, false);
            assert!(is_free, "{route} limits other names too: {other:?}");
        }
    }
}

#[tokio::test]
async fn the_routes_that_take_a_name_are_found() {
    let routes = routes::that_take_a_name().await;
    let found: Vec<_> = routes.iter().map(ToString::to_string).collect();
    for route in ["sign-in", "signup", "password/forgot", "email-code/send"] {
        let route = format!("POST /auth/{route}");
        assert!(found.contains(&route), "{route} is not among {found:?}");
    }
}
