//! Sign-up, and asking for its mail again.

use portcullis_backends::FlowError;
use portcullis_backends::core::event::{AuthEventType, Reason};
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::secret::SecretText;
use portcullis_backends::flow::{
    ResendOutcome, ResendVerification, SignUpOutcome, VerifyEmailOutcome,
};

use crate::every::every_fault;
use crate::world::{ADA, OTHER_PASSWORD, PASSWORD, World, cookie_of, session_of};

pub(crate) const fn accepted(outcome: &SignUpOutcome) -> bool {
    matches!(outcome, SignUpOutcome::Accepted { .. })
}

pub(crate) async fn resend(w: &World) -> Result<(), FlowError> {
    let email = Identifier::email(ADA).unwrap();
    let context = w.context();
    w.advance(1);
    let asked = w
        .portcullis
        .resend_verification(ResendVerification { email }, &context);
    asked
        .await
        .map(|outcome| assert_eq!(outcome, ResendOutcome::Accepted))
}

/// The latest link activates the account with the password of this browser, once.
pub(crate) async fn the_latest_link_works_once(w: &World, browser: &SecretText, password: &str) {
    let link = w.mailed_link(ADA).await;
    let verified = w.verify(&link, Some(browser)).await;
    assert!(matches!(verified, VerifyEmailOutcome::Verified { .. }));
    let again = w.verify(&link, Some(browser)).await;
    assert_eq!(again, VerifyEmailOutcome::Rejected);
    let signed_in = w.try_sign_in(ADA, password, None).await.unwrap();
    assert!(w.accepts_cookie(&session_of(signed_in).cookie).await);
}

pub(crate) async fn people_called_ada(w: &World) -> usize {
    let people = w.portcullis.admin_users(w.tenant(), None, 1000).await;
    let has_address = |raw: &str| raw == ADA;
    let people = people.unwrap().into_iter();
    people
        .filter(|person| has_address(&person.user.email().unwrap().raw))
        .count()
}

// FT-32, CC-03
#[tokio::test]
async fn a_sign_up_makes_a_whole_person_or_nobody() {
    every_fault(
        async |_: &World| (),
        async |w: &World, (): &()| w.try_sign_up(ADA, PASSWORD).await,
        accepted,
        async |w: &World, (): &(), answer: Option<SignUpOutcome>| {
            let browser = match answer {
                Some(outcome) => {
                    assert_eq!(people_called_ada(w).await, 1);
                    cookie_of(outcome)
                }
                None => w.sign_up(ADA, PASSWORD).await,
            };
            assert_eq!(people_called_ada(w).await, 1);
            the_latest_link_works_once(w, &browser, PASSWORD).await;
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn signing_up_again_replaces_the_link_or_leaves_it() {
    every_fault(
        async |w: &World| {
            let browser = w.sign_up(ADA, PASSWORD).await;
            (w.mailed_link(ADA).await, browser)
        },
        async |w: &World, _: &(SecretText, SecretText)| w.try_sign_up(ADA, OTHER_PASSWORD).await,
        accepted,
        async |w: &World,
               (old_link, old_browser): &(SecretText, SecretText),
               answer: Option<SignUpOutcome>| {
            assert_eq!(people_called_ada(w).await, 1);
            if let Some(outcome) = answer {
                let rejected = w.verify(old_link, Some(old_browser)).await;
                assert_eq!(rejected, VerifyEmailOutcome::Rejected);
                let browser = cookie_of(outcome);
                return the_latest_link_works_once(w, &browser, OTHER_PASSWORD).await;
            }
            // The link that lives is either the old one, with the old browser, or a new one whose browser never got its
            // cookie: then it asks for a password. Signing up once more settles it.
            let latest = w.mailed_link(ADA).await;
            if latest.expose() != old_link.expose() {
                let asked = w.verify(&latest, Some(old_browser)).await;
                assert_eq!(asked, VerifyEmailOutcome::PasswordRequired);
            }
            let browser = w.sign_up(ADA, OTHER_PASSWORD).await;
            the_latest_link_works_once(w, &browser, OTHER_PASSWORD).await;
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn the_owner_of_an_address_is_told_with_the_event_or_not_at_all() {
    let told = async |w: &World| {
        let about_it = |reason| reason == Some(Reason::AlreadyRegistered);
        let events = w.events().await;
        let logged = events
            .iter()
            .filter(|event| event.kind == AuthEventType::SignUp && about_it(event.reason));
        let links = w.mailbox.to(ADA).into_iter();
        (
            logged.count(),
            links.filter(|mail| mail.token().is_none()).count(),
        )
    };
    every_fault(
        async |w: &World| w.person(ADA).await,
        async |w: &World, _| w.try_sign_up(ADA, OTHER_PASSWORD).await,
        accepted,
        async |w: &World, _, answer: Option<SignUpOutcome>| {
            let (logged, mailed) = told(w).await;
            assert_eq!(logged, mailed);
            assert!(answer.is_none() || mailed == 1);
            w.sign_up(ADA, OTHER_PASSWORD).await;
            w.deliver().await;
            assert_eq!(told(w).await, (mailed + 1, mailed + 1));
            assert_eq!(people_called_ada(w).await, 1);
            w.sign_in(ADA).await;
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn a_mail_asked_for_again_brings_a_link_that_works_and_keeps_the_password() {
    every_fault(
        async |w: &World| w.sign_up(ADA, PASSWORD).await,
        async |w: &World, _: &SecretText| resend(w).await,
        |(): &()| true,
        async |w: &World, browser: &SecretText, answer: Option<()>| {
            if answer.is_none() {
                resend(w).await.unwrap();
            }
            the_latest_link_works_once(w, browser, PASSWORD).await;
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn a_mail_asked_for_in_vain_changes_nothing() {
    every_fault(
        async |_: &World| (),
        async |w: &World, (): &()| resend(w).await,
        |(): &()| true,
        async |w: &World, (): &(), _| {
            resend(w).await.unwrap();
            w.deliver().await;
            assert!(w.mailbox.to(ADA).is_empty());
            assert_eq!(people_called_ada(w).await, 0);
        },
    )
    .await;
    every_fault(
        async |w: &World| {
            w.person(ADA).await;
            w.mailbox.to(ADA).len()
        },
        async |w: &World, _: &usize| resend(w).await,
        |(): &()| true,
        async |w: &World, mails: &usize, _| {
            resend(w).await.unwrap();
            w.deliver().await;
            assert_eq!(w.mailbox.to(ADA).len(), *mails);
            let cookie = w.sign_in(ADA).await.cookie;
            let answer = w.accepts_cookie(&cookie).await;
            assert!(answer);
        },
    )
    .await;
}
