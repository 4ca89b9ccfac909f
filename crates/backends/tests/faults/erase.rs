//! Erasing people and discarding sign-ups: whatever fails, whoever was begun is completed, and nobody is let in.

use portcullis_backends::core::entity::Account;
use portcullis_backends::core::event::{AuthEvent, AuthEventType};
use portcullis_backends::core::id::UserId;
use portcullis_backends::core::net::ClientInfo;
use portcullis_backends::core::state::EntityState;
use portcullis_backends::core::store::{AccountStore, IdentityLookup, SessionStore};
use portcullis_backends::flow::{CloseAccountOutcome, EraseOutcome, SignInOutcome};
use portcullis_backends::{FlowError, PurgeReport};

use crate::account::{Member, member};
use crate::every::every_fault_in;
use crate::world::{ADA, PASSWORD, World};

const DAY: u64 = 24 * 3600;

async fn closed(w: &World) -> Member {
    let member = member(w).await;
    let context = w.context();
    let closed = w.portcullis.close_account(&member.here.principal, &context);
    assert_eq!(closed.await.unwrap(), CloseAccountOutcome::Closed);
    w.deliver().await;
    w.advance(31 * DAY);
    member
}

async fn account(w: &World, user: UserId) -> Option<Account> {
    let store = w.store.healthy();
    store.account(w.tenant(), user).await.unwrap()
}

fn about(events: &[AuthEvent], user: UserId, kind: AuthEventType) -> usize {
    let of = |event: &&AuthEvent| event.subject == Some(user) && event.kind == kind;
    events.iter().filter(of).count()
}

async fn erase(w: &World, m: &Member) -> Result<EraseOutcome, FlowError> {
    w.portcullis.admin_erase(w.tenant(), m.user).await
}

async fn purge(w: &World) -> Result<PurgeReport, FlowError> {
    w.portcullis.run_purge().await
}

/// Nothing of theirs works, nothing of them is there, and it is told once.
async fn is_erased(w: &World, m: &Member) {
    assert!(!w.accepts_cookie(&m.here.cookie).await);
    assert!(!w.accepts_token(&m.token).await);
    let refused = w.try_sign_in(ADA, PASSWORD, None).await.unwrap();
    assert!(matches!(refused, SignInOutcome::Refused));
    let (store, now) = (w.store.healthy(), w.portcullis.now());
    assert_eq!(store.user(w.tenant(), m.user).await.unwrap(), None);
    let account = account(w, m.user).await.unwrap();
    assert_eq!(account.status.state, EntityState::Archived);
    assert_eq!(account.handle, "");
    let sessions = store.list_sessions(w.tenant(), m.user, now).await.unwrap();
    assert!(sessions.is_empty());
    let events = w.events().await;
    assert_eq!(about(&events, m.user, AuthEventType::AccountErased), 1);
    let theirs = events.iter().filter(|event| event.subject == Some(m.user));
    assert!(theirs.clone().count() > 3, "events are lost");
    for event in theirs {
        assert_eq!(event.client, ClientInfo::default(), "{event:?}");
        assert!(event.detail.is_null(), "{event:?}");
    }
}

/// Whatever fails, the same call erases in the end.
pub(crate) async fn an_operator_erases(make: impl AsyncFn() -> World) {
    every_fault_in(
        make,
        member,
        erase,
        |outcome| *outcome == EraseOutcome::Erased,
        async |w: &World, m: &Member, answer: Option<EraseOutcome>| {
            let state = account(w, m.user).await.unwrap().status.state;
            if state != EntityState::Active {
                assert!(!w.accepts_cookie(&m.here.cookie).await, "half of it");
                assert!(!w.accepts_token(&m.token).await, "half of it");
            }
            let was_erased = state == EntityState::Archived;
            assert!(was_erased || answer.is_none(), "acknowledged, and not gone");
            let again = match was_erased {
                true => EraseOutcome::ErasedBefore,
                false => EraseOutcome::Erased,
            };
            assert_eq!(erase(w, m).await.unwrap(), again);
            is_erased(w, m).await;
            let next = w.person(ADA).await;
            assert_ne!(next, m.user);
            w.sign_in(ADA).await;
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn an_erasure_is_completed_by_the_same_call() {
    an_operator_erases(World::new).await;
}

// FT-32, CC-03
#[tokio::test]
async fn an_erasure_that_dies_between_the_halves_is_completed_by_the_same_call() {
    an_operator_erases(World::split).await;
}

async fn the_worker_erases(make: impl AsyncFn() -> World) {
    every_fault_in(
        make,
        closed,
        async |w: &World, _: &Member| purge(w).await,
        |report: &PurgeReport| (report.erased, report.discarded) == (1, 0),
        async |w: &World, m: &Member, answer: Option<PurgeReport>| {
            let state = account(w, m.user).await.unwrap().status.state;
            let was_erased = state == EntityState::Archived;
            assert!(was_erased || answer.is_none(), "acknowledged, and not gone");
            let again = purge(w).await.unwrap();
            assert_eq!(again.erased, u64::from(!was_erased));
            is_erased(w, m).await;
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn an_erasure_is_completed_by_the_next_pass() {
    the_worker_erases(World::new).await;
}

// FT-32, CC-03
#[tokio::test]
async fn an_erasure_that_dies_between_the_halves_is_completed_by_the_next_pass() {
    the_worker_erases(World::split).await;
}

async fn nobody_proved_it(make: impl AsyncFn() -> World) {
    every_fault_in(
        make,
        async |w: &World| {
            w.sign_up(ADA, PASSWORD).await;
            w.deliver().await;
            w.advance(8 * DAY);
            let found = w.portcullis.admin_find_user(w.tenant(), ADA).await;
            found.unwrap().unwrap().user.id
        },
        async |w: &World, _: &UserId| purge(w).await,
        |report: &PurgeReport| (report.erased, report.discarded) == (0, 1),
        async |w: &World, user: &UserId, answer: Option<PurgeReport>| {
            let was_there = account(w, *user).await.is_some();
            assert!(!was_there || answer.is_none(), "acknowledged, and there");
            let again = purge(w).await.unwrap();
            assert_eq!(again.discarded, u64::from(was_there));
            assert_eq!(account(w, *user).await, None);
            let found = w.portcullis.admin_find_user(w.tenant(), ADA).await;
            assert_eq!(found.unwrap(), None);
            let events = w.events().await;
            assert_eq!(about(&events, *user, AuthEventType::SignUpDiscarded), 1);
            assert_ne!(w.person(ADA).await, *user);
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn an_unproved_sign_up_is_removed_whole_by_this_pass_or_the_next() {
    nobody_proved_it(World::new).await;
}

// FT-32, CC-03
#[tokio::test]
async fn an_unproved_sign_up_over_two_stores_is_removed_by_this_pass_or_the_next() {
    nobody_proved_it(World::split).await;
}
