//! A link works at its own route and at no other.

use axum::http::StatusCode;
use portcullis_backends::core::backend::RequestContext;
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::net::ClientInfo;
use portcullis_backends::core::secret::SecretText;
use portcullis_backends::core::verification::{KindName, TokenKind};
use portcullis_backends::flow::{IssueToken, IssueTokenOutcome, RedeemTokenOutcome};
use serde_json::{Value, json};

use crate::app::{ADA, App, Client};
use crate::{email_change, magic_link};

/// Where a kind of token is used; `None` for one that has no route yet. A new kind says here.
fn route(kind: TokenKind) -> Option<&'static str> {
    match kind {
        TokenKind::EmailVerification => Some("/auth/signup/verify"),
        TokenKind::PasswordReset => Some("/auth/password/reset"),
        TokenKind::MagicLink => Some("/auth/magic-link/verify"),
        TokenKind::EmailChange => Some("/auth/email/change/confirm"),
        // Nobody is mailed one: it stands behind a ticket.
        TokenKind::EmailCode => None,
        TokenKind::Invite => None,
        other => panic!("{other:?} says neither its route nor that it has none"),
    }
}

/// A kind of the application's own, whose door is a call.
fn seat() -> KindName {
    KindName::new("seat").unwrap()
}

fn context(app: &App) -> RequestContext {
    RequestContext {
        tenant: app.portcullis.default_tenant(),
        client: ClientInfo::new(None, None, None),
    }
}

async fn seat_token(app: &App) -> String {
    let input = IssueToken {
        kind: seat(),
        email: Identifier::email(ADA).unwrap(),
        user: Some(app.user_id(ADA).await),
        payload: json!({}),
        ttl: std::time::Duration::from_secs(3600),
    };
    let context = context(app);
    match app.portcullis.issue_token(input, &context).await.unwrap() {
        IssueTokenOutcome::Issued(issued) => issued.token.expose().to_owned(),
        IssueTokenOutcome::Refused(refusal) => panic!("{refusal}"),
    }
}

async fn takes_a_seat(app: &App, token: &str) -> bool {
    let (token, context) = (SecretText::new(token), context(app));
    let redeemed = app.portcullis.redeem_token(seat(), &token, &context).await;
    matches!(redeemed.unwrap(), RedeemTokenOutcome::Redeemed(_))
}

fn body(path: &str, token: &str) -> Value {
    if path.contains("reset") || path.contains("signup") {
        json!({ "token": token, "password": "a password for the account" })
    } else {
        json!({ "token": token })
    }
}

/// A token of a kind, made as its route makes it.
async fn token(app: &App, ada: &mut Client<'_>, kind: TokenKind) -> String {
    match kind {
        TokenKind::EmailVerification => {
            let new = "new@example.com";
            app.client().sign_up(new).await.expect(StatusCode::ACCEPTED);
            app.mailed_token(new).await
        }
        TokenKind::PasswordReset => {
            app.advance(1);
            let asked = json!({ "email": ADA });
            let asked = app.client().post("/auth/password/forgot", asked).await;
            asked.expect(StatusCode::ACCEPTED);
            app.mailed_token(ADA).await
        }
        TokenKind::MagicLink => magic_link::link(app, ADA).await,
        TokenKind::EmailChange => email_change::link(app, ada, "lovelace@example.com").await,
        other => panic!("nothing makes {other:?}"),
    }
}

// OT-05
#[tokio::test]
async fn a_token_works_at_its_own_route_and_at_no_other() {
    let routes: Vec<_> = TokenKind::ALL
        .into_iter()
        .filter_map(|kind| Some((kind, route(kind)?)))
        .collect();
    for (kind, own) in &routes {
        let app = App::new().await;
        let mut ada = app.signed_in(ADA).await;
        let token = token(&app, &mut ada, *kind).await;
        for (other, path) in routes.iter().filter(|(other, _)| other != kind) {
            let answer = ada.post(path, body(path, &token)).await;
            let code = answer.expect(StatusCode::BAD_REQUEST).code();
            assert_eq!(code, "invalid_link", "{kind:?} where {other:?} belongs");
        }
        assert!(!takes_a_seat(&app, &token).await, "{kind:?}");
        let answer = ada.post(own, body(own, &token)).await;
        assert!(answer.status.is_success(), "{kind:?}: {answer:?}");
    }
}

// OT-05
#[tokio::test]
async fn a_token_of_an_applications_own_kind_opens_no_door_of_ours() {
    let app = App::new().await;
    let mut ada = app.signed_in(ADA).await;
    let token = seat_token(&app).await;
    for path in TokenKind::ALL.into_iter().filter_map(route) {
        let answer = ada.post(path, body(path, &token)).await;
        let code = answer.expect(StatusCode::BAD_REQUEST).code();
        assert_eq!(code, "invalid_link", "{path}");
    }
    assert!(takes_a_seat(&app, &token).await);
    assert!(!takes_a_seat(&app, &token).await);
}
