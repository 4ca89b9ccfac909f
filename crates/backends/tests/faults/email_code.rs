//! Codes that sign in.

use portcullis_backends::FlowError;
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::policy::PolicyOverrides;
use portcullis_backends::core::secret::SecretText;
use portcullis_backends::flow::{EmailCode, EmailCodeOutcome, SendEmailCode};

use crate::every::every_fault_in;
use crate::world::{ADA, World};

/// A world whose codes sign in.
async fn world() -> World {
    World::with(|store| store, |builder| builder.policy(sign_in())).await
}

pub(crate) fn sign_in() -> PolicyOverrides {
    PolicyOverrides {
        email_code: Some(true),
        ..Default::default()
    }
}

async fn try_send(w: &World) -> Result<SecretText, FlowError> {
    let input = SendEmailCode {
        email: Identifier::email(ADA).unwrap(),
        ticket: None,
    };
    let context = w.context();
    let sent = w.portcullis.send_email_code(input, &context).await?;
    Ok(sent.ticket)
}

async fn mailed_code(w: &World) -> SecretText {
    w.deliver().await;
    let mails = w.mailbox.to(ADA);
    let code = mails.iter().rev().find_map(|mail| mail.code());
    SecretText::new(code.expect("no mail with a code"))
}

/// A ticket and its code.
struct Asked {
    ticket: SecretText,
    code: SecretText,
}

async fn asked(w: &World) -> Asked {
    // Half a minute after what was sent before.
    w.advance(31);
    let ticket = try_send(w).await.unwrap();
    let code = mailed_code(w).await;
    Asked { ticket, code }
}

async fn try_enter(w: &World, asked: &Asked) -> Result<EmailCodeOutcome, FlowError> {
    let input = EmailCode {
        ticket: asked.ticket.clone(),
        code: asked.code.clone(),
        replaces: None,
    };
    let context = w.context();
    w.portcullis.sign_in_with_email_code(input, &context).await
}

const fn signed_in(outcome: &EmailCodeOutcome) -> bool {
    matches!(outcome, EmailCodeOutcome::SignedIn { .. })
}

// FT-32, CC-03
#[tokio::test]
async fn asking_for_a_code_sends_one_that_works_or_says_that_it_failed() {
    every_fault_in(
        world,
        async |w: &World| {
            w.person(ADA).await;
        },
        async |w: &World, (): &()| try_send(w).await,
        |_ticket| true,
        async |w: &World, (): &(), ticket| {
            let asked = match ticket {
                Some(ticket) => {
                    let code = mailed_code(w).await;
                    Asked { ticket, code }
                }
                None => asked(w).await,
            };
            assert!(signed_in(&try_enter(w, &asked).await.unwrap()));
        },
    )
    .await;
}

/// Who is told that it failed asks again at once, and is sent one.
#[tokio::test]
async fn a_request_that_failed_is_not_held_against_the_next() {
    every_fault_in(
        world,
        async |w: &World| {
            w.person(ADA).await;
        },
        async |w: &World, (): &()| match try_send(w).await {
            Err(_failed) => try_send(w).await,
            sent => sent,
        },
        |_ticket| true,
        async |w: &World, (): &(), ticket| {
            let Some(ticket) = ticket else { return };
            let code = mailed_code(w).await;
            assert!(signed_in(
                &try_enter(w, &Asked { ticket, code }).await.unwrap()
            ));
        },
    )
    .await;
}

/// Whatever fails, the code of the latest mail works with its ticket, and none before it.
pub(crate) async fn the_latest_code_works(make: impl AsyncFn() -> World) {
    every_fault_in(
        make,
        async |w: &World| {
            w.person(ADA).await;
            let older = asked(w).await;
            w.advance(31);
            older
        },
        async |w: &World, _: &Asked| try_send(w).await,
        |_ticket| true,
        async |w: &World, older: &Asked, ticket: Option<SecretText>| {
            let code = mailed_code(w).await;
            let is_newer = code.expose() != older.code.expose();
            assert!(is_newer || ticket.is_none(), "promised, and no mail");
            let older = signed_in(&try_enter(w, older).await.unwrap());
            assert_eq!(older, !is_newer, "no code works, or two");
            // Who was told that it failed has no ticket, and asks again.
            if let Some(ticket) = ticket {
                let newer = try_enter(w, &Asked { ticket, code }).await;
                assert!(signed_in(&newer.unwrap()));
            }
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn another_code_takes_the_place_of_the_older_or_leaves_it() {
    the_latest_code_works(world).await;
}

/// Whatever fails, a code signs in once.
pub(crate) async fn a_code_signs_in_once(make: impl AsyncFn() -> World) {
    every_fault_in(
        make,
        async |w: &World| {
            w.person(ADA).await;
            asked(w).await
        },
        async |w: &World, asked: &Asked| try_enter(w, asked).await,
        signed_in,
        async |w: &World, asked: &Asked, answer| {
            let acknowledged = answer.is_some();
            if let Some(EmailCodeOutcome::SignedIn { signed_in, .. }) = answer {
                assert!(w.accepts_cookie(&signed_in.cookie).await);
            }
            let again = signed_in(&try_enter(w, asked).await.unwrap());
            assert!(!(acknowledged && again), "one code worked twice");
            assert!(!signed_in(&try_enter(w, asked).await.unwrap()));
            let newer = self::asked(w).await;
            assert!(signed_in(&try_enter(w, &newer).await.unwrap()));
        },
    )
    .await;
}

// FT-32, CC-03
#[tokio::test]
async fn a_code_signs_in_once_or_nobody_knows() {
    a_code_signs_in_once(world).await;
}

// FT-32, TH-04
#[tokio::test]
async fn a_wrong_code_is_refused_or_nobody_knows_and_the_right_one_works_after_it() {
    every_fault_in(
        world,
        async |w: &World| {
            w.person(ADA).await;
            asked(w).await
        },
        async |w: &World, asked: &Asked| {
            let wrong = Asked {
                ticket: asked.ticket.clone(),
                code: SecretText::new("0000 0000"),
            };
            try_enter(w, &wrong).await
        },
        |outcome| matches!(outcome, EmailCodeOutcome::Refused),
        async |w: &World, asked: &Asked, _| {
            assert!(signed_in(&try_enter(w, asked).await.unwrap()));
        },
    )
    .await;
}
