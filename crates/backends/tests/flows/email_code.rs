//! Signing in with a code in a mail.

mod guesses;
mod uniform;

use portcullis_backends::core::backend::RequestContext;
use portcullis_backends::core::event::{AuthEventStatus, AuthEventType, Reason};
use portcullis_backends::core::factor::FactorKind;
use portcullis_backends::core::id::TenantId;
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::net::ClientInfo;
use portcullis_backends::core::policy::PolicyOverrides;
use portcullis_backends::core::secret::SecretText;
use portcullis_backends::core::session::AssuranceLevel;
use portcullis_backends::core::state::EntityState;
use portcullis_backends::core::store::{IdentityAuthnLog as _, TicketStore as _};
use portcullis_backends::flow::{
    EmailCode, EmailCodeOutcome, EmailCodeSent, EraseOutcome, SendEmailCode,
};

use crate::harness::{ADA, Harness};

/// An instance whose codes sign in.
async fn harness() -> Harness {
    with_policy(PolicyOverrides::default()).await
}

async fn with_policy(policy: PolicyOverrides) -> Harness {
    let policy = PolicyOverrides {
        email_code: Some(true),
        ..policy
    };
    Harness::with(|builder| builder.policy(policy)).await
}

async fn send_with(h: &Harness, email: &str, ticket: Option<&SecretText>) -> EmailCodeSent {
    let input = SendEmailCode {
        email: Identifier::email(email).unwrap(),
        ticket: ticket.cloned(),
    };
    let context = h.context();
    h.portcullis.send_email_code(input, &context).await.unwrap()
}

async fn send_from(h: &Harness, email: &str, context: &RequestContext) -> EmailCodeSent {
    let input = SendEmailCode {
        email: Identifier::email(email).unwrap(),
        ticket: None,
    };
    h.portcullis.send_email_code(input, context).await.unwrap()
}

/// Asks when the last mail is long enough ago.
async fn send(h: &Harness, email: &str) -> SecretText {
    h.advance(30);
    send_with(h, email, None).await.ticket
}

async fn mailed_code(h: &Harness, email: &str) -> String {
    h.portcullis.run_due().await.unwrap();
    let mail = h.mailbox.last_to(email).unwrap();
    mail.code().unwrap().to_owned()
}

/// A ticket, and the code that works with it.
async fn asked(h: &Harness, email: &str) -> (SecretText, String) {
    let ticket = send(h, email).await;
    (ticket, mailed_code(h, email).await)
}

async fn enter(h: &Harness, ticket: &SecretText, code: &str) -> EmailCodeOutcome {
    let input = EmailCode {
        ticket: ticket.clone(),
        code: SecretText::new(code),
        replaces: None,
    };
    let context = h.context();
    let entered = h.portcullis.sign_in_with_email_code(input, &context);
    entered.await.unwrap()
}

async fn works(h: &Harness, ticket: &SecretText, code: &str) -> bool {
    matches!(
        enter(h, ticket, code).await,
        EmailCodeOutcome::SignedIn { .. }
    )
}

async fn is_refused(h: &Harness, ticket: &SecretText, code: &str) -> bool {
    matches!(enter(h, ticket, code).await, EmailCodeOutcome::Refused)
}

/// Another code than this.
fn wrong(code: &str) -> String {
    let last = if code.ends_with('0') { "1" } else { "0" };
    format!("{}{last}", &code[..code.len() - 1])
}

async fn mails(h: &Harness) -> usize {
    h.portcullis.run_due().await.unwrap();
    h.mailbox.all().len()
}

// MF-09
#[tokio::test]
async fn a_code_signs_in_once_with_one_factor_that_came_by_mail() {
    let h = harness().await;
    let ada = h.person(ADA).await;
    let ticket = send(&h, "Ada@EXAMPLE.com").await;
    let code = mailed_code(&h, ADA).await;
    let outcome = enter(&h, &ticket, &code).await;
    let EmailCodeOutcome::SignedIn { signed_in, email } = outcome else {
        panic!("{outcome:?}")
    };
    let principal = signed_in.principal;
    assert_eq!((principal.user(), email.as_str()), (ada, ADA));
    assert_eq!(principal.assurance.level, AssuranceLevel::Aal1);
    assert_eq!(principal.assurance.factors, [FactorKind::Email]);
    let events = h.events().await;
    let event = events
        .iter()
        .find(|event| event.kind == AuthEventType::SignIn);
    assert_eq!(event.unwrap().detail["via"], "email_code");
    assert!(is_refused(&h, &ticket, &code).await);
}

#[tokio::test]
async fn spaces_and_dashes_in_a_code_are_whoever_types_its_own() {
    let h = harness().await;
    h.person(ADA).await;
    for spell in [
        |code: &str| code.replace(' ', ""),
        |code: &str| code.replace(' ', "-"),
        |code: &str| format!(" {code}\r\n"),
    ] {
        let (ticket, code) = asked(&h, ADA).await;
        assert!(works(&h, &ticket, &spell(&code)).await);
    }
}

// OT-08
#[tokio::test]
async fn what_is_no_code_or_no_ticket_is_refused_and_is_no_guess() {
    let h = harness().await;
    h.person(ADA).await;
    let (ticket, code) = asked(&h, ADA).await;
    let calls = h.store.calls();
    for typed in ["", "0", "1234567", "123456789", "1234567x", "١٢٣٤٥٦٧٨"] {
        assert!(is_refused(&h, &ticket, typed).await, "{typed:?}");
    }
    let long = "1".repeat(10_000_000);
    assert!(is_refused(&h, &ticket, &long).await);
    for text in ["", "pcl_tkt_nothing", long.as_str()] {
        assert!(is_refused(&h, &SecretText::new(text), &code).await);
    }
    assert_eq!(h.store.calls(), calls);
    assert!(works(&h, &ticket, &code).await);
}

// OT-04
#[tokio::test]
async fn a_code_works_until_its_end_and_not_at_it() {
    for (secs, good) in [(10 * 60 - 1, true), (10 * 60, false)] {
        let h = harness().await;
        h.person(ADA).await;
        let (ticket, code) = asked(&h, ADA).await;
        h.advance(secs);
        assert_eq!(works(&h, &ticket, &code).await, good, "after {secs} s");
    }
    let shortest = PolicyOverrides {
        email_code_life_secs: Some(60),
        ..Default::default()
    };
    let h = with_policy(shortest).await;
    h.person(ADA).await;
    let (ticket, code) = asked(&h, ADA).await;
    h.advance(60);
    assert!(!works(&h, &ticket, &code).await);
}

#[tokio::test]
async fn a_code_works_where_it_was_asked_for_and_nowhere_else() {
    let h = harness().await;
    h.person(ADA).await;
    h.person("eve@example.com").await;
    let (adas, code) = asked(&h, ADA).await;
    let eves = send(&h, "eve@example.com").await;
    assert!(is_refused(&h, &eves, &code).await);
    let strangers = send(&h, "nobody@example.com").await;
    assert!(is_refused(&h, &strangers, &code).await);
    assert!(works(&h, &adas, &code).await);
}

// OT-06
#[tokio::test]
async fn a_newer_code_ends_the_older() {
    let h = harness().await;
    h.person(ADA).await;
    let (first, its_code) = asked(&h, ADA).await;
    let (second, newer) = asked(&h, ADA).await;
    h.advance(1);
    assert!(is_refused(&h, &first, &its_code).await);
    assert_eq!(h.events().await[0].reason, Some(Reason::Superseded));
    assert!(works(&h, &second, &newer).await);
}

// OT-05
#[tokio::test]
async fn a_ticket_of_another_tenant_is_unknown() {
    let h = harness().await;
    h.person(ADA).await;
    let (ticket, code) = asked(&h, ADA).await;
    let mut elsewhere = h.context();
    elsewhere.tenant = TenantId::from_integer(77);
    let input = EmailCode {
        ticket: ticket.clone(),
        code: SecretText::new(code.as_str()),
        replaces: None,
    };
    let entered = h.portcullis.sign_in_with_email_code(input, &elsewhere);
    assert!(matches!(entered.await.unwrap(), EmailCodeOutcome::Refused));
    assert!(works(&h, &ticket, &code).await);
}

// TH-10, OT-06
#[tokio::test]
async fn who_is_suspended_after_the_mail_stays_out_for_good() {
    let h = harness().await;
    let ada = h.person(ADA).await;
    let (ticket, code) = asked(&h, ADA).await;
    h.set_state(ada, EntityState::Suspended).await;
    h.advance(1);
    assert!(is_refused(&h, &ticket, &code).await);
    assert_eq!(h.events().await[0].reason, Some(Reason::Suspended));
    h.set_state(ada, EntityState::Active).await;
    assert!(
        is_refused(&h, &ticket, &code).await,
        "it outlived a suspension"
    );
    let (ticket, code) = asked(&h, ADA).await;
    assert!(works(&h, &ticket, &code).await);
}

// TH-10
#[tokio::test]
async fn an_epoch_that_moved_after_the_mail_ends_the_code() {
    use portcullis_backends::core::along::Along;
    let h = harness().await;
    let ada = h.person(ADA).await;
    let (ticket, code) = asked(&h, ADA).await;
    let tenant = h.portcullis.default_tenant();
    let moved = h.store.record(Along::default().with_epoch_of(tenant, ada));
    assert!(moved.await.unwrap().applied().is_some());
    assert!(is_refused(&h, &ticket, &code).await);
}

// TH-10
#[tokio::test]
async fn where_the_policy_has_no_code_none_is_sent_and_none_works() {
    use portcullis_backends::core::along::Along;
    use portcullis_backends::core::store::AccountStore as _;
    let h = harness().await;
    h.person(ADA).await;
    let (ticket, code) = asked(&h, ADA).await;
    let tenant = h.portcullis.default_tenant();
    let mut security = h.store.tenant_security(tenant).await.unwrap().unwrap();
    security.policy.email_code = Some(false);
    let set = h.store.set_tenant_security(&security, Along::default());
    assert!(set.await.unwrap().applied().is_some());
    assert!(is_refused(&h, &ticket, &code).await);
    let before = mails(&h).await;
    send(&h, ADA).await;
    assert_eq!(mails(&h).await, before);

    let h = Harness::new().await;
    h.person(ADA).await;
    let before = mails(&h).await;
    send(&h, ADA).await;
    assert_eq!(mails(&h).await, before, "it is off where nobody says");
}

/// Two mailboxes, one canonical form: what was sent to the one signs in nobody who has the other.
#[tokio::test]
async fn a_code_goes_to_the_address_that_is_on_file() {
    let h = harness().await;
    h.person("mike@example.com").await;
    let before = mails(&h).await;
    let ticket = send(&h, "m\u{131}ke@example.com").await;
    assert_eq!(mails(&h).await, before + 1);
    let code = mailed_code(&h, "mike@example.com").await;
    assert!(works(&h, &ticket, &code).await);
}

// SE-10
#[tokio::test]
async fn the_session_the_browser_had_ends_only_after_the_code_was_right() {
    use portcullis_backends::Authentication;
    use portcullis_backends::core::backend::Credential;
    let h = harness().await;
    h.person(ADA).await;
    h.person("eve@example.com").await;
    let eve = h.sign_in("eve@example.com").await;
    let (ticket, code) = asked(&h, ADA).await;
    for (code, ended) in [(wrong(&code), false), (code, true)] {
        let input = EmailCode {
            ticket: ticket.clone(),
            code: SecretText::new(code),
            replaces: Some(eve.cookie.clone()),
        };
        let context = h.context();
        let entered = h.portcullis.sign_in_with_email_code(input, &context);
        entered.await.unwrap();
        let cookie = Credential::Cookie(eve.cookie.expose());
        let answer = h.present(Some(cookie)).await.unwrap();
        let is_live = matches!(answer, Authentication::Authenticated(_));
        assert_eq!(is_live, !ended);
    }
}

// TH-08
#[tokio::test]
async fn asked_again_at_once_nothing_new_is_sent_and_the_ticket_stays() {
    let h = harness().await;
    h.person(ADA).await;
    let before = mails(&h).await;
    let ticket = send(&h, ADA).await;
    h.advance(29);
    let kept = send_with(&h, ADA, Some(&ticket)).await;
    assert_eq!(kept.ticket.expose(), ticket.expose());
    assert_eq!(kept.expires_in.as_secs(), 10 * 60 - 29);
    // Somebody else who asks meanwhile is given one that no code works with.
    let strangers = send_with(&h, ADA, None).await.ticket;
    assert_eq!(mails(&h).await, before + 1);
    assert_eq!(h.events().await[0].reason, Some(Reason::TooSoon));
    let code = mailed_code(&h, ADA).await;
    assert!(is_refused(&h, &strangers, &code).await);
    // A ticket for one address is none for another.
    let other = send_with(&h, "eve@example.com", Some(&ticket)).await;
    assert_ne!(other.ticket.expose(), ticket.expose());
    assert!(works(&h, &ticket, &code).await);

    h.advance(30);
    let newer = send_with(&h, ADA, Some(&ticket)).await.ticket;
    assert_eq!(mails(&h).await, before + 2);
    let code = mailed_code(&h, ADA).await;
    assert!(works(&h, &newer, &code).await);
}

// OT-02
#[tokio::test]
async fn what_a_ticket_remembers_is_sealed_and_is_no_code() {
    use portcullis_backends::core::id::TicketId;
    use portcullis_backends::core::store::TicketKind;
    use portcullis_backends::tokens::opaque::TokenClass;
    let h = harness().await;
    h.person(ADA).await;
    let (ticket, code) = asked(&h, ADA).await;
    let tokens = h.portcullis.tokens();
    let id = tokens.parse(TokenClass::Ticket, ticket.expose()).unwrap();
    let id = TicketId::from_bytes(id.id());
    let (tenant, kind, now) = (
        h.portcullis.default_tenant(),
        TicketKind::EmailCode,
        h.portcullis.now(),
    );
    let stored = h.store.peek_ticket(tenant, kind, id, now).await.unwrap();
    let bytes = stored.unwrap().payload.bytes;
    let digits = code.replace(' ', "");
    for secret in [ADA, digits.as_str(), code.as_str()] {
        let found = bytes
            .windows(secret.len())
            .any(|at| at == secret.as_bytes());
        assert!(!found, "{secret}");
    }
    let events = h.events().await;
    let requested = events
        .iter()
        .find(|event| event.kind == AuthEventType::EmailCodeRequested);
    assert_eq!(requested.unwrap().status, AuthEventStatus::Success);
    let text = serde_json::to_string(&events).unwrap();
    assert!(!text.contains(&digits) && !text.contains(&code) && !text.contains(ticket.expose()));
}

#[tokio::test]
async fn nothing_more_is_written_about_somebody_erased_whose_code_is_entered() {
    let h = harness().await;
    let ada = h.person(ADA).await;
    let (older, _) = asked(&h, ADA).await;
    let (ticket, code) = asked(&h, ADA).await;
    let erased = h.portcullis.admin_erase(h.context().tenant, ada).await;
    assert_eq!(erased.unwrap(), EraseOutcome::Erased);
    for _ in 0..4 {
        assert!(is_refused(&h, &older, &wrong(&code)).await);
    }
    assert!(is_refused(&h, &ticket, &code).await);
    let locked = enter(&h, &ticket, &code).await;
    assert!(matches!(locked, EmailCodeOutcome::Locked { .. }));
    let events = h.events().await;
    let mut about = events.iter().filter(|event| event.subject == Some(ada));
    assert!(about.all(|event| event.client == ClientInfo::default()));
    // It is known all the same that somebody tried.
    let refused = events.iter().filter(|event| event.reason.is_some());
    assert_eq!(refused.count(), 6);
}
