//! What comes before the requests that do what their routes are for.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Asked, NEW, NEW_PASSWORD, Sample};
use crate::app::{ADA, Answer, App, Client, PASSWORD};
use crate::{email_change, magic_link};

pub(super) async fn prepare(sample: Sample, app: &App) -> Asked<'_> {
    use Sample as S;
    match sample {
        S::SignUp => sample.by(
            app.client(),
            Some(json!({ "email": ADA, "password": PASSWORD })),
        ),
        S::SendLink => {
            app.client().sign_up(ADA).await.expect(StatusCode::ACCEPTED);
            app.advance(1);
            sample.by(app.client(), Some(json!({ "email": ADA })))
        }
        S::Verify | S::VerifyElsewhere => {
            let mut ada = app.client();
            ada.sign_up(ADA).await.expect(StatusCode::ACCEPTED);
            let token = app.mailed_token(ADA).await;
            match sample {
                S::Verify => sample.by(ada, Some(json!({ "token": token }))),
                _ => sample.by(
                    app.client(),
                    Some(json!({ "token": token, "password": NEW_PASSWORD })),
                ),
            }
        }
        S::SignUpPage | S::MagicLinkPage | S::ResetPage | S::ChangeEmailPage => {
            sample.by(app.client(), None).with_query("token=pcl_vfy_x")
        }
        S::SignIn | S::SignInWithAnOldHash | S::TokensWithAnOldHash | S::Tokens => {
            let ada = registered(app).await;
            if matches!(sample, S::SignInWithAnOldHash | S::TokensWithAnOldHash) {
                app.hasher.raise_cost();
            }
            sample.by(
                ada,
                Some(json!({ "identifier": ADA, "password": PASSWORD })),
            )
        }
        S::SignInAgain => sample.by(
            app.signed_in(ADA).await,
            Some(json!({ "identifier": ADA, "password": PASSWORD })),
        ),
        S::TokensInCookies => sample.by(
            registered(app).await,
            Some(json!({ "identifier": ADA, "password": PASSWORD, "cookies": true })),
        ),
        S::SendMagicLink | S::SendCode | S::Forgot => {
            sample.by(registered(app).await, Some(json!({ "email": ADA })))
        }
        S::MagicLink | S::MagicLinkAgain | S::MagicLinkUnproved | S::MagicLinkNew => {
            let ada = match sample {
                S::MagicLink => registered(app).await,
                S::MagicLinkAgain => app.signed_in(ADA).await,
                S::MagicLinkUnproved => {
                    app.client().sign_up(ADA).await.expect(StatusCode::ACCEPTED);
                    app.client()
                }
                _ => app.client(),
            };
            let token = magic_link::link(app, ADA).await;
            sample.by(ada, Some(json!({ "token": token })))
        }
        S::Code | S::CodeAgain => {
            let ada = match sample {
                S::Code => registered(app).await,
                _ => app.signed_in(ADA).await,
            };
            let body = code(app).await;
            sample.by(ada, Some(body))
        }
        S::LogoutOfNobody | S::Jwks | S::OpenApi => sample.by(app.client(), None),
        S::LogoutWithAnAccessToken | S::CheckAuthWithAnAccessToken => {
            let ada = registered(app).await;
            let pair = pair(app).await.json();
            let token = pair["access_token"].as_str().unwrap();
            sample.by(ada, None).bearing(token)
        }
        S::Logout
        | S::LogoutAll
        | S::CheckAuth
        | S::Profile
        | S::Close
        | S::Export
        | S::Sessions
        | S::ApiTokens => sample.by(app.signed_in(ADA).await, None),
        S::CheckAuthWithAnApiToken | S::ProfileWithAnApiToken => {
            let mut ada = app.signed_in(ADA).await;
            let token = ada.api_token(&["a"]).await;
            sample.by(ada, None).bearing(&token)
        }
        S::StepUp => sample.by(
            app.signed_in(ADA).await,
            Some(json!({ "password": PASSWORD })),
        ),
        S::ChangePassword => sample.by(
            app.signed_in(ADA).await,
            Some(json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD })),
        ),
        S::CheckResetLink | S::Reset => {
            let ada = registered(app).await;
            let token = app.reset_link(ADA).await;
            let body = match sample {
                S::Reset => json!({ "token": token, "password": NEW_PASSWORD }),
                _ => json!({ "token": token }),
            };
            sample.by(ada, Some(body))
        }
        S::ChangeEmail => sample.by(app.signed_in(ADA).await, Some(json!({ "email": NEW }))),
        S::ConfirmEmail => {
            let mut ada = app.signed_in(ADA).await;
            let token = email_change::link(app, &mut ada, NEW).await;
            sample.by(ada, Some(json!({ "token": token })))
        }
        S::EndOtherSessions | S::RenameSession | S::EndSession => {
            let mut ada = app.signed_in(ADA).await;
            let other = other_session(app, &mut ada).await;
            let body = (sample == S::RenameSession).then(|| json!({ "name": "phone" }));
            sample.by(ada, body).of(&other)
        }
        S::NewApiToken => sample.by(
            app.signed_in(ADA).await,
            Some(json!({ "name": "CI", "scopes": ["a"] })),
        ),
        S::RevokeApiTokens | S::RevokeApiToken => {
            let mut ada = app.signed_in(ADA).await;
            ada.api_token(&["a"]).await;
            let listed = ada.get("/auth/api-tokens").await.json();
            let id = listed["api_tokens"][0]["id"].as_str().unwrap().to_owned();
            sample.by(ada, None).of(&id)
        }
        S::Refresh => {
            let ada = registered(app).await;
            let pair = pair(app).await.json();
            let body = json!({ "refresh_token": pair["refresh_token"] });
            sample.by(ada, Some(body))
        }
        S::RefreshByCookie => {
            let mut ada = registered(app).await;
            let body = json!({ "identifier": ADA, "password": PASSWORD, "cookies": true });
            let pair = ada.post("/auth/token", body).await;
            pair.expect(StatusCode::OK);
            sample.by(ada, Some(json!({})))
        }
        other => panic!("{other:?} says nothing of what comes before it"),
    }
}

/// A browser without cookies, whose owner has an account.
pub(super) async fn registered(app: &App) -> Client<'_> {
    app.client().register(ADA).await;
    app.advance(1);
    app.client()
}

/// A code and its ticket, as a program sends them.
pub(super) async fn code(app: &App) -> Value {
    app.advance(1);
    let asked = json!({ "email": ADA });
    let sent = app.client().post("/auth/email-code/send", asked).await;
    let sent = sent.expect(StatusCode::ACCEPTED).json();
    app.portcullis.run_due().await.unwrap();
    let mail = app.mailbox.last_to(ADA).unwrap();
    json!({ "ticket": sent["ticket"], "code": mail.code().unwrap() })
}

/// A pair of access and refresh token.
pub(super) async fn pair(app: &App) -> Answer {
    let body = json!({ "identifier": ADA, "password": PASSWORD });
    let pair = app.client().post("/auth/token", body).await;
    pair.expect(StatusCode::OK)
}

/// The id of a second session.
async fn other_session(app: &App, ada: &mut Client<'_>) -> String {
    app.client().sign_in(ADA).await.expect(StatusCode::OK);
    let listed = ada.get("/auth/sessions").await.json();
    let mut sessions = listed["sessions"].as_array().unwrap().iter();
    let other = sessions.find(|session| session["current"] == false);
    other.unwrap()["id"].as_str().unwrap().to_owned()
}
