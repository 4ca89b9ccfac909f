//! One token of every kind, used by many at once: one has the whole effect, the others are told what somebody with a
//! made-up token is told.

use std::fmt::Debug;
use std::time::Duration;

use portcullis_backends::core::event::{AuthEventStatus, AuthEventType};
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::principal::Principal;
use portcullis_backends::core::secret::{Password, SecretText};
use portcullis_backends::core::verification::{KindName, TokenKind};
use portcullis_backends::flow::{
    ConfirmEmailChange, ConfirmEmailChangeOutcome, EmailCode, EmailCodeOutcome, ForgotPassword,
    IssueToken, IssueTokenOutcome, MagicLink, MagicLinkOutcome, RedeemTokenOutcome,
    RequestEmailChange, RequestEmailChangeOutcome, ResetPassword, ResetPasswordOutcome,
    SendMagicLink, VerifyEmail, VerifyEmailOutcome,
};
use portcullis_backends::tokens::opaque::TokenClass;
use serde_json::json;

use crate::world::{MANY, PASSWORD, World, at_once, rounds};

const SEAT: KindName = match KindName::new("seat") {
    Ok(name) => name,
    Err(_) => panic!("no name of a kind"),
};

pub(crate) async fn one_of_many(world: &World) {
    // With one kind more this does not compile, until the kind has a race below.
    let ours: [TokenKind; 6] = TokenKind::ALL;
    for kind in ours.into_iter().chain([TokenKind::Custom(SEAT)]) {
        for round in 0..rounds() {
            match kind {
                TokenKind::EmailVerification => verification(world, round).await,
                TokenKind::PasswordReset => reset(world, round).await,
                TokenKind::MagicLink => magic_link(world, round).await,
                TokenKind::EmailCode => email_code(world, round).await,
                TokenKind::EmailChange => email_change(world, round).await,
                // No flow makes or takes one yet.
                TokenKind::Invite => {}
                TokenKind::Custom(kind) => custom(world, kind, round).await,
                other => panic!("there is no race for {other:?}"),
            }
        }
    }
}

/// The number and the end of the one that won. Every other was told one of these.
fn winner<T: Debug>(ends: Vec<(usize, T)>, won: impl Fn(&T) -> bool, refusals: &[T]) -> (usize, T) {
    assert_eq!(ends.len(), MANY);
    let (mut winners, losers): (Vec<_>, Vec<_>) = ends.into_iter().partition(|(_, end)| won(end));
    assert_eq!(winners.len(), 1, "one of {MANY} wins: {winners:?}");
    let refusals: Vec<_> = refusals.iter().map(|end| format!("{end:?}")).collect();
    for (_, loser) in losers {
        assert!(refusals.contains(&format!("{loser:?}")), "{loser:?}");
    }
    winners.remove(0)
}

fn password(number: usize) -> String {
    format!("the password of task {number}")
}

/// The password of one of the tasks holds, and no neighbour's.
async fn only_password(world: &World, email: &str, number: usize) {
    for other in [number + 1, number + MANY - 1].map(|other| other % MANY) {
        assert!(world.sign_in(email, &password(other)).await.is_none());
    }
    assert!(world.sign_in(email, &password(number)).await.is_some());
}

fn mailbox(name: &str, round: usize) -> (String, Identifier) {
    let email = format!("{name}{round}@example.com");
    let identifier = Identifier::email(&email).unwrap();
    (email, identifier)
}

async fn verification(world: &World, round: usize) {
    let verify = |number: usize, token: &SecretText| {
        let (world, token) = (world.clone(), token.clone());
        async move {
            let input = VerifyEmail {
                token,
                browser: None,
                password: Some(Password::new(password(number)).unwrap()),
            };
            let context = world.context();
            let verified = world.portcullis.verify_email(input, &context);
            verified.await.unwrap()
        }
    };
    let (email, _) = mailbox("verify", round);
    world.sign_up(&email).await;
    let link = world.mailed_token(&email).await;
    let unknown = verify(0, &world.made_up(TokenClass::Verification)).await;

    let ends = at_once(|number| verify(number, &link)).await;
    let won = |end: &VerifyEmailOutcome| matches!(end, VerifyEmailOutcome::Verified { .. });
    let (number, _) = winner(ends, won, &[unknown]);
    assert!(!won(&verify(number, &link).await));
    let user = world.owner_of(&email).await.unwrap();
    assert_eq!(world.times(user, AuthEventType::EmailVerified).await, 1);
    only_password(world, &email, number).await;
}

async fn reset(world: &World, round: usize) {
    let reset = |number: usize, token: &SecretText| {
        let (world, token) = (world.clone(), token.clone());
        async move {
            let input = ResetPassword {
                token,
                password: Password::new(password(number)).unwrap(),
            };
            let context = world.context();
            let reset = world.portcullis.reset_password(input, &context);
            reset.await.unwrap()
        }
    };
    let (email, address) = mailbox("reset", round);
    let user = world.person(&email).await;
    let before = world.sign_in(&email, PASSWORD).await.unwrap();
    world.advance(1);
    let (input, context) = (ForgotPassword { email: address }, world.context());
    let asked = world.portcullis.forgot_password(input, &context);
    asked.await.unwrap();
    let link = world.mailed_token(&email).await;
    let mails = world.mails(&email).await.len();
    let unknown = reset(0, &world.made_up(TokenClass::Verification)).await;

    let ends = at_once(|number| reset(number, &link)).await;
    let won = |end: &ResetPasswordOutcome| matches!(end, ResetPasswordOutcome::Reset { .. });
    let (number, _) = winner(ends, won, &[unknown]);
    assert!(!won(&reset(number, &link).await));
    assert_eq!(world.times(user, AuthEventType::PasswordReset).await, 1);
    assert_eq!(world.mails(&email).await.len(), mails + 1, "one notice");
    assert!(!world.is_signed_in(&before.cookie).await);
    assert!(world.sign_in(&email, PASSWORD).await.is_none());
    only_password(world, &email, number).await;
}

/// By turns for somebody, and for an address that nobody has before.
async fn magic_link(world: &World, round: usize) {
    let open = |token: &SecretText| {
        let (world, token) = (world.clone(), token.clone());
        async move {
            let input = MagicLink {
                token,
                replaces: None,
            };
            let context = world.context();
            let opened = world.portcullis.sign_in_with_magic_link(input, &context);
            opened.await.unwrap()
        }
    };
    let (email, address) = mailbox("link", round);
    if round.is_multiple_of(2) {
        world.person(&email).await;
    }
    world.advance(1);
    let (input, context) = (SendMagicLink { email: address }, world.context());
    let sent = world.portcullis.send_magic_link(input, &context);
    sent.await.unwrap();
    let link = world.mailed_token(&email).await;
    let unknown = open(&world.made_up(TokenClass::Verification)).await;

    let ends = at_once(|_| open(&link)).await;
    let won = |end: &MagicLinkOutcome| matches!(end, MagicLinkOutcome::SignedIn(_));
    let (_, MagicLinkOutcome::SignedIn(signed_in)) = winner(ends, won, &[unknown]) else {
        panic!("it won")
    };
    assert!(!won(&open(&link).await));
    let user = signed_in.principal.user();
    assert_eq!(world.owner_of(&email).await, Some(user));
    for kind in [
        AuthEventType::SignUp,
        AuthEventType::EmailVerified,
        AuthEventType::SignIn,
    ] {
        assert_eq!(world.times(user, kind).await, 1, "{kind}");
    }
    assert_eq!(world.sessions(&signed_in.principal).await, 1);
    assert!(world.is_signed_in(&signed_in.cookie).await);
}

async fn email_code(world: &World, round: usize) {
    let enter = |ticket: &SecretText, code: &str| {
        let (world, ticket, code) = (world.clone(), ticket.clone(), SecretText::new(code));
        async move {
            let input = EmailCode {
                ticket,
                code,
                replaces: None,
            };
            let context = world.context();
            let entered = world.portcullis.sign_in_with_email_code(input, &context);
            entered.await.unwrap()
        }
    };
    let (email, _) = mailbox("code", round);
    let user = world.person(&email).await;
    let (ticket, code) = world.code(&email).await;
    let unknown = enter(&world.made_up(TokenClass::Ticket), &code).await;

    let ends = at_once(|_| enter(&ticket, &code)).await;
    let won = |end: &EmailCodeOutcome| matches!(end, EmailCodeOutcome::SignedIn { .. });
    let (_, EmailCodeOutcome::SignedIn { signed_in, .. }) = winner(ends, won, &[unknown]) else {
        panic!("it won")
    };
    assert!(!won(&enter(&ticket, &code).await));
    assert_eq!(world.times(user, AuthEventType::SignIn).await, 1);
    assert_eq!(world.sessions(&signed_in.principal).await, 1);
    assert!(world.is_signed_in(&signed_in.cookie).await);
}

async fn email_change(world: &World, round: usize) {
    let confirm = |who: &Principal, token: &SecretText| {
        let (world, who, token) = (world.clone(), who.clone(), token.clone());
        async move {
            let input = ConfirmEmailChange { token };
            let context = world.context();
            let confirmed = world.portcullis.confirm_email_change(&who, input, &context);
            confirmed.await.unwrap()
        }
    };
    let (old, _) = mailbox("old", round);
    let (new, address) = mailbox("new", round);
    let user = world.person(&old).await;
    let before = world.sign_in(&old, PASSWORD).await.unwrap();
    let who = &before.principal;
    world.advance(1);
    let (input, context) = (RequestEmailChange { email: address }, world.context());
    let asked = world.portcullis.request_email_change(who, input, &context);
    assert_eq!(asked.await.unwrap(), RequestEmailChangeOutcome::Accepted);
    let link = world.mailed_token(&new).await;
    let mails = world.mails(&old).await.len();
    let made_up = world.made_up(TokenClass::Verification);
    let unknown = confirm(who, &made_up).await;

    let ends = at_once(|_| confirm(who, &link)).await;
    // Whoever comes when it is done comes with a session that is over.
    let too_late = confirm(who, &made_up).await;
    let won =
        |end: &ConfirmEmailChangeOutcome| matches!(end, ConfirmEmailChangeOutcome::Changed { .. });
    let (_, ConfirmEmailChangeOutcome::Changed { session }) =
        winner(ends, won, &[unknown, too_late])
    else {
        panic!("it won")
    };
    let kept = session.unwrap();
    assert!(!won(&confirm(&kept.principal, &link).await));
    assert_eq!(world.times(user, AuthEventType::EmailChanged).await, 1);
    assert_eq!(world.mails(&old).await.len(), mails + 1, "one notice");
    assert_eq!(world.owner_of(&new).await, Some(user));
    assert_eq!(world.owner_of(&old).await, None);
    assert_eq!(world.sessions(&kept.principal).await, 1);
    assert!(world.is_signed_in(&kept.cookie).await);
    assert!(!world.is_signed_in(&before.cookie).await);
}

/// By turns somebody's, and nobody's.
async fn custom(world: &World, kind: KindName, round: usize) {
    let redeem = |token: &SecretText| {
        let (world, token) = (world.clone(), token.clone());
        async move {
            let context = world.context();
            let redeemed = world.portcullis.redeem_token(kind, &token, &context);
            redeemed.await.unwrap()
        }
    };
    let (email, address) = mailbox("seat", round);
    let user = match round.is_multiple_of(2) {
        true => Some(world.person(&email).await),
        false => None,
    };
    let input = IssueToken {
        kind,
        email: address,
        user,
        payload: json!({ "round": round }),
        ttl: Duration::from_secs(3600),
    };
    let issued = world.portcullis.issue_token(input, &world.context()).await;
    let IssueTokenOutcome::Issued(issued) = issued.unwrap() else {
        panic!("no token for {email}")
    };
    let unknown = redeem(&world.made_up(TokenClass::Verification)).await;

    let ends = at_once(|_| redeem(&issued.token)).await;
    let won = |end: &RedeemTokenOutcome| matches!(end, RedeemTokenOutcome::Redeemed(_));
    let (_, RedeemTokenOutcome::Redeemed(says)) = winner(ends, won, &[unknown]) else {
        panic!("it won")
    };
    assert!(!won(&redeem(&issued.token).await));
    assert_eq!((says.id, says.user), (issued.id, user));
    assert_eq!(says.payload, json!({ "round": round }));
    let (event, success) = (
        AuthEventType::OneTimeTokenRedeemed,
        AuthEventStatus::Success,
    );
    let id = issued.id.to_string();
    let redeemed = world.events(user, event, success).await;
    let redeemed = redeemed.iter().filter(|event| {
        let token = event.detail.get("token");
        token.is_some_and(|token| token == id.as_str())
    });
    assert_eq!(redeemed.count(), 1);
}
