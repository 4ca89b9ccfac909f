//! What comes before the requests that routes refuse for reasons of their own.

use axum::http::StatusCode;
use serde_json::json;

use super::done::{code, pair, registered};
use super::{Asked, NEW, NEW_PASSWORD, Sample};
use crate::app::{ADA, App, PASSWORD};
use crate::{email_change, magic_link};

const WRONG: &str = "wrong horse battery staple";

pub(super) async fn prepare(sample: Sample, app: &App) -> Asked<'_> {
    use Sample as S;
    match sample {
        S::SignUpTaken => sample.by(
            registered(app).await,
            Some(json!({ "email": ADA, "password": PASSWORD })),
        ),
        S::SendLinkToSomebodyProved => {
            sample.by(registered(app).await, Some(json!({ "email": ADA })))
        }
        S::SendLinkToNobody
        | S::SendMagicLinkToNobody
        | S::SendCodeToNobody
        | S::ForgotByNobody => sample.by(app.client(), Some(json!({ "email": NEW }))),
        S::VerifyTwice => {
            let mut ada = app.client();
            ada.sign_up(ADA).await.expect(StatusCode::ACCEPTED);
            let token = app.mailed_token(ADA).await;
            ada.verify(&token).await.expect(StatusCode::OK);
            sample.by(ada, Some(json!({ "token": token })))
        }
        S::SignInWrong | S::TokensWrong => sample.by(
            registered(app).await,
            Some(json!({ "identifier": ADA, "password": WRONG })),
        ),
        S::SignInOfNobody => sample.by(
            app.client(),
            Some(json!({ "identifier": NEW, "password": PASSWORD })),
        ),
        S::MagicLinkTwice => {
            let ada = registered(app).await;
            let body = json!({ "token": magic_link::link(app, ADA).await });
            twice(app, sample.by(ada, Some(body))).await
        }
        S::CodeWrong => {
            let ada = registered(app).await;
            let mut body = code(app).await;
            let right = body["code"].as_str().unwrap();
            let last = if right.ends_with('0') { "1" } else { "0" };
            body["code"] = format!("{}{last}", &right[..right.len() - 1]).into();
            sample.by(ada, Some(body))
        }
        S::StepUpWrong => sample.by(app.signed_in(ADA).await, Some(json!({ "password": WRONG }))),
        S::ChangePasswordWrong => sample.by(
            app.signed_in(ADA).await,
            Some(json!({ "current_password": WRONG, "new_password": NEW_PASSWORD })),
        ),
        S::CheckUsedResetLink | S::ResetTwice => {
            let ada = registered(app).await;
            let token = app.reset_link(ADA).await;
            let reset = app.client().reset_password(&token, NEW_PASSWORD).await;
            reset.expect(StatusCode::NO_CONTENT);
            let body = match sample {
                S::ResetTwice => json!({ "token": token, "password": PASSWORD }),
                _ => json!({ "token": token }),
            };
            sample.by(ada, Some(body))
        }
        S::ChangeEmailTaken => {
            app.client().register(NEW).await;
            sample.by(app.signed_in(ADA).await, Some(json!({ "email": NEW })))
        }
        S::ConfirmEmailTwice => {
            let mut ada = app.signed_in(ADA).await;
            let body = json!({ "token": email_change::link(app, &mut ada, NEW).await });
            twice(app, sample.by(ada, Some(body))).await
        }
        S::RefreshSpent => {
            let ada = registered(app).await;
            let pair = pair(app).await.json();
            let body = json!({ "refresh_token": pair["refresh_token"] });
            let again = twice(app, sample.by(ada, Some(body))).await;
            // Past the grace.
            app.advance(11);
            again
        }
        S::RefreshEnded => {
            let ada = registered(app).await;
            let pair = pair(app).await.json();
            let token = pair["access_token"].as_str().unwrap();
            let mut logout = S::LogoutWithAnAccessToken
                .by(app.client(), None)
                .bearing(token);
            logout.send().await.expect(StatusCode::NO_CONTENT);
            let body = json!({ "refresh_token": pair["refresh_token"] });
            sample.by(ada, Some(body))
        }
        other => panic!("{other:?} says nothing of what comes before it"),
    }
}

/// The first time is a success.
async fn twice<'a>(app: &App, mut asked: Asked<'a>) -> Asked<'a> {
    let first = asked.send().await;
    assert!(first.status.is_success(), "{first:?}");
    app.advance(1);
    asked
}
