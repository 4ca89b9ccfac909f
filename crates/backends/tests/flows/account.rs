//! The end of an account, what is kept about its owner, and a suspension that ends by itself.

use std::collections::BTreeSet;
use std::time::Duration;

use portcullis_backends::Authentication;
use portcullis_backends::core::api_token::Scopes;
use portcullis_backends::core::backend::Credential;
use portcullis_backends::core::clock::Clock as _;
use portcullis_backends::core::event::{AuthEventType, Reason};
use portcullis_backends::core::factor::{FactorConfig, FactorKind};
use portcullis_backends::core::id::UserId;
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::principal::Principal;
use portcullis_backends::core::secret::{Password, SecretText};
use portcullis_backends::core::state::EntityState;
use portcullis_backends::core::store::FactorStore as _;
use portcullis_backends::flow::{
    AdminOutcome, CloseAccountOutcome, CreateApiTokenOutcome, ForgotPassword, MagicLink,
    MagicLinkOutcome, NewApiToken, ResetLinkOutcome, ResetPassword, ResetPasswordOutcome,
    SendMagicLink, SignInOutcome, SignedIn, StateChange,
};
use serde_json::Value;

use crate::harness::{ADA, Harness, PASSWORD};

const EVE: &str = "eve@example.com";
const HOUR: u64 = 3600;

async fn api_token(h: &Harness, principal: &Principal) -> SecretText {
    let new = NewApiToken {
        name: "ci".to_owned(),
        scopes: Scopes::new(["deploy".parse().unwrap()]).unwrap(),
        ip_allowlist: Default::default(),
        expires_in: Some(Duration::from_secs(24 * HOUR)),
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

async fn session_counts(h: &Harness, signed_in: &SignedIn) -> bool {
    counts(h, Credential::Cookie(signed_in.cookie.expose())).await
}

async fn signs_in(h: &Harness, who: &str) -> bool {
    let outcome = h.try_sign_in(who, PASSWORD).await.unwrap();
    matches!(outcome, SignInOutcome::SignedIn(_))
}

async fn magic_link(h: &Harness) -> SecretText {
    let email = Identifier::email(ADA).unwrap();
    // One mail a moment, so that there is a latest one.
    h.advance(1);
    let context = h.context();
    let sent = h
        .portcullis
        .send_magic_link(SendMagicLink { email }, &context);
    sent.await.unwrap();
    h.mailed_token(ADA).await
}

async fn opens(h: &Harness, link: &SecretText) -> bool {
    let input = MagicLink {
        token: link.clone(),
        replaces: None,
    };
    let context = h.context();
    let opened = h.portcullis.sign_in_with_magic_link(input, &context);
    matches!(opened.await.unwrap(), MagicLinkOutcome::SignedIn(_))
}

async fn reset_link(h: &Harness) -> SecretText {
    let email = Identifier::email(ADA).unwrap();
    h.advance(1);
    let context = h.context();
    let forgot = h
        .portcullis
        .forgot_password(ForgotPassword { email }, &context);
    forgot.await.unwrap();
    h.mailed_token(ADA).await
}

async fn resets(h: &Harness, link: &SecretText) -> bool {
    let context = h.context();
    let checked = h.portcullis.check_reset_link(link, &context).await;
    matches!(checked.unwrap(), ResetLinkOutcome::Works { .. })
}

async fn close(h: &Harness, principal: &Principal) -> CloseAccountOutcome {
    let context = h.context();
    let closed = h.portcullis.close_account(principal, &context);
    closed.await.unwrap()
}

async fn suspend_for(h: &Harness, user: UserId, secs: u64) {
    let change = StateChange {
        to: EntityState::Suspended,
        reason: Some("holidays".to_owned()),
        until: Some(h.clock.now().plus(Duration::from_secs(secs))),
    };
    let tenant = h.portcullis.default_tenant();
    let set = h.portcullis.admin_set_state(tenant, user, change).await;
    assert_eq!(set.unwrap(), AdminOutcome::Done);
}

#[tokio::test]
async fn whoever_closes_their_account_is_out_everywhere_and_told_so() {
    let h = Harness::new().await;
    let ada = h.person(ADA).await;
    h.person(EVE).await;
    let (here, there) = (h.sign_in(ADA).await, h.sign_in(ADA).await);
    let eve = h.sign_in(EVE).await;
    let token = api_token(&h, &here.principal).await;
    let (magic, reset) = (magic_link(&h).await, reset_link(&h).await);
    assert!(resets(&h, &reset).await);
    h.advance(1);
    assert_eq!(
        close(&h, &here.principal).await,
        CloseAccountOutcome::Closed
    );
    let event = h.events().await.remove(0);
    assert_eq!(event.kind, AuthEventType::AccountStateChanged);
    assert_eq!((event.subject, event.actor), (Some(ada), None));
    assert_eq!(event.detail["to"], "terminated");
    assert_eq!(event.detail["reason"], "closed by owner");
    assert!(event.client.ip.is_some());

    assert!(!session_counts(&h, &here).await && !session_counts(&h, &there).await);
    assert!(!counts(&h, Credential::Bearer(token.expose())).await);
    assert!(!opens(&h, &magic).await && !resets(&h, &reset).await);
    assert!(!signs_in(&h, ADA).await);
    let tenant = h.portcullis.default_tenant();
    let found = h.portcullis.admin_find_user(tenant, ADA).await.unwrap();
    let status = found.unwrap().account.unwrap().status;
    assert_eq!(status.state, EntityState::Terminated);
    assert_eq!(status.detail.reason.as_deref(), Some("closed by owner"));

    h.portcullis.run_due().await.unwrap();
    let notice = h.mailbox.last_to(ADA).unwrap();
    assert!(notice.subject.contains("is closed"), "{}", notice.subject);
    assert!(notice.token().is_none());
    // Nobody else notices.
    assert!(session_counts(&h, &eve).await && signs_in(&h, EVE).await);
}

#[tokio::test]
async fn an_account_is_closed_from_a_live_session_of_its_owner_only() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let here = h.sign_in(ADA).await;
    let token = api_token(&h, &here.principal).await;
    let presented = h.present(Some(Credential::Bearer(token.expose()))).await;
    let Authentication::Authenticated(program) = presented.unwrap() else {
        panic!("refused");
    };
    let context = h.context();
    let over = h.sign_in(ADA).await;
    let signed_out = h.portcullis.sign_out(&over.principal, &context);
    signed_out.await.unwrap();
    for principal in [&program, &over.principal] {
        let outcome = close(&h, principal).await;
        assert_eq!(outcome, CloseAccountOutcome::SessionRequired);
    }
    assert!(session_counts(&h, &here).await);
    assert_eq!(
        close(&h, &here.principal).await,
        CloseAccountOutcome::Closed
    );
    // A second click.
    let outcome = close(&h, &here.principal).await;
    assert_eq!(outcome, CloseAccountOutcome::SessionRequired);
    let events = h.events().await;
    let changes = events.iter();
    let changed = |kind: AuthEventType| kind == AuthEventType::AccountStateChanged;
    assert_eq!(changes.filter(|event| changed(event.kind)).count(), 1);
}

fn keys(value: &Value) -> BTreeSet<&str> {
    let fields = value.as_object().unwrap();
    fields.keys().map(String::as_str).collect()
}

#[tokio::test]
async fn an_export_has_all_of_a_persons_and_nothing_secret_or_of_anybody_else() {
    let h = Harness::new().await;
    let ada = h.person(ADA).await;
    let eve = h.person(EVE).await;
    let (here, there) = (h.sign_in(ADA).await, h.sign_in(ADA).await);
    let eves = h.sign_in(EVE).await;
    let token = api_token(&h, &here.principal).await;
    let eves_token = api_token(&h, &eves.principal).await;
    let link = magic_link(&h).await;
    let tenant = h.portcullis.default_tenant();
    let loaded = h.store.load_factor(tenant, ada, FactorKind::Password).await;
    let FactorConfig::Password(hash) = loaded.unwrap().unwrap().factor.unwrap().config else {
        panic!("no password");
    };
    h.advance(1);
    let context = h.context();
    let export = h.portcullis.export_account(&here.principal, &context);
    let export = export.await.unwrap().unwrap();

    let identifier = &export.identifiers[0];
    assert_eq!((export.user, identifier.value.as_str()), (ada, ADA));
    assert!(identifier.verified_at.is_some());
    let account = export.account.as_ref().unwrap();
    assert_eq!(account.state, EntityState::Active);
    assert!(account.last_sign_in.is_some());
    assert_eq!(export.factors[0].kind, FactorKind::Password);
    let sessions: BTreeSet<_> = export.sessions.iter().map(|session| session.id).collect();
    let hers = [&here, &there].map(|signed_in| signed_in.principal.session().unwrap());
    assert_eq!(sessions, BTreeSet::from(hers));
    assert_eq!(export.api_tokens.len(), 1);
    let log = h.events().await;
    let about = log.iter().filter(|event| event.subject == Some(ada));
    let about: BTreeSet<_> = about.map(|event| event.id).collect();
    let events = export.events.as_ref().unwrap();
    let exported: BTreeSet<_> = events.iter().map(|event| event.id).collect();
    // Giving it out is the one event that came after it was read.
    assert_eq!(log[0].kind, AuthEventType::AccountExported);
    assert_eq!(about.len(), exported.len() + 1);
    assert!(exported.is_subset(&about));

    let text = serde_json::to_string(&export).unwrap();
    let hash = serde_json::to_string(&hash).unwrap();
    let eve = eve.to_string();
    let eves_session = eves.principal.session().unwrap().to_string();
    let secrets = [
        PASSWORD,
        hash.trim_matches('"'),
        &here.cookie.expose()[30..],
        &there.cookie.expose()[30..],
        &token.expose()[30..],
        &eves_token.expose()[30..],
        &link.expose()[30..],
        &eve,
        &eves_session,
        EVE,
    ];
    for secret in secrets {
        assert!(!secret.is_empty() && !text.contains(secret), "{secret}");
    }
    // What has a digest has these fields and no other.
    let json: Value = serde_json::from_str(&text).unwrap();
    let session = [
        "absolute_deadline",
        "created_at",
        "id",
        "idle_deadline",
        "ip",
        "name",
        "seen_at",
        "user_agent",
    ];
    assert_eq!(keys(&json["sessions"][0]), BTreeSet::from(session));
    let api_token = [
        "created_at",
        "expires_at",
        "id",
        "ip_allowlist",
        "last_used_at",
        "name",
        "scopes",
    ];
    assert_eq!(keys(&json["api_tokens"][0]), BTreeSet::from(api_token));
    let factor = BTreeSet::from(["changed_at", "kind"]);
    assert_eq!(keys(&json["factors"][0]), factor);
}

#[tokio::test]
async fn an_operator_exports_the_same_and_the_log_says_so() {
    let h = Harness::new().await;
    let ada = h.person(ADA).await;
    let here = h.sign_in(ADA).await;
    let (tenant, context) = (h.portcullis.default_tenant(), h.context());
    // One export a moment, so that the log has an order.
    h.advance(1);
    let own = h.portcullis.export_account(&here.principal, &context).await;
    let own = own.unwrap().unwrap();
    h.advance(1);
    let exported = h.portcullis.admin_export_account(tenant, ada).await;
    let mut exported = exported.unwrap().unwrap();
    let newest = exported.events.as_mut().unwrap().remove(0);
    assert_eq!(newest.kind, AuthEventType::AccountExported);
    exported.exported_at.clone_from(&own.exported_at);
    assert_eq!(exported, own);
    assert_eq!(h.events().await[0].actor, Some(UserId::SYSTEM));
    let nobody = h.portcullis.admin_export_account(tenant, UserId::SYSTEM);
    assert!(nobody.await.unwrap().is_none());
}

#[tokio::test]
async fn a_suspension_with_an_end_is_over_at_its_end_and_not_before() {
    let h = Harness::new().await;
    let ada = h.person(ADA).await;
    let before = h.sign_in(ADA).await;
    let token = api_token(&h, &before.principal).await;
    let token = Credential::Bearer(token.expose());
    suspend_for(&h, ada, HOUR).await;
    h.advance(HOUR - 1);
    assert!(!signs_in(&h, ADA).await && !session_counts(&h, &before).await);
    assert!(!counts(&h, token).await);
    let events = h.events().await;
    assert!(
        events
            .iter()
            .any(|event| event.reason == Some(Reason::Suspended))
    );
    h.advance(1);
    let after = h.sign_in(ADA).await;
    assert!(session_counts(&h, &after).await && counts(&h, token).await);
    // As after an activation: what the suspension ended stays ended.
    assert!(!session_counts(&h, &before).await);
    let tenant = h.portcullis.default_tenant();
    let found = h.portcullis.admin_find_user(tenant, ADA).await.unwrap();
    let status = found.unwrap().account.unwrap().status;
    assert_eq!(status.effective_at(h.clock.now()), EntityState::Active);
    assert_eq!(status.detail.reason.as_deref(), Some("holidays"));
}

#[tokio::test]
async fn after_the_end_of_a_suspension_links_work_again() {
    let h = Harness::new().await;
    let ada = h.person(ADA).await;
    suspend_for(&h, ada, HOUR).await;
    h.advance(HOUR);
    assert!(opens(&h, &magic_link(&h).await).await);
    let reset = ResetPassword {
        token: reset_link(&h).await,
        password: Password::new("a battery of staple horses").unwrap(),
    };
    let context = h.context();
    let reset = h.portcullis.reset_password(reset, &context).await.unwrap();
    let address = ADA.to_owned();
    assert_eq!(reset, ResetPasswordOutcome::Reset { user: ada, address });
    let signed_in = h.try_sign_in(ADA, "a battery of staple horses").await;
    let SignInOutcome::SignedIn(here) = signed_in.unwrap() else {
        panic!("refused");
    };
    assert_eq!(
        close(&h, &here.principal).await,
        CloseAccountOutcome::Closed
    );
}
