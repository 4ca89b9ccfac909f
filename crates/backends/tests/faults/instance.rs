//! What the routes ask of an instance beside the flows: tenants, policies, limits, and whether it is ready.

use std::time::Duration;

use portcullis_backends::FlowError;
use portcullis_backends::core::entity::{Tenant, TenantKey};
use portcullis_backends::core::event::{AuthEventType, Reason};
use portcullis_backends::core::policy::TenantPolicy;
use portcullis_backends::core::store::{LimitKey, RateLimit, Taken};
use portcullis_backends::flow::SignedIn;

use crate::every::every_fault;
use crate::world::{ADA, World};

const ONCE: RateLimit = RateLimit {
    burst: 1,
    // Longer than what passes between one look and the next.
    period: Duration::from_secs(24 * 3600),
};

fn key() -> LimitKey {
    LimitKey::new("sign-in", "address", "192.0.2.1")
}

async fn take(w: &World) -> Result<Taken, FlowError> {
    w.portcullis.take_limit(&key(), &ONCE).await
}

async fn give_back(w: &World) -> Result<(), FlowError> {
    w.portcullis.refund_limit(&key(), &ONCE).await
}

// FT-32, CC-03
#[tokio::test]
async fn a_limit_lets_nobody_through_twice_whatever_fails() {
    every_fault(
        async |_: &World| (),
        async |w: &World, (): &()| take(w).await,
        |taken| *taken == Taken::Granted,
        async |w: &World, (): &(), answer: Option<Taken>| {
            let again = take(w).await.unwrap() == Taken::Granted;
            assert!(!again || answer.is_none(), "twice");
            assert_ne!(take(w).await.unwrap(), Taken::Granted);
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn what_is_given_back_to_a_limit_is_there_once_or_not_at_all() {
    every_fault(
        async |w: &World| assert_eq!(take(w).await.unwrap(), Taken::Granted),
        async |w: &World, (): &()| give_back(w).await,
        |()| true,
        async |w: &World, (): &(), answer: Option<()>| {
            let there = take(w).await.unwrap() == Taken::Granted;
            assert!(there || answer.is_none(), "acknowledged, and not there");
            assert_ne!(take(w).await.unwrap(), Taken::Granted);
        },
    )
    .await;
}

// FT-32
#[tokio::test]
async fn a_tenant_and_its_policy_are_found_or_nobody_knows() {
    every_fault(
        async |_: &World| (),
        async |w: &World, (): &()| {
            let tenant = TenantKey::Id(w.tenant());
            w.portcullis.find_tenant(tenant).await
        },
        |found: &Option<Tenant>| found.is_some(),
        async |_: &World, (): &(), _| (),
    )
    .await;
    every_fault(
        async |_: &World| (),
        async |w: &World, (): &()| w.portcullis.policy(w.tenant()).await,
        |policy: &TenantPolicy| policy.sign_in.magic_link,
        async |_: &World, (): &(), _| (),
    )
    .await;
}

// FT-32
#[tokio::test]
async fn an_instance_is_ready_or_says_that_it_is_not() {
    every_fault(
        async |_: &World| (),
        async |w: &World, (): &()| w.portcullis.is_ready().await,
        |()| true,
        async |w: &World, (): &(), _| w.portcullis.is_ready().await.unwrap(),
    )
    .await;
}

// FT-32
#[tokio::test]
async fn a_denial_that_could_not_be_noted_is_noted_the_next_time() {
    let deny = async |w: &World, who: &SignedIn| {
        let (reason, context) = (Reason::MissingRole, w.context());
        let denied = w
            .portcullis
            .record_denied(&who.principal, reason, "/admin", &context);
        denied.await;
    };
    every_fault(
        async |w: &World| {
            w.person(ADA).await;
            w.sign_in(ADA).await
        },
        async |w: &World, who: &SignedIn| {
            deny(w, who).await;
            Ok(())
        },
        |()| true,
        async |w: &World, who: &SignedIn, _| {
            deny(w, who).await;
            let events = w.events().await;
            let denied = events.iter();
            let denied = denied.filter(|event| event.kind == AuthEventType::AccessDenied);
            assert!(denied.count() > 0, "nobody can read it");
        },
    )
    .await;
}
