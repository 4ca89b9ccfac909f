//! The end of an account for good: erased when its time has come, or at once by an operator.

use std::sync::Arc;
use std::time::Duration;

use portcullis_backends::Authentication;
use portcullis_backends::core::api_token::Scopes;
use portcullis_backends::core::backend::Credential;
use portcullis_backends::core::event::AuthEventType;
use portcullis_backends::core::id::UserId;
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::net::ClientInfo;
use portcullis_backends::core::policy::PolicyOverrides;
use portcullis_backends::core::principal::Principal;
use portcullis_backends::core::secret::SecretText;
use portcullis_backends::core::state::EntityState;
use portcullis_backends::core::store::AccountStore as _;
use portcullis_backends::flow::{
    CreateApiTokenOutcome, EraseOutcome, ForgotPassword, ImportOutcome, ImportState, ImportUser,
    NewApiToken, ResetLinkOutcome, SignInOutcome, VerifyEmailOutcome,
};
use serde_json::json;

use crate::harness::{ADA, Harness, PASSWORD};

const EVE: &str = "eve@example.com";
const DAY: u64 = 24 * 3600;

async fn api_token(h: &Harness, principal: &Principal) -> SecretText {
    let new = NewApiToken {
        name: "ci".to_owned(),
        scopes: Scopes::new(["deploy".parse().unwrap()]).unwrap(),
        ip_allowlist: Default::default(),
        expires_in: Some(Duration::from_secs(90 * DAY)),
    };
    let context = h.context();
    let created = h.portcullis.create_api_token(principal, new, &context);
    match created.await.unwrap() {
        CreateApiTokenOutcome::Created { token, .. } => token,
        other => panic!("{other:?}"),
    }
}

async fn counts(h: &Harness, credential: Credential<'_>) -> bool {
    let answer = h.present(Some(credential)).await.unwrap();
    matches!(answer, Authentication::Authenticated(_))
}

async fn erase(h: &Harness, user: UserId) -> EraseOutcome {
    let tenant = h.portcullis.default_tenant();
    h.portcullis.admin_erase(tenant, user).await.unwrap()
}

async fn state(h: &Harness, user: UserId) -> Option<EntityState> {
    let tenant = h.portcullis.default_tenant();
    let account = h.store.account(tenant, user).await.unwrap();
    account.map(|account| account.status.state)
}

async fn is_known(h: &Harness, who: &str) -> bool {
    let tenant = h.portcullis.default_tenant();
    let found = h.portcullis.admin_find_user(tenant, who).await;
    found.unwrap().is_some()
}

async fn close(h: &Harness, who: &str) {
    let here = h.sign_in(who).await;
    let context = h.context();
    let closed = h.portcullis.close_account(&here.principal, &context);
    closed.await.unwrap();
    h.portcullis.run_due().await.unwrap();
}

async fn purged(h: &Harness) -> (u64, u64) {
    let report = h.portcullis.run_purge().await.unwrap();
    (report.erased, report.discarded)
}

#[tokio::test]
async fn a_closed_account_is_erased_when_its_time_has_come_and_not_before() {
    let h = Harness::new().await;
    let (ada, eve) = (h.person(ADA).await, h.person(EVE).await);
    close(&h, ADA).await;
    assert_eq!(purged(&h).await, (0, 0));
    h.advance(30 * DAY - 1);
    assert_eq!(purged(&h).await, (0, 0));
    assert_eq!(state(&h, ada).await, Some(EntityState::Terminated));
    assert!(is_known(&h, ADA).await);
    h.advance(1);
    assert_eq!(purged(&h).await, (1, 0));
    assert_eq!(state(&h, ada).await, Some(EntityState::Archived));
    assert!(!is_known(&h, ADA).await);
    assert_eq!(purged(&h).await, (0, 0));
    assert_eq!(state(&h, eve).await, Some(EntityState::Active));
    h.sign_in(EVE).await;
}

#[tokio::test]
async fn how_long_a_closed_account_is_kept_is_policy() {
    let policy = PolicyOverrides {
        account_erase_after_secs: Some(0),
        ..PolicyOverrides::default()
    };
    let h = Harness::with(|builder| builder.policy(policy)).await;
    h.person(ADA).await;
    close(&h, ADA).await;
    assert_eq!(purged(&h).await, (1, 0));
}

// AZ-05, SE-13
#[tokio::test]
async fn an_operator_erases_at_once_and_nothing_works_afterwards() {
    let h = Harness::new().await;
    let ada = h.person(ADA).await;
    let here = h.sign_in(ADA).await;
    let token = api_token(&h, &here.principal).await;
    h.advance(1);
    let email = Identifier::email(ADA).unwrap();
    let forgot = ForgotPassword { email };
    h.portcullis
        .forgot_password(forgot, &h.context())
        .await
        .unwrap();
    let reset = h.mailed_token(ADA).await;
    assert_eq!(erase(&h, ada).await, EraseOutcome::Erased);
    let cookie = Credential::Cookie(here.cookie.expose());
    assert!(!counts(&h, cookie).await);
    assert!(!counts(&h, Credential::Bearer(token.expose())).await);
    let outcome = h.try_sign_in(ADA, PASSWORD).await.unwrap();
    assert!(matches!(outcome, SignInOutcome::Refused));
    let link = h.portcullis.check_reset_link(&reset, &h.context()).await;
    assert!(!matches!(link.unwrap(), ResetLinkOutcome::Works { .. }));
    assert_eq!(erase(&h, ada).await, EraseOutcome::ErasedBefore);
    let next = h.person(ADA).await;
    assert_ne!(next, ada, "an id is used again");
    h.sign_in(ADA).await;
    assert_eq!(state(&h, ada).await, Some(EntityState::Archived));
}

#[tokio::test]
async fn nobody_else_is_erased() {
    let h = Harness::new().await;
    let nobody = UserId::from_integer(7);
    assert_eq!(erase(&h, nobody).await, EraseOutcome::NotFound);
    let refused = erase(&h, UserId::SYSTEM).await;
    assert!(matches!(refused, EraseOutcome::Refused(_)), "{refused:?}");
    let ada = h.person(ADA).await;
    h.person(EVE).await;
    erase(&h, ada).await;
    h.sign_in(EVE).await;
}

#[tokio::test]
async fn the_audit_log_keeps_what_happened_and_not_from_where() {
    let h = Harness::new().await;
    let (ada, eve) = (h.person(ADA).await, h.person(EVE).await);
    h.sign_in(ADA).await;
    h.sign_in(EVE).await;
    let of = async |user| {
        let mut events = h.events().await;
        events.retain(|event| event.subject == Some(user));
        events
    };
    let (before, others) = (of(ada).await, of(eve).await);
    h.advance(1);
    erase(&h, ada).await;
    let mut after = of(ada).await;
    assert_eq!(of(eve).await, others);
    // Closed and erased in one moment.
    let last = [after.remove(0).kind, after.remove(0).kind];
    for kind in [
        AuthEventType::AccountStateChanged,
        AuthEventType::AccountErased,
    ] {
        assert!(last.contains(&kind), "{last:?}");
    }
    assert_eq!(after.len(), before.len());
    for (before, after) in before.iter().zip(&after) {
        assert_ne!(before.client, ClientInfo::default());
        assert_eq!(after.client, ClientInfo::default());
        assert!(after.detail.is_null());
        let same = |event: &portcullis_backends::core::event::AuthEvent| {
            (event.id, event.at, event.kind, event.status, event.reason)
        };
        assert_eq!(same(before), same(after));
    }
}

// CC-06
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_erasure_that_races_its_owner_lets_nobody_in() {
    for _ in 0..20 {
        let h = Arc::new(Harness::new().await);
        let ada = h.person(ADA).await;
        let here = h.sign_in(ADA).await;
        let token = Arc::new(api_token(&h, &here.principal).await);
        let mut tasks = Vec::new();
        for n in 0..8 {
            let (h, token) = (Arc::clone(&h), Arc::clone(&token));
            tasks.push(tokio::spawn(async move {
                match n % 4 {
                    0 => match h.try_sign_in(ADA, PASSWORD).await.unwrap() {
                        SignInOutcome::SignedIn(signed_in) => Some(signed_in.cookie),
                        _ => None,
                    },
                    1 => {
                        counts(&h, Credential::Bearer(token.expose())).await;
                        None
                    }
                    2 => {
                        h.portcullis.run_purge().await.unwrap();
                        None
                    }
                    _ => {
                        erase(&h, ada).await;
                        None
                    }
                }
            }));
        }
        let mut cookies = Vec::new();
        for task in tasks {
            cookies.extend(task.await.unwrap());
        }
        for cookie in cookies {
            let cookie = Credential::Cookie(cookie.expose());
            assert!(!counts(&h, cookie).await, "a session of nobody's");
        }
        assert_eq!(state(&h, ada).await, Some(EntityState::Archived));
        assert!(!counts(&h, Credential::Bearer(token.expose())).await);
        let outcome = h.try_sign_in(ADA, PASSWORD).await.unwrap();
        assert!(matches!(outcome, SignInOutcome::Refused));
    }
}

#[tokio::test]
async fn a_sign_up_that_nobody_proved_is_removed_after_its_time() {
    let h = Harness::new().await;
    for n in 0..250 {
        h.sign_up(&format!("stranger{n}@example.com"), PASSWORD)
            .await;
    }
    let ada = h.person(ADA).await;
    h.advance(7 * DAY - 1);
    assert_eq!(purged(&h).await, (0, 0));
    assert!(is_known(&h, "stranger7@example.com").await);
    h.advance(1);
    assert_eq!(purged(&h).await, (0, 250));
    assert!(!is_known(&h, "stranger7@example.com").await);
    let tenant = h.portcullis.default_tenant();
    let people = h.portcullis.admin_users(tenant, None, 1000).await.unwrap();
    assert_eq!(people.len(), 1);
    assert_eq!(state(&h, ada).await, Some(EntityState::Active));
}

#[tokio::test]
async fn a_link_that_still_works_keeps_a_sign_up() {
    let h = Harness::new().await;
    h.sign_up(ADA, PASSWORD).await;
    h.advance(7 * DAY);
    let browser = h.sign_up(ADA, PASSWORD).await;
    let link = h.mailed_token(ADA).await;
    assert_eq!(purged(&h).await, (0, 0));
    h.advance(DAY - 1);
    assert_eq!(purged(&h).await, (0, 0));
    let verified = h.verify(&link, Some(&browser)).await;
    assert!(matches!(verified, VerifyEmailOutcome::Verified { .. }));
    h.advance(400 * DAY);
    assert_eq!(purged(&h).await, (0, 0));
    h.sign_in(ADA).await;
}

#[tokio::test]
async fn whom_an_operator_imported_waits_for_their_proof_without_end() {
    let h = Harness::new().await;
    let import = ImportUser {
        identifiers: vec![Identifier::email(ADA).unwrap()],
        verified: false,
        password: None,
        profile: json!({ "since": 1998 }),
        created_at: None,
        state: ImportState::Active,
    };
    let tenant = h.portcullis.default_tenant();
    let imported = h.portcullis.import_user(tenant, import).await.unwrap();
    let ImportOutcome::Imported { user } = imported else {
        panic!("{imported:?}");
    };
    h.advance(400 * DAY);
    assert_eq!(purged(&h).await, (0, 0));
    assert_eq!(state(&h, user).await, Some(EntityState::Candidate));
    let email = Identifier::email(ADA).unwrap();
    let forgot = ForgotPassword { email };
    h.portcullis
        .forgot_password(forgot, &h.context())
        .await
        .unwrap();
    let reset = h.mailed_token(ADA).await;
    let link = h.portcullis.check_reset_link(&reset, &h.context()).await;
    assert!(matches!(link.unwrap(), ResetLinkOutcome::Works { .. }));
}
