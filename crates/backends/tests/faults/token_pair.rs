//! Access and refresh tokens. A caller whose answer got lost comes again within the grace, so here the clock stands
//! still until it did.

use portcullis_backends::FlowError;
use portcullis_backends::core::backend::Credential;
use portcullis_backends::core::clock::{Clock, ManualClock};
use portcullis_backends::core::entropy::SeededEntropy;
use portcullis_backends::core::event::{AuthEvent, AuthEventStatus, AuthEventType};
use portcullis_backends::core::id::RefreshFamilyId;
use portcullis_backends::core::secret::{Password, SecretText};
use portcullis_backends::core::store::RefreshStore;
use portcullis_backends::flow::{
    RefreshOutcome, RefreshRequest, TokenOutcome, TokenPair, TokenRequest,
};
use portcullis_backends::tokens::jwt::{JwtAlgorithm, JwtKeys};
use portcullis_testing::{Faults, Run, for_every_fault};

use crate::every::honest;
use crate::present::is_somebody;
use crate::store::HOWS;
use crate::world::{ADA, PASSWORD, World};

/// An instance that makes access tokens, with Ada in it.
async fn world() -> World {
    let now = ManualClock::default().now();
    let keys = JwtKeys::generate(JwtAlgorithm::EdDsa, &SeededEntropy::new(3), now).unwrap();
    let world = World::with(|store| store, |builder| builder.access_tokens(keys)).await;
    world.person(ADA).await;
    world
}

/// As in `every`, for one pair of tokens; `check` comes before the laws.
async fn every_fault<T>(
    flow: impl AsyncFn(&World, &TokenPair) -> Result<T, FlowError>,
    is_true: impl Fn(&T) -> bool,
    check: impl AsyncFn(&World, &TokenPair, Option<T>),
) {
    every_fault_after(async |_: &World, _: &TokenPair| (), flow, is_true, check).await;
}

/// The same after something has happened to the pair.
async fn every_fault_after<T>(
    before: impl AsyncFn(&World, &TokenPair),
    flow: impl AsyncFn(&World, &TokenPair) -> Result<T, FlowError>,
    is_true: impl Fn(&T) -> bool,
    check: impl AsyncFn(&World, &TokenPair, Option<T>),
) {
    let scene = async || {
        let w = world().await;
        let pair = w.pair().await;
        before(&w, &pair).await;
        Scene(w, pair)
    };
    for_every_fault(
        HOWS,
        scene,
        async |Scene(w, pair): &Scene| flow(w, pair).await,
        async |Scene(w, pair): &Scene, run: Run<Result<T, FlowError>>| {
            let answer = honest(run, &is_true);
            check(w, pair, answer).await;
            w.families_are_explained().await;
            w.laws_hold().await;
        },
    )
    .await;
}

struct Scene(World, TokenPair);

impl AsRef<Faults> for Scene {
    fn as_ref(&self) -> &Faults {
        self.0.as_ref()
    }
}

impl World {
    async fn try_pair(&self) -> Result<TokenOutcome, FlowError> {
        let request = TokenRequest {
            identifier: ADA.to_owned(),
            password: Password::new(PASSWORD).unwrap(),
            scopes: None,
        };
        self.portcullis.issue_tokens(request, &self.context()).await
    }

    async fn pair(&self) -> TokenPair {
        issued(self.try_pair().await.unwrap())
    }

    async fn try_refresh(&self, token: &SecretText) -> Result<RefreshOutcome, FlowError> {
        let request = RefreshRequest {
            token: token.clone(),
            scopes: None,
        };
        let context = self.context();
        self.portcullis.refresh_tokens(request, &context).await
    }

    async fn refresh(&self, token: &SecretText) -> Option<TokenPair> {
        refreshed(self.try_refresh(token).await.unwrap())
    }

    /// A family is as long as the log says, and ended where the log says so.
    async fn families_are_explained(&self) {
        let events = self.events().await;
        let of_kind = |kind| events.iter().filter(move |event| event.kind == kind);
        for opened in of_kind(AuthEventType::TokensIssued) {
            let family = &opened.detail["family"];
            let id: RefreshFamilyId = family.as_str().unwrap().parse().unwrap();
            let stored = self.store.healthy().resolve_family(id).await.unwrap();
            let stored = stored.expect("an event without its family").family;
            let about_it = |event: &&AuthEvent| event.detail["family"] == *family;
            let done = |event: &&AuthEvent| event.status == AuthEventStatus::Success;
            let rotations = of_kind(AuthEventType::TokensRefreshed);
            let rotations = rotations.filter(about_it).filter(done).count();
            assert_eq!(stored.generation.0 as usize, 1 + rotations);
            let ends = of_kind(AuthEventType::RefreshEnded)
                .chain(of_kind(AuthEventType::RefreshReuse))
                .filter(about_it);
            assert_eq!(usize::from(stored.ended_at.is_some()), ends.count());
        }
    }
}

#[track_caller]
fn issued(outcome: TokenOutcome) -> TokenPair {
    match outcome {
        TokenOutcome::Issued(pair) => *pair,
        other => panic!("{other:?}"),
    }
}

fn refreshed(outcome: RefreshOutcome) -> Option<TokenPair> {
    match outcome {
        RefreshOutcome::Refreshed(pair) => Some(*pair),
        RefreshOutcome::Refused => None,
    }
}

// FT-32, CC-03
#[tokio::test]
async fn a_pair_is_made_with_its_event_or_not_at_all() {
    every_fault(
        async |w: &World, _| w.try_pair().await,
        |outcome| matches!(outcome, TokenOutcome::Issued(_)),
        async |w: &World, _, answer: Option<TokenOutcome>| {
            let pair = match answer {
                Some(outcome) => issued(outcome),
                None => w.pair().await,
            };
            assert!(w.accepts_token(&pair.access).await);
            assert!(w.refresh(&pair.refresh).await.is_some());
        },
    )
    .await;
}

// FT-32, RT-03, CC-03
#[tokio::test]
async fn a_lost_answer_to_a_refresh_is_given_again_and_only_one_successor_exists() {
    every_fault(
        async |w: &World, pair: &TokenPair| w.try_refresh(&pair.refresh).await,
        |outcome| matches!(outcome, RefreshOutcome::Refreshed(_)),
        async |w: &World, pair: &TokenPair, answer: Option<RefreshOutcome>| {
            let next = w
                .refresh(&pair.refresh)
                .await
                .expect("refused a lost answer");
            if let Some(first) = answer.and_then(refreshed) {
                assert_eq!(first.refresh.expose(), next.refresh.expose());
            }
            assert!(w.accepts_token(&next.access).await);
            assert!(w.refresh(&next.refresh).await.is_some());
            // The first one is now two tokens back.
            assert!(w.refresh(&pair.refresh).await.is_none());
            assert!(!w.accepts_token(&next.access).await, "the family lives on");
        },
    )
    .await;
}

// FT-32, RT-01, CC-03
#[tokio::test]
async fn a_spent_token_that_comes_again_ends_its_family_or_does_so_the_next_time() {
    every_fault_after(
        async |w: &World, pair: &TokenPair| {
            w.refresh(&pair.refresh).await.unwrap();
            // Past the grace.
            w.advance(11);
        },
        async |w: &World, pair: &TokenPair| w.try_refresh(&pair.refresh).await,
        |outcome| matches!(outcome, RefreshOutcome::Refused),
        async |w: &World, pair: &TokenPair, answer: Option<RefreshOutcome>| {
            let works = w.accepts_token(&pair.access).await;
            assert!(
                !works || answer.is_none(),
                "noticed, and the family lives on"
            );
            assert!(w.refresh(&pair.refresh).await.is_none());
            assert!(!w.accepts_token(&pair.access).await);
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn signing_out_ends_the_family_or_can_be_done_again() {
    let sign_out = async |w: &World, pair: &TokenPair| {
        let context = w.context();
        w.portcullis.sign_out(&pair.principal, &context).await
    };
    every_fault(
        async |w: &World, pair: &TokenPair| sign_out(w, pair).await,
        |(): &()| true,
        async |w: &World, pair: &TokenPair, answer: Option<()>| {
            let works = w.accepts_token(&pair.access).await;
            assert!(!works || answer.is_none(), "acknowledged, and it works");
            sign_out(w, pair).await.unwrap();
            assert!(!w.accepts_token(&pair.access).await);
            assert!(w.refresh(&pair.refresh).await.is_none());
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn a_good_access_token_is_never_refused() {
    every_fault(
        async |w: &World, pair: &TokenPair| {
            let token = pair.access.expose();
            w.present(Credential::Bearer(token)).await
        },
        is_somebody,
        async |w: &World, pair: &TokenPair, _| assert!(w.accepts_token(&pair.access).await),
    )
    .await;
}
