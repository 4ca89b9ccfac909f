//! What operators do to all that somebody is signed in with, to that of everybody, and about mail.

use portcullis_backends::FlowError;
use portcullis_backends::core::event::AuthEventType;
use portcullis_backends::core::id::UserId;
use portcullis_backends::core::mail::{MailRetry, OutboxFilter, WaitingMail};
use portcullis_backends::core::secret::SecretText;
use portcullis_backends::flow::{
    AccountExport, AdminOutcome, ApiTokensToo, EndedEverything, MailRetryOutcome,
    ResetPasswordOutcome,
};

use crate::account::{Member, is_whole, member};
use crate::every::every_fault;
use crate::world::{ADA, OTHER_PASSWORD, World};

/// Somebody who also has a link in the mail.
async fn member_with_a_link(w: &World) -> (Member, SecretText) {
    let member = member(w).await;
    let link = w.reset_link(ADA).await;
    // Whoever is there was there before what comes.
    w.advance(1);
    (member, link)
}

/// What somebody has: all of it, or their API token at the most.
async fn is_signed_out(w: &World, m: &Member, told: AuthEventType) -> bool {
    let over = !w.accepts_cookie(&m.here.cookie).await;
    let events = w.events().await;
    let explained = events.iter().any(|event| event.kind == told);
    assert_eq!(over, explained, "ended without an event, or told and not");
    over
}

async fn everything_is_over(w: &World, (m, link): &(Member, SecretText), kept: ApiTokensToo) {
    assert!(!w.accepts_cookie(&m.here.cookie).await);
    let works = w.accepts_token(&m.token).await;
    assert_eq!(works, kept == ApiTokensToo::Kept, "an API token");
    let reset = w.try_reset(link, OTHER_PASSWORD).await.unwrap();
    assert_eq!(reset, ResetPasswordOutcome::Rejected, "a link outlived it");
    w.sign_in(ADA).await;
}

async fn an_operator_signs_out(api_tokens: ApiTokensToo) {
    let out = async |w: &World, user: UserId| {
        w.portcullis
            .admin_sign_out(w.tenant(), user, api_tokens)
            .await
    };
    every_fault(
        member_with_a_link,
        async |w: &World, (m, _): &(Member, SecretText)| out(w, m.user).await,
        |outcome| *outcome == AdminOutcome::Done,
        async |w: &World, both: &(Member, SecretText), answer: Option<AdminOutcome>| {
            let m = &both.0;
            let over = is_signed_out(w, m, AuthEventType::SessionsRevoked).await;
            assert!(over || answer.is_none(), "acknowledged, and they are in");
            if over {
                let works = w.accepts_token(&m.token).await;
                assert_eq!(works, api_tokens == ApiTokensToo::Kept, "half of it");
            }
            assert_eq!(out(w, m.user).await.unwrap(), AdminOutcome::Done);
            everything_is_over(w, both, api_tokens).await;
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn an_operator_signs_somebody_out_or_does_it_again() {
    an_operator_signs_out(ApiTokensToo::Kept).await;
}

// FT-32, CC-03
#[tokio::test]
async fn an_operator_signs_somebody_and_their_programs_out_or_does_it_again() {
    an_operator_signs_out(ApiTokensToo::Revoked).await;
}

async fn an_operator_ends_everything(api_tokens: ApiTokensToo) {
    let end = async |w: &World| w.portcullis.admin_end_everything(api_tokens, |_| ()).await;
    let all = |ended: &EndedEverything| ended.accounts == 2;
    every_fault(
        member_with_a_link,
        async |w: &World, _: &(Member, SecretText)| end(w).await,
        all,
        async |w: &World, both: &(Member, SecretText), answer: Option<EndedEverything>| {
            let m = &both.0;
            let over = is_signed_out(w, m, AuthEventType::EverythingEnded).await;
            assert!(over || answer.is_none(), "acknowledged, and they are in");
            let works = w.accepts_token(&m.token).await;
            let kept = api_tokens == ApiTokensToo::Kept;
            assert_eq!(works, kept || !over, "half of it");
            let events = w.events().await;
            let mut told = events.iter();
            let done = told.any(|event| event.detail["done"] == true);
            assert!(done || answer.is_none(), "done, and nobody can read it");
            w.advance(1);
            assert!(all(&end(w).await.unwrap()));
            everything_is_over(w, both, api_tokens).await;
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn everything_of_everybody_is_ended_or_can_be_ended_again() {
    an_operator_ends_everything(ApiTokensToo::Kept).await;
}

// FT-32, CC-03
#[tokio::test]
async fn everything_of_everybody_is_ended_with_their_programs_or_can_be_ended_again() {
    an_operator_ends_everything(ApiTokensToo::Revoked).await;
}

// FT-32
#[tokio::test]
async fn what_is_kept_is_given_to_an_operator_with_an_event_or_not_at_all() {
    every_fault(
        member,
        async |w: &World, m: &Member| w.portcullis.admin_export_account(w.tenant(), m.user).await,
        is_whole,
        async |w: &World, _: &Member, answer: Option<Option<AccountExport>>| {
            let events = w.events().await;
            let mut all = events.iter();
            let told = all.any(|event| event.kind == AuthEventType::AccountExported);
            assert!(told || answer.is_none(), "given out unseen");
        },
    )
    .await;
}

fn reset_mails(w: &World) -> usize {
    let mails = w.mailbox.to(ADA);
    let links = mails.iter().filter(|mail| mail.text.contains("reset?"));
    links.count()
}

/// A mail that the server of the recipient refused until it was given up.
async fn a_dead_mail(w: &World) {
    w.person(ADA).await;
    w.try_forgot(ADA).await.unwrap();
    w.mailbox.fail_next(u32::MAX);
    while dead(w).await.unwrap().is_empty() {
        w.portcullis.run_due().await.unwrap();
        // Longer than the longest wait between two tries.
        w.advance(4500);
    }
    w.mailbox.fail_next(0);
}

async fn dead(w: &World) -> Result<Vec<WaitingMail>, FlowError> {
    let dead = OutboxFilter::Dead;
    w.portcullis.admin_outbox(w.tenant(), dead, None, 10).await
}

// FT-32
#[tokio::test]
async fn an_operator_sees_the_mail_that_did_not_go_out() {
    every_fault(
        a_dead_mail,
        async |w: &World, (): &()| dead(w).await,
        |mails: &Vec<WaitingMail>| mails.len() == 1 && mails.iter().all(|mail| mail.to == ADA),
        async |w: &World, (): &(), _| assert_eq!(reset_mails(w), 0, "looking sent it"),
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn a_dead_mail_is_due_again_with_its_event_or_dead() {
    let retry = async |w: &World| {
        w.portcullis
            .admin_retry_mail(w.tenant(), MailRetry::Dead)
            .await
    };
    every_fault(
        a_dead_mail,
        async |w: &World, (): &()| retry(w).await,
        |outcome| *outcome == MailRetryOutcome::Due { mails: 1 },
        async |w: &World, (): &(), answer: Option<MailRetryOutcome>| {
            let sent = reset_mails(w) == 1;
            assert!(sent || answer.is_none(), "acknowledged, and not sent");
            assert_eq!(dead(w).await.unwrap().is_empty(), sent);
            let events = w.events().await;
            let mut all = events.iter();
            let told = all.any(|event| event.kind == AuthEventType::MailRetried);
            assert_eq!(told, sent, "sent without an event, or told and not");
            let again = retry(w).await.unwrap();
            let mails = u64::from(!sent);
            assert_eq!(again, MailRetryOutcome::Due { mails });
            w.deliver().await;
            assert_eq!(reset_mails(w), 1);
        },
    )
    .await;
}
