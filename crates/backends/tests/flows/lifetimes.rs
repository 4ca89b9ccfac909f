//! How long sessions and API tokens count, and what ends them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use portcullis_backends::Authentication;
use portcullis_backends::core::api_token::{IpAllowlist, Scopes};
use portcullis_backends::core::backend::Credential;
use portcullis_backends::core::entropy::{Entropy, EntropyError, SeededEntropy};
use portcullis_backends::core::event::{AuthEventType, Reason};
use portcullis_backends::core::policy::PolicyOverrides;
use portcullis_backends::core::principal::Principal;
use portcullis_backends::core::secret::SecretText;
use portcullis_backends::core::state::EntityState;
use portcullis_backends::flow::{CreateApiTokenOutcome, NewApiToken, SignedIn};

use crate::harness::{ADA, Harness};

const DAY: u64 = 24 * 3600;

pub(crate) fn new_token() -> NewApiToken {
    NewApiToken {
        name: "ci".to_owned(),
        scopes: Scopes::new(["deploy".parse().unwrap()]).unwrap(),
        ip_allowlist: IpAllowlist::default(),
        expires_in: Some(Duration::from_secs(DAY)),
    }
}

pub(crate) async fn api_token(h: &Harness, principal: &Principal, new: NewApiToken) -> SecretText {
    match h
        .portcullis
        .create_api_token(principal, new, &h.context())
        .await
        .unwrap()
    {
        CreateApiTokenOutcome::Created { token, .. } => token,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn is_signed_in(h: &Harness, signed_in: &SignedIn) -> bool {
    let answer = h
        .present(Some(Credential::Cookie(signed_in.cookie.expose())))
        .await
        .unwrap();
    matches!(answer, Authentication::Authenticated(_))
}

pub(crate) async fn is_accepted(h: &Harness, token: &SecretText) -> bool {
    let answer = h
        .present(Some(Credential::Bearer(token.expose())))
        .await
        .unwrap();
    matches!(answer, Authentication::Authenticated(_))
}

// SE-03
#[tokio::test]
async fn an_unused_session_ends_at_its_idle_deadline() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let signed_in = h.sign_in(ADA).await;
    h.advance(14 * DAY - 1);
    assert!(is_signed_in(&h, &signed_in).await);
    // Not written yet: the use above is still in memory, and does not count before it is flushed.
    h.advance(1);
    assert!(!is_signed_in(&h, &signed_in).await);
}

// SE-03
#[tokio::test]
async fn use_keeps_a_session_until_its_absolute_deadline_and_no_longer() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let signed_in = h.sign_in(ADA).await;
    for day in 1..90 {
        h.advance(DAY);
        assert!(is_signed_in(&h, &signed_in).await, "day {day}");
        h.portcullis.run_due().await.unwrap();
    }
    h.advance(DAY - 1);
    assert!(is_signed_in(&h, &signed_in).await);
    h.portcullis.run_due().await.unwrap();
    h.advance(1);
    assert!(!is_signed_in(&h, &signed_in).await);
}

#[tokio::test]
async fn reading_requests_write_nothing_and_touches_come_once_a_minute() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let signed_in = h.sign_in(ADA).await;
    let writes = h.store.writes();
    for _ in 0..100 {
        assert!(is_signed_in(&h, &signed_in).await);
    }
    assert_eq!(h.portcullis.run_due().await.unwrap().touched, 0);
    h.advance(60);
    for _ in 0..100 {
        assert!(is_signed_in(&h, &signed_in).await);
    }
    assert_eq!(
        h.store.writes(),
        writes + 1,
        "claiming mail is the one write"
    );
    assert_eq!(h.portcullis.run_due().await.unwrap().touched, 1);
}

// SE-04
#[tokio::test]
async fn a_slow_request_does_not_bring_a_signed_out_session_back() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let signed_in = h.sign_in(ADA).await;
    h.advance(3600);
    // The request in flight leaves a touch behind ...
    assert!(is_signed_in(&h, &signed_in).await);
    h.portcullis
        .sign_out(&signed_in.principal, &h.context())
        .await
        .unwrap();
    // ... that is written only now.
    h.portcullis.run_due().await.unwrap();
    assert!(!is_signed_in(&h, &signed_in).await);
}

// SE-05
#[tokio::test]
async fn suspension_refuses_everything_at_once_and_activation_brings_no_session_back() {
    let h = Harness::new().await;
    let user = h.person(ADA).await;
    let signed_in = h.sign_in(ADA).await;
    let token = api_token(&h, &signed_in.principal, new_token()).await;
    assert!(is_signed_in(&h, &signed_in).await && is_accepted(&h, &token).await);
    h.set_state(user, EntityState::Suspended).await;
    assert!(!is_signed_in(&h, &signed_in).await);
    assert!(!is_accepted(&h, &token).await);
    h.set_state(user, EntityState::Active).await;
    assert!(!is_signed_in(&h, &signed_in).await);
    assert!(is_accepted(&h, &token).await);
}

#[tokio::test]
async fn a_revoked_or_ended_api_token_is_refused() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let principal = h.sign_in(ADA).await.principal;
    let token = api_token(&h, &principal, new_token()).await;
    let id = h.portcullis.list_api_tokens(&principal).await.unwrap()[0].id;
    assert!(
        h.portcullis
            .revoke_api_token(&principal, id, &h.context())
            .await
            .unwrap()
    );
    assert!(
        !h.portcullis
            .revoke_api_token(&principal, id, &h.context())
            .await
            .unwrap()
    );
    assert!(!is_accepted(&h, &token).await);
    let short = api_token(&h, &principal, new_token()).await;
    h.advance(DAY - 1);
    assert!(is_accepted(&h, &short).await);
    h.advance(1);
    assert!(!is_accepted(&h, &short).await);
}

// AK-06
#[tokio::test]
async fn an_api_token_works_from_its_networks_only() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let principal = h.sign_in(ADA).await.principal;
    let here = NewApiToken {
        ip_allowlist: IpAllowlist::parse(["192.0.2.0/24"]).unwrap(),
        ..new_token()
    };
    let elsewhere = NewApiToken {
        ip_allowlist: IpAllowlist::parse(["198.51.100.0/24"]).unwrap(),
        ..new_token()
    };
    let (here, elsewhere) = (
        api_token(&h, &principal, here).await,
        api_token(&h, &principal, elsewhere).await,
    );
    assert!(is_accepted(&h, &here).await);
    h.advance(1);
    assert!(!is_accepted(&h, &elsewhere).await);
    let event = h.events().await.remove(0);
    assert_eq!(
        (event.kind, event.reason),
        (
            AuthEventType::CredentialRejected,
            Some(Reason::AddressNotAllowed)
        )
    );
}

// AK-07
#[tokio::test]
async fn a_lifetime_outside_the_policy_is_refused() {
    let policy = PolicyOverrides {
        api_token_expiry_required: Some(true),
        ..Default::default()
    };
    let h = Harness::with(|b| b.policy(policy)).await;
    h.person(ADA).await;
    let principal = h.sign_in(ADA).await.principal;
    for expires_in in [None, Some(0), Some(59), Some(366 * DAY + 1), Some(u64::MAX)] {
        let new = NewApiToken {
            expires_in: expires_in.map(Duration::from_secs),
            ..new_token()
        };
        let outcome = h
            .portcullis
            .create_api_token(&principal, new, &h.context())
            .await
            .unwrap();
        assert!(
            matches!(outcome, CreateApiTokenOutcome::Invalid(_)),
            "{expires_in:?}"
        );
    }
    assert!(
        h.portcullis
            .list_api_tokens(&principal)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cap_of_api_tokens_holds_for_many_at_once() {
    let policy = PolicyOverrides {
        api_token_max_per_user: Some(5),
        ..Default::default()
    };
    let h = Arc::new(Harness::with(|b| b.policy(policy)).await);
    h.person(ADA).await;
    let principal = h.sign_in(ADA).await.principal;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (h, principal) = (h.clone(), principal.clone());
        tasks.spawn(async move {
            let outcome = h
                .portcullis
                .create_api_token(&principal, new_token(), &h.context())
                .await
                .unwrap();
            matches!(outcome, CreateApiTokenOutcome::Created { .. })
        });
    }
    assert_eq!(
        tasks
            .join_all()
            .await
            .into_iter()
            .filter(|made| *made)
            .count(),
        5
    );
}

// SE-08
#[tokio::test]
async fn people_end_their_own_sessions_and_nobody_elses() {
    let h = Harness::new().await;
    h.person(ADA).await;
    h.person("eve@example.com").await;
    let (first, second) = (h.sign_in(ADA).await, h.sign_in(ADA).await);
    let eve = h.sign_in("eve@example.com").await;
    let listed = h.portcullis.list_sessions(&second.principal).await.unwrap();
    assert_eq!(listed.len(), 2);
    let current: Vec<_> = listed
        .iter()
        .filter(|info| info.current)
        .map(|info| info.id)
        .collect();
    assert_eq!(current, [second.principal.session().unwrap()]);
    let theirs = first.principal.session().unwrap();
    assert!(
        !h.portcullis
            .revoke_session(&eve.principal, theirs, &h.context())
            .await
            .unwrap()
    );
    assert!(is_signed_in(&h, &first).await);
    assert!(
        h.portcullis
            .revoke_session(&second.principal, theirs, &h.context())
            .await
            .unwrap()
    );
    assert!(!is_signed_in(&h, &first).await && is_signed_in(&h, &second).await);
}

// SE-11
#[tokio::test]
async fn a_session_id_that_comes_twice_overwrites_nothing() {
    let entropy = Arc::new(Repeating::default());
    let h = Harness::with(|b| b.entropy(entropy.clone())).await;
    h.person(ADA).await;
    let first = h.sign_in(ADA).await;
    entropy.repeat();
    let second = h.sign_in(ADA).await;
    assert!(entropy.has_repeated());
    assert_ne!(first.principal.session(), second.principal.session());
    assert!(is_signed_in(&h, &first).await && is_signed_in(&h, &second).await);
}

/// Randomness that gives one earlier id a second time.
#[derive(Debug, Default)]
struct Repeating(Mutex<Draws>);

#[derive(Debug, Default)]
struct Draws {
    count: u64,
    /// The latest draw of an id's sixteen bytes.
    last: [u8; 16],
    /// Draws of ids to let pass, and what to give then.
    armed: Option<(u32, [u8; 16])>,
}

impl Repeating {
    /// A sign-in draws an event id first and a session id second: the second one gets what the last sign-in got.
    fn repeat(&self) {
        let mut draws = self.0.lock().unwrap();
        draws.armed = Some((1, draws.last));
    }

    fn has_repeated(&self) -> bool {
        self.0.lock().unwrap().armed.is_none()
    }
}

impl Entropy for Repeating {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        let mut draws = self.0.lock().unwrap();
        draws.count += 1;
        SeededEntropy::new(draws.count).fill(buffer)?;
        let Ok(id) = <&mut [u8; 16]>::try_from(buffer) else {
            return Ok(());
        };
        draws.armed = match draws.armed {
            Some((0, again)) => {
                *id = again;
                None
            }
            Some((more, again)) => Some((more - 1, again)),
            None => None,
        };
        draws.last = *id;
        Ok(())
    }
}

#[tokio::test]
async fn ending_what_is_not_there_writes_nothing() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let principal = h.sign_in(ADA).await.principal;
    let writes = h.store.writes();
    for _ in 0..10 {
        assert_eq!(
            h.portcullis
                .revoke_all_api_tokens(&principal, &h.context())
                .await
                .unwrap(),
            0
        );
        assert_eq!(
            h.portcullis
                .revoke_other_sessions(&principal, &h.context())
                .await
                .unwrap(),
            0
        );
    }
    assert_eq!(h.store.writes(), writes);
}
