//! Putting another address in the place of one's own.

use portcullis_backends::FlowError;
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::principal::Principal;
use portcullis_backends::core::secret::SecretText;
use portcullis_backends::flow::{
    ConfirmEmailChange, ConfirmEmailChangeOutcome, RequestEmailChange, RequestEmailChangeOutcome,
    SignedIn,
};

use crate::every::every_fault_in;
use crate::world::{ADA, PASSWORD, World, session_of};

const NEW: &str = "lovelace@example.com";

async fn try_ask(w: &World, who: &Principal) -> Result<RequestEmailChangeOutcome, FlowError> {
    w.advance(1);
    let (context, email) = (w.context(), Identifier::email(NEW).unwrap());
    let request = RequestEmailChange { email };
    w.portcullis
        .request_email_change(who, request, &context)
        .await
}

async fn try_confirm(
    w: &World,
    who: &Principal,
    token: &SecretText,
) -> Result<ConfirmEmailChangeOutcome, FlowError> {
    let (context, token) = (w.context(), token.clone());
    let confirm = ConfirmEmailChange { token };
    w.portcullis
        .confirm_email_change(who, confirm, &context)
        .await
}

const fn changed(outcome: &ConfirmEmailChangeOutcome) -> bool {
    matches!(outcome, ConfirmEmailChangeOutcome::Changed { .. })
}

async fn signed_in(w: &World) -> SignedIn {
    w.person(ADA).await;
    w.sign_in(ADA).await
}

/// By which of both addresses the person is found.
async fn has(w: &World, email: &str) -> bool {
    let found = w.portcullis.admin_find_user(w.tenant(), email).await;
    found.unwrap().is_some()
}

/// Whatever fails, the notice goes out with the link, and a link that was promised works.
pub(crate) async fn asking_sends_both_mails(make: impl AsyncFn() -> World) {
    every_fault_in(
        make,
        signed_in,
        async |w: &World, own: &SignedIn| try_ask(w, &own.principal).await,
        |outcome| *outcome == RequestEmailChangeOutcome::Accepted,
        async |w: &World, own: &SignedIn, answer| {
            w.deliver().await;
            let notices = w.mailbox.to(ADA).into_iter();
            let notices = notices.filter(|mail| mail.subject.contains("about to change"));
            let links = w.mailbox.to(NEW).len();
            assert_eq!(notices.count(), links);
            assert!(answer.is_none() || links == 1);
            assert!(has(w, ADA).await && !has(w, NEW).await);
            try_ask(w, &own.principal).await.unwrap();
            let link = w.mailed_link(NEW).await;
            let confirmed = try_confirm(w, &own.principal, &link).await;
            assert!(changed(&confirmed.unwrap()));
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn asking_for_another_address_sends_both_mails_or_none() {
    asking_sends_both_mails(World::new).await;
}

/// Whatever fails, an address is changed with all that follows, once.
pub(crate) async fn an_address_is_changed_once(make: impl AsyncFn() -> World) {
    every_fault_in(
        make,
        async |w: &World| {
            let own = signed_in(w).await;
            try_ask(w, &own.principal).await.unwrap();
            (w.mailed_link(NEW).await, own)
        },
        async |w: &World, (link, own): &(SecretText, SignedIn)| {
            try_confirm(w, &own.principal, link).await
        },
        changed,
        async |w: &World, (link, own): &(SecretText, SignedIn), answer| {
            let moved = has(w, NEW).await;
            assert!(moved != has(w, ADA).await, "both addresses or none");
            assert!(moved || answer.is_none(), "acknowledged, and not changed");
            assert_eq!(moved, !w.accepts_cookie(&own.cookie).await);
            if let Some(ConfirmEmailChangeOutcome::Changed {
                session: Some(kept),
            }) = &answer
            {
                assert!(w.accepts_cookie(&kept.cookie).await);
            }
            if !moved {
                let again = try_confirm(w, &own.principal, link).await;
                assert!(changed(&again.unwrap()));
            }
            let own = session_of(w.try_sign_in(NEW, PASSWORD, None).await.unwrap());
            let again = try_confirm(w, &own.principal, link).await;
            assert!(!changed(&again.unwrap()), "one link worked twice");
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn an_address_is_changed_wholly_or_not_at_all() {
    an_address_is_changed_once(World::new).await;
}
