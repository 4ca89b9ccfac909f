//! What operators do.

use portcullis_backends::FlowError;
use portcullis_backends::core::id::UserId;
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::role::RoleName;
use portcullis_backends::core::secret::{Password, SecretText};
use portcullis_backends::core::state::EntityState;
use portcullis_backends::flow::{
    AdminOutcome, CreateApiTokenOutcome, OpenAccountOutcome, RoleChange, SignInOutcome,
    StateChange, UserRecord,
};

use crate::every::every_fault;
use crate::world::{ADA, OTHER_PASSWORD, PASSWORD, World, new_token, token_of};

const fn done(outcome: &AdminOutcome) -> bool {
    matches!(outcome, AdminOutcome::Done)
}

struct Member {
    user: UserId,
    cookie: SecretText,
    token: SecretText,
}

async fn member(w: &World) -> Member {
    let user = w.person(ADA).await;
    let here = w.sign_in(ADA).await;
    let (_, token) = w.api_token(&here.principal).await;
    Member {
        user,
        cookie: here.cookie,
        token,
    }
}

async fn set_state(w: &World, user: UserId, to: EntityState) -> Result<AdminOutcome, FlowError> {
    let change = StateChange {
        to,
        reason: Some("because".to_owned()),
        until: None,
    };
    // One change a moment, so that the log has an order.
    w.advance(1);
    w.portcullis.admin_set_state(w.tenant(), user, change).await
}

// FT-32, CC-03
#[tokio::test]
async fn an_account_is_opened_whole_or_not_at_all() {
    let open = async |w: &World| {
        let (email, password) = (Identifier::email(ADA), Password::new(PASSWORD));
        let opened = w
            .portcullis
            .admin_open_account(w.tenant(), email.unwrap(), password.unwrap());
        opened.await
    };
    let opened =
        |outcome: &OpenAccountOutcome| matches!(outcome, OpenAccountOutcome::Opened { .. });
    every_fault(
        async |_: &World| (),
        async |w: &World, (): &()| open(w).await,
        opened,
        async |w: &World, (): &(), answer: Option<OpenAccountOutcome>| {
            let there = w.portcullis.admin_find_user(w.tenant(), ADA).await;
            let there = there.unwrap().is_some();
            assert!(there || answer.is_none(), "acknowledged, and not there");
            assert_eq!(opened(&open(w).await.unwrap()), !there);
            assert_eq!(open(w).await.unwrap(), OpenAccountOutcome::Taken);
            w.sign_in(ADA).await;
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn a_suspension_takes_everything_away_or_nothing() {
    every_fault(
        member,
        async |w: &World, m: &Member| set_state(w, m.user, EntityState::Suspended).await,
        done,
        async |w: &World, m: &Member, answer: Option<AdminOutcome>| {
            let works = w.accepts_cookie(&m.cookie).await;
            assert_eq!(works, w.accepts_token(&m.token).await, "half of it");
            assert!(!works || answer.is_none(), "acknowledged, and they are in");
            let again = set_state(w, m.user, EntityState::Suspended).await.unwrap();
            assert!(done(&again));
            assert!(!w.accepts_cookie(&m.cookie).await);
            assert!(!w.accepts_token(&m.token).await);
            let refused = w.try_sign_in(ADA, PASSWORD, None).await.unwrap();
            assert!(matches!(refused, SignInOutcome::Refused));
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn an_end_of_a_suspension_brings_no_session_back() {
    every_fault(
        async |w: &World| {
            let member = member(w).await;
            let suspended = set_state(w, member.user, EntityState::Suspended).await;
            assert!(done(&suspended.unwrap()));
            member
        },
        async |w: &World, m: &Member| set_state(w, m.user, EntityState::Active).await,
        done,
        async |w: &World, m: &Member, answer: Option<AdminOutcome>| {
            let active = w.accepts_token(&m.token).await;
            assert!(active || answer.is_none(), "acknowledged, and they are out");
            let again = set_state(w, m.user, EntityState::Active).await.unwrap();
            assert_eq!(done(&again), !active, "active stays active");
            assert!(w.accepts_token(&m.token).await);
            assert!(!w.accepts_cookie(&m.cookie).await);
            w.sign_in(ADA).await;
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn a_closed_account_is_closed_for_good() {
    every_fault(
        member,
        async |w: &World, m: &Member| set_state(w, m.user, EntityState::Terminated).await,
        done,
        async |w: &World, m: &Member, answer: Option<AdminOutcome>| {
            let closed = !w.accepts_token(&m.token).await;
            assert!(closed || answer.is_none(), "acknowledged, and they are in");
            let again = set_state(w, m.user, EntityState::Terminated).await.unwrap();
            assert_eq!(done(&again), !closed);
            assert!(!w.accepts_cookie(&m.cookie).await);
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn an_unlock_forgets_the_failures_or_can_be_done_again() {
    let unlock = async |w: &World, user: UserId| w.portcullis.admin_unlock(w.tenant(), user).await;
    every_fault(
        async |w: &World| {
            let user = w.person(ADA).await;
            for _ in 0..12 {
                w.try_sign_in(ADA, OTHER_PASSWORD, None).await.unwrap();
                // Long enough for a short delay, so that the next failure brings a longer one.
                w.advance(120);
            }
            user
        },
        async |w: &World, user: &UserId| unlock(w, *user).await,
        done,
        async |w: &World, user: &UserId, answer: Option<AdminOutcome>| {
            if answer.is_none() {
                assert!(done(&unlock(w, *user).await.unwrap()));
            }
            w.sign_in(ADA).await;
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn an_operator_makes_a_token_with_its_event_or_not_at_all() {
    every_fault(
        async |w: &World| w.person(ADA).await,
        async |w: &World, user: &UserId| {
            let created = w
                .portcullis
                .admin_create_api_token(w.tenant(), *user, new_token());
            created.await
        },
        |outcome| matches!(outcome, CreateApiTokenOutcome::Created { .. }),
        async |w: &World, user: &UserId, answer: Option<CreateApiTokenOutcome>| {
            if let Some(outcome) = answer {
                assert!(w.accepts_token(&token_of(outcome).1).await);
            }
            let live = w.portcullis.admin_list_api_tokens(w.tenant(), *user).await;
            for token in live.unwrap() {
                let revoked = w
                    .portcullis
                    .admin_revoke_api_token(w.tenant(), *user, token.id);
                assert!(revoked.await.unwrap());
            }
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn an_operator_sees_people_whole_or_not_at_all() {
    let whole = |record: &UserRecord| record.account.is_some();
    every_fault(
        async |w: &World| w.person(ADA).await,
        async |w: &World, _| w.portcullis.admin_users(w.tenant(), None, 10).await,
        |people: &Vec<UserRecord>| people.len() == 2 && people.iter().all(whole),
        async |_: &World, _, _| (),
    )
    .await;
    every_fault(
        async |w: &World| w.person(ADA).await,
        async |w: &World, _| w.portcullis.admin_find_user(w.tenant(), ADA).await,
        |found: &Option<UserRecord>| found.as_ref().is_some_and(whole),
        async |_: &World, _, _| (),
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn a_role_is_given_with_its_event_or_not_at_all() {
    let admin: RoleName = "admin".parse().unwrap();
    let grant = async |w: &World, user: UserId| {
        w.advance(1);
        let change = RoleChange::Grant("admin".parse().unwrap());
        w.portcullis
            .admin_change_role(w.tenant(), user, change)
            .await
    };
    every_fault(
        async |w: &World| w.person(ADA).await,
        async |w: &World, user: &UserId| grant(w, *user).await,
        done,
        async |w: &World, user: &UserId, answer: Option<AdminOutcome>| {
            let has = |record: Option<UserRecord>| {
                let roles = record.unwrap().account.unwrap().roles;
                roles.contains(admin.as_str())
            };
            let there = has(w.portcullis.admin_find_user(w.tenant(), ADA).await.unwrap());
            assert!(there || answer.is_none(), "acknowledged, and not there");
            assert!(done(&grant(w, *user).await.unwrap()));
            let there = has(w.portcullis.admin_find_user(w.tenant(), ADA).await.unwrap());
            assert!(there);
        },
    )
    .await;
}
