//! A tenant that is suspended or closed: nothing is made for it, mailed or activated, and nobody is told why.

use std::time::Duration;

use portcullis_backends::core::along::Along;
use portcullis_backends::core::clock::Clock as _;
use portcullis_backends::core::entity::TenantSecurity;
use portcullis_backends::core::event::{AuthEventStatus, AuthEventType, Reason};
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::policy::PolicyOverrides;
use portcullis_backends::core::state::{EntityState, Status};
use portcullis_backends::core::store::{AccountStore as _, IdentityLookup as _};
use portcullis_backends::core::verification::KindName;
use portcullis_backends::flow::{
    IssueRefusal, IssueToken, IssueTokenOutcome, RedeemTokenOutcome, ResendOutcome,
    ResendVerification, ResetPasswordOutcome, VerifyEmailOutcome,
};
use serde_json::Value;

use crate::harness::{ADA, Harness, PASSWORD};
use crate::magic_link::{link, send, works};

const EVE: &str = "eve@example.com";
const STATES: [EntityState; 2] = [EntityState::Suspended, EntityState::Terminated];

/// An instance whose links make accounts.
async fn open_house() -> Harness {
    let policy = PolicyOverrides {
        magic_link_sign_up: Some(true),
        ..Default::default()
    };
    Harness::with(|b| b.policy(policy)).await
}

async fn switch_off(h: &Harness, to: EntityState) {
    h.advance(1);
    let tenant = h.portcullis.default_tenant();
    let security = h.store.tenant_security(tenant).await.unwrap().unwrap();
    let security = TenantSecurity {
        status: Status::new(to, h.clock.now()),
        ..security
    };
    let set = h.store.set_tenant_security(&security, Along::default());
    assert!(set.await.unwrap().applied().is_some());
}

async fn mails(h: &Harness) -> usize {
    h.portcullis.run_due().await.unwrap();
    h.mailbox.all().len()
}

async fn is_known(h: &Harness, who: &str) -> bool {
    let (tenant, who) = (h.portcullis.default_tenant(), Identifier::email(who));
    let found = h.store.find_user(tenant, &who.unwrap()).await;
    found.unwrap().is_some()
}

async fn state_of(h: &Harness, who: &str) -> EntityState {
    let (tenant, who) = (h.portcullis.default_tenant(), Identifier::email(who));
    let found = h.store.find_user(tenant, &who.unwrap()).await;
    let account = h.store.account(tenant, found.unwrap().unwrap().id).await;
    account.unwrap().unwrap().status.state
}

/// Why the latest event of a kind was refused.
async fn refused(h: &Harness, kind: AuthEventType) -> Option<Reason> {
    let events = h.events().await;
    let latest = events.into_iter().find(|event| event.kind == kind).unwrap();
    assert_eq!(latest.status, AuthEventStatus::Failure);
    latest.reason
}

// TH-10
#[tokio::test]
async fn a_tenant_that_is_switched_off_signs_nobody_up() {
    for state in STATES {
        let h = open_house().await;
        h.sign_up(ADA, PASSWORD).await;
        switch_off(&h, state).await;
        let before = mails(&h).await;
        h.advance(1);
        // The answer is the one that everybody gets, for a new address and a known one.
        for who in [EVE, ADA] {
            h.sign_up(who, PASSWORD).await;
        }
        assert!(!is_known(&h, EVE).await);
        assert_eq!(mails(&h).await, before);
        let reason = refused(&h, AuthEventType::SignUp).await;
        assert_eq!(reason, Some(Reason::TenantInactive));
        assert_eq!(h.hasher.hashes(), 3);
    }
}

// TH-10
#[tokio::test]
async fn a_tenant_that_is_switched_off_activates_no_sign_up() {
    for state in STATES {
        let h = open_house().await;
        let browser = h.sign_up(ADA, PASSWORD).await;
        let token = h.mailed_token(ADA).await;
        let reset = h.reset_link(ADA).await;
        switch_off(&h, state).await;
        let opened = h.verify(&token, Some(&browser)).await;
        assert_eq!(opened, VerifyEmailOutcome::Rejected);
        let reason = refused(&h, AuthEventType::EmailVerified).await;
        assert_eq!(reason, Some(Reason::TenantInactive));
        let typed = h.verify_with_password(&token, PASSWORD).await;
        assert_eq!(typed, VerifyEmailOutcome::Rejected);
        let outcome = h.reset(&reset, PASSWORD).await;
        assert_eq!(outcome, ResetPasswordOutcome::Rejected);
        assert_eq!(state_of(&h, ADA).await, EntityState::Pending);
    }
}

// TH-10
#[tokio::test]
async fn a_tenant_that_is_switched_off_sends_no_link_again() {
    for state in STATES {
        let h = open_house().await;
        h.sign_up(ADA, PASSWORD).await;
        switch_off(&h, state).await;
        let before = mails(&h).await;
        h.advance(1);
        for who in [ADA, EVE] {
            let email = Identifier::email(who).unwrap();
            let context = h.context();
            let resent = h
                .portcullis
                .resend_verification(ResendVerification { email }, &context);
            assert_eq!(resent.await.unwrap(), ResendOutcome::Accepted);
        }
        assert_eq!(mails(&h).await, before);
    }
}

// TH-10
#[tokio::test]
async fn a_tenant_that_is_switched_off_makes_no_account_of_a_magic_link() {
    for state in STATES {
        let h = open_house().await;
        let early = link(&h, ADA).await;
        switch_off(&h, state).await;
        let before = mails(&h).await;
        send(&h, EVE).await;
        send(&h, ADA).await;
        assert_eq!(mails(&h).await, before);
        assert!(!works(&h, &early).await);
        assert!(!is_known(&h, ADA).await && !is_known(&h, EVE).await);
    }
}

// TH-10
#[tokio::test]
async fn a_tenant_that_is_switched_off_makes_and_redeems_no_token() {
    const SEAT: KindName = match KindName::new("seat") {
        Ok(name) => name,
        Err(_) => panic!("no name"),
    };
    for state in STATES {
        let h = open_house().await;
        let seat = || IssueToken {
            kind: SEAT,
            email: Identifier::email(EVE).unwrap(),
            user: None,
            payload: Value::Null,
            ttl: Duration::from_secs(3600),
        };
        let context = h.context();
        let issued = h.portcullis.issue_token(seat(), &context).await.unwrap();
        let IssueTokenOutcome::Issued(issued) = issued else {
            panic!("refused");
        };
        switch_off(&h, state).await;
        let again = h.portcullis.issue_token(seat(), &context).await.unwrap();
        let refused = matches!(again, IssueTokenOutcome::Refused(IssueRefusal::User));
        assert!(refused, "{again:?}");
        let seen = h.portcullis.peek_token(SEAT, &issued.token, &context).await;
        assert!(seen.unwrap().is_none());
        let redeemed = h
            .portcullis
            .redeem_token(SEAT, &issued.token, &context)
            .await;
        assert!(matches!(redeemed.unwrap(), RedeemTokenOutcome::Rejected));
    }
}
