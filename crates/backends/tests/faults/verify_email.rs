//! Opening the link.

use portcullis_backends::core::secret::SecretText;
use portcullis_backends::flow::VerifyEmailOutcome;

use crate::every::every_fault;
use crate::world::{ADA, OTHER_PASSWORD, PASSWORD, World, session_of};

const fn verified(outcome: &VerifyEmailOutcome) -> bool {
    matches!(outcome, VerifyEmailOutcome::Verified { .. })
}

type Invited = (SecretText, SecretText);

async fn signed_up(w: &World) -> Invited {
    let browser = w.sign_up(ADA, PASSWORD).await;
    (w.mailed_link(ADA).await, browser)
}

async fn is_active(w: &World) -> bool {
    let found = w.portcullis.admin_find_user(w.tenant(), ADA).await.unwrap();
    !found.unwrap().account.unwrap().verified.is_empty()
}

/// The link works unless the account is active; what is true then stays true.
async fn settled(
    w: &World,
    (link, browser): &Invited,
    chosen: Option<&str>,
    answer: Option<VerifyEmailOutcome>,
) {
    let active = is_active(w).await;
    assert!(active || answer.is_none(), "acknowledged, and not active");
    let open = async || w.try_verify(link, Some(browser), chosen).await.unwrap();
    let again = open().await;
    assert_eq!(verified(&again), !active);
    assert_eq!(open().await, VerifyEmailOutcome::Rejected);
    assert!(is_active(w).await);
    let password = chosen.unwrap_or(PASSWORD);
    let signed_in = w.try_sign_in(ADA, password, None).await.unwrap();
    assert!(w.accepts_cookie(&session_of(signed_in).cookie).await);
}

// FT-32, CC-03
#[tokio::test]
async fn a_link_works_until_the_account_is_active_and_then_no_more() {
    every_fault(
        signed_up,
        async |w: &World, (link, browser): &Invited| w.try_verify(link, Some(browser), None).await,
        verified,
        async |w: &World, invited: &Invited, answer| settled(w, invited, None, answer).await,
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn a_link_with_another_password_works_until_the_account_is_active() {
    let chosen = Some(OTHER_PASSWORD);
    every_fault(
        signed_up,
        async |w: &World, (link, _): &Invited| w.try_verify(link, None, chosen).await,
        verified,
        async |w: &World, invited: &Invited, answer| settled(w, invited, chosen, answer).await,
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn another_browser_is_asked_for_a_password_and_burns_nothing() {
    every_fault(
        signed_up,
        async |w: &World, (link, _): &Invited| w.try_verify(link, None, None).await,
        |outcome| *outcome == VerifyEmailOutcome::PasswordRequired,
        async |w: &World, invited: &Invited, _| {
            assert!(!is_active(w).await);
            settled(w, invited, None, None).await;
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn a_used_link_is_rejected_or_nobody_knows_but_it_never_works() {
    every_fault(
        async |w: &World| {
            let (link, browser) = signed_up(w).await;
            assert!(verified(&w.verify(&link, Some(&browser)).await));
            (link, browser)
        },
        async |w: &World, (link, _): &Invited| w.try_verify(link, None, Some(OTHER_PASSWORD)).await,
        |outcome| *outcome == VerifyEmailOutcome::Rejected,
        async |w: &World, _: &Invited, _| {
            w.sign_in(ADA).await;
        },
    )
    .await;
}
