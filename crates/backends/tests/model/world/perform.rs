//! Acts, by way of the flows.

use std::time::Duration;

use portcullis_backends::Authentication;
use portcullis_backends::core::api_token::Scopes;
use portcullis_backends::core::backend::{Credential, Presented};
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::principal::Principal;
use portcullis_backends::core::rule::password::PasswordRejection;
use portcullis_backends::core::secret::{Password, SecretText};
use portcullis_backends::core::state::EntityState;
use portcullis_backends::core::time::Timestamp;
use portcullis_backends::flow::{
    AdminOutcome, ApiTokensToo, ChangePassword, ChangePasswordOutcome, CloseAccountOutcome,
    ConfirmEmailChange, ConfirmEmailChangeOutcome, CreateApiTokenOutcome, EraseOutcome,
    ForgotPassword, ImportOutcome, ImportState, ImportUser, MagicLink, MagicLinkOutcome,
    NewApiToken, OpenAccountOutcome, RefreshOutcome, RefreshRequest, RequestEmailChange,
    RequestEmailChangeOutcome, ResendVerification, ResetPassword, ResetPasswordOutcome,
    SendMagicLink, SignIn, SignInOutcome, SignUp, SignUpOutcome, SignedIn, StateChange, StepUp,
    StepUpOutcome, TokenOutcome, TokenPair, TokenRequest, VerifyEmail, VerifyEmailOutcome,
};

use serde_json::json;

use super::World;
use crate::act::{Act, Answer, GUESS, Spelling, Word};
use portcullis_testing::NoRequest;

impl World {
    /// Does it, as a client would, and says what came of it.
    pub(crate) async fn act(&mut self, act: Act) -> Answer {
        match act {
            Act::Wait { secs } => self.wait(secs),
            _ => self.wait(1),
        }
        let answer = match act {
            Act::Wait { .. } => Answer::Done,
            Act::SignUp { .. }
            | Act::AskForVerification { .. }
            | Act::Verify { .. }
            | Act::AskForMagicLink { .. }
            | Act::OpenMagicLink { .. }
            | Act::ForgetPassword { .. }
            | Act::ResetPassword { .. } => self.act_by_mail(act).await,
            Act::AskForCode { with } => self.ask_for_code(with).await,
            Act::EnterCode { ticket, code } => self.enter_code(ticket, code).await,
            Act::GuessCode { ticket, times } => {
                let mut answer = Answer::Done;
                for _ in 0..times {
                    answer = self.enter_code(ticket, None).await;
                }
                answer
            }
            Act::IssueCustom {
                kind,
                to,
                person,
                secs,
            } => self.issue_custom(kind, to, person, secs).await,
            Act::RedeemCustom { custom, kind } => self.redeem_custom(custom, kind).await,
            Act::SignIn {
                with,
                password,
                replaces,
            } => self.sign_in(with, password.as_str(), replaces).await,
            Act::Guess { with, times } => {
                let mut answer = Answer::Done;
                for _ in 0..times {
                    answer = self.sign_in(with, GUESS, None).await;
                }
                answer
            }
            Act::IssueTokens { with, password } => self.issue_tokens(with, password).await,
            Act::Refresh { refresh } => self.refresh(refresh).await,
            Act::SignOutTokens { access } => self.sign_out_tokens(access).await,
            Act::Suspend { .. }
            | Act::Activate { .. }
            | Act::Terminate { .. }
            | Act::OpenAccount { .. }
            | Act::Import { .. }
            | Act::Unlock { .. }
            | Act::SignOutPerson { .. }
            | Act::Erase { .. } => self.operate(act).await,
            Act::ChangePassword { session, .. }
            | Act::AskForAddress { session, .. }
            | Act::ConfirmAddress { session, .. }
            | Act::StepUp { session, .. }
            | Act::Use { session }
            | Act::SignOut { session }
            | Act::SignOutEverywhere { session }
            | Act::EndSession { session, .. }
            | Act::EndOtherSessions { session }
            | Act::CloseAccount { session }
            | Act::MakeApiToken { session, .. }
            | Act::RevokeApiToken { session, .. }
            | Act::RevokeApiTokens { session } => {
                let cookie = self.sessions[session].1.clone();
                match self.present(Credential::Cookie(cookie.expose())).await {
                    Some(principal) => self.act_in_session(&principal, act).await,
                    None => Answer::Refused,
                }
            }
        };
        self.after().await;
        answer
    }

    async fn present(&self, credential: Credential<'_>) -> Option<Principal> {
        let presented = Presented {
            credential: Some(credential),
            request: &NoRequest,
        };
        let context = self.context();
        let authentication = self.portcullis.authenticate(&presented, &context);
        match authentication.await.unwrap() {
            Authentication::Authenticated(principal) => Some(principal),
            Authentication::Anonymous | Authentication::Rejected => None,
        }
    }

    async fn act_by_mail(&mut self, act: Act) -> Answer {
        let (portcullis, context) = (self.portcullis.clone(), self.context());
        match act {
            Act::SignUp { with, password } => {
                let input = SignUp {
                    email: email(with),
                    password: word(password),
                };
                match portcullis.sign_up(input, &context).await.unwrap() {
                    SignUpOutcome::Accepted { browser } => self.browsers.push(browser),
                    other => panic!("{other:?}"),
                }
                Answer::Accepted
            }
            Act::AskForVerification { with } => {
                let input = ResendVerification { email: email(with) };
                portcullis
                    .resend_verification(input, &context)
                    .await
                    .unwrap();
                Answer::Accepted
            }
            Act::Verify {
                link,
                browser,
                password,
            } => {
                let input = VerifyEmail {
                    token: self.links[link].clone(),
                    browser: browser.map(|browser| self.browsers[browser].clone()),
                    password: password.map(word),
                };
                match portcullis.verify_email(input, &context).await.unwrap() {
                    VerifyEmailOutcome::Verified { user } => Answer::Verified {
                        person: self.number_of(user).unwrap(),
                    },
                    VerifyEmailOutcome::PasswordRequired => Answer::PasswordRequired,
                    VerifyEmailOutcome::Rejected => Answer::Refused,
                    VerifyEmailOutcome::PasswordRefused(rejection) => panic!("{rejection}"),
                }
            }
            Act::AskForMagicLink { with } => {
                let input = SendMagicLink { email: email(with) };
                portcullis.send_magic_link(input, &context).await.unwrap();
                Answer::Accepted
            }
            Act::OpenMagicLink { link } => {
                let input = MagicLink {
                    token: self.links[link].clone(),
                    replaces: None,
                };
                match portcullis
                    .sign_in_with_magic_link(input, &context)
                    .await
                    .unwrap()
                {
                    MagicLinkOutcome::SignedIn(signed_in) => self.keep(&signed_in),
                    MagicLinkOutcome::Rejected => Answer::Refused,
                }
            }
            Act::ForgetPassword { with } => {
                let input = ForgotPassword { email: email(with) };
                portcullis.forgot_password(input, &context).await.unwrap();
                Answer::Accepted
            }
            Act::ResetPassword { link, password } => {
                let input = ResetPassword {
                    token: self.links[link].clone(),
                    password: word(password),
                };
                match portcullis.reset_password(input, &context).await.unwrap() {
                    ResetPasswordOutcome::Reset { user, .. } => Answer::Verified {
                        person: self.number_of(user).unwrap(),
                    },
                    ResetPasswordOutcome::Rejected => Answer::Refused,
                    ResetPasswordOutcome::PasswordRefused(PasswordRejection::Reused) => {
                        Answer::Reused
                    }
                    ResetPasswordOutcome::PasswordRefused(rejection) => panic!("{rejection}"),
                }
            }
            other => unreachable!("{other:?}"),
        }
    }

    async fn act_in_session(&mut self, who: &Principal, act: Act) -> Answer {
        let (portcullis, context) = (self.portcullis.clone(), self.context());
        match act {
            Act::Use { .. } => Answer::Done,
            Act::ChangePassword { current, new, .. } => {
                let input = ChangePassword {
                    current: word(current),
                    new: word(new),
                };
                match portcullis
                    .change_password(who, input, &context)
                    .await
                    .unwrap()
                {
                    ChangePasswordOutcome::Changed { session } => self.keep(&session.unwrap()),
                    ChangePasswordOutcome::CurrentRefused => Answer::Refused,
                    ChangePasswordOutcome::PasswordRefused(PasswordRejection::Reused) => {
                        Answer::Reused
                    }
                    ChangePasswordOutcome::Locked { .. } => Answer::Locked,
                    ChangePasswordOutcome::TooSoon { .. } => Answer::TooSoon,
                    other => panic!("{other:?}"),
                }
            }
            Act::StepUp { password, .. } => {
                let input = StepUp {
                    password: word(password),
                };
                match portcullis.step_up(who, input, &context).await.unwrap() {
                    StepUpOutcome::SteppedUp(signed_in) => self.keep(&signed_in),
                    StepUpOutcome::Refused => Answer::Refused,
                    StepUpOutcome::Locked { .. } => Answer::Locked,
                    other => panic!("{other:?}"),
                }
            }
            Act::AskForAddress { new, .. } => {
                let input = RequestEmailChange { email: email(new) };
                match portcullis
                    .request_email_change(who, input, &context)
                    .await
                    .unwrap()
                {
                    RequestEmailChangeOutcome::Accepted => Answer::Accepted,
                    RequestEmailChangeOutcome::Unchanged => Answer::Done,
                    other => panic!("{other:?}"),
                }
            }
            Act::ConfirmAddress { link, .. } => {
                let input = ConfirmEmailChange {
                    token: self.links[link].clone(),
                };
                match portcullis
                    .confirm_email_change(who, input, &context)
                    .await
                    .unwrap()
                {
                    ConfirmEmailChangeOutcome::Changed { session } => self.keep(&session.unwrap()),
                    ConfirmEmailChangeOutcome::Rejected => Answer::Refused,
                    other => panic!("{other:?}"),
                }
            }
            Act::SignOut { .. } => {
                portcullis.sign_out(who, &context).await.unwrap();
                Answer::Done
            }
            Act::SignOutEverywhere { .. } => {
                portcullis.sign_out_everywhere(who, &context).await.unwrap();
                Answer::Done
            }
            Act::EndSession { other, .. } => {
                let other = self.sessions[other].0;
                done(
                    portcullis
                        .revoke_session(who, other, &context)
                        .await
                        .unwrap(),
                )
            }
            Act::EndOtherSessions { .. } => {
                let ended = portcullis
                    .revoke_other_sessions(who, &context)
                    .await
                    .unwrap();
                Answer::Ended {
                    count: usize::try_from(ended).unwrap(),
                }
            }
            Act::CloseAccount { .. } => {
                let closed = portcullis.close_account(who, &context).await.unwrap();
                assert_eq!(closed, CloseAccountOutcome::Closed);
                Answer::Done
            }
            Act::MakeApiToken { secs, .. } => {
                let new = NewApiToken {
                    name: "CI".to_owned(),
                    scopes: Scopes::new(["deploy".parse().unwrap()]).unwrap(),
                    ip_allowlist: Default::default(),
                    expires_in: secs.map(Duration::from_secs),
                };
                match portcullis
                    .create_api_token(who, new, &context)
                    .await
                    .unwrap()
                {
                    CreateApiTokenOutcome::Created { info, token } => {
                        self.api_tokens.push((info.id, token));
                        Answer::ApiToken {
                            api_token: self.api_tokens.len() - 1,
                        }
                    }
                    other => panic!("{other:?}"),
                }
            }
            Act::RevokeApiToken { api_token, .. } => {
                let id = self.api_tokens[api_token].0;
                done(
                    portcullis
                        .revoke_api_token(who, id, &context)
                        .await
                        .unwrap(),
                )
            }
            Act::RevokeApiTokens { .. } => {
                let ended = portcullis
                    .revoke_all_api_tokens(who, &context)
                    .await
                    .unwrap();
                Answer::Ended {
                    count: usize::try_from(ended).unwrap(),
                }
            }
            other => unreachable!("{other:?}"),
        }
    }

    async fn operate(&mut self, act: Act) -> Answer {
        let tenant = self.portcullis.default_tenant();
        let (person, to, secs) = match act {
            Act::Suspend { person, secs } => (person, EntityState::Suspended, secs),
            Act::Activate { person } => (person, EntityState::Active, None),
            Act::Terminate { person } => (person, EntityState::Terminated, None),
            Act::OpenAccount { with, password } => {
                let opened =
                    self.portcullis
                        .admin_open_account(tenant, email(with), word(password));
                return match opened.await.unwrap() {
                    OpenAccountOutcome::Opened { .. } => Answer::Done,
                    OpenAccountOutcome::Taken => Answer::Refused,
                    other => panic!("{other:?}"),
                };
            }
            Act::Import { with } => {
                let import = ImportUser {
                    identifiers: vec![email(with)],
                    verified: true,
                    password: None,
                    profile: json!({}),
                    created_at: None,
                    state: ImportState::Active,
                };
                let imported = self.portcullis.import_user(tenant, import);
                return match imported.await.unwrap() {
                    ImportOutcome::Imported { .. } => Answer::Done,
                    ImportOutcome::Exists { .. } => Answer::Refused,
                    other => panic!("{other:?}"),
                };
            }
            Act::Unlock { person } => {
                let unlocked = self.portcullis.admin_unlock(tenant, self.people[person]);
                return by_operator(unlocked.await.unwrap());
            }
            Act::SignOutPerson { person, api_tokens } => {
                let api_tokens = match api_tokens {
                    true => ApiTokensToo::Revoked,
                    false => ApiTokensToo::Kept,
                };
                let user = self.people[person];
                let out = self.portcullis.admin_sign_out(tenant, user, api_tokens);
                return by_operator(out.await.unwrap());
            }
            Act::Erase { person } => {
                let erased = self.portcullis.admin_erase(tenant, self.people[person]);
                return match erased.await.unwrap() {
                    EraseOutcome::Erased => Answer::Done,
                    EraseOutcome::ErasedBefore => Answer::Refused,
                    other => panic!("{other:?}"),
                };
            }
            other => unreachable!("{other:?}"),
        };
        let until = secs.map(|secs| self.portcullis.now().plus(Duration::from_secs(secs)));
        let change = StateChange {
            to,
            reason: None,
            until,
        };
        let user = self.people[person];
        by_operator(
            self.portcullis
                .admin_set_state(tenant, user, change)
                .await
                .unwrap(),
        )
    }

    async fn sign_in(&mut self, with: Spelling, password: &str, replaces: Option<usize>) -> Answer {
        let input = SignIn {
            identifier: with.as_str().to_owned(),
            password: Password::new(password).unwrap(),
            replaces: replaces.map(|session| self.sessions[session].1.clone()),
        };
        match self
            .portcullis
            .sign_in(input, &self.context())
            .await
            .unwrap()
        {
            SignInOutcome::SignedIn(signed_in) => self.keep(&signed_in),
            SignInOutcome::Refused => Answer::Refused,
            SignInOutcome::Locked { .. } => Answer::Locked,
        }
    }

    async fn issue_tokens(&mut self, with: Spelling, password: Word) -> Answer {
        let request = TokenRequest {
            identifier: with.as_str().to_owned(),
            password: word(password),
            scopes: None,
        };
        match self
            .portcullis
            .issue_tokens(request, &self.context())
            .await
            .unwrap()
        {
            TokenOutcome::Issued(pair) => self.keep_pair(*pair),
            TokenOutcome::Refused => Answer::Refused,
            TokenOutcome::Locked { .. } => Answer::Locked,
        }
    }

    async fn refresh(&mut self, refresh: usize) -> Answer {
        let request = RefreshRequest {
            token: self.refresh[refresh].clone(),
            scopes: None,
        };
        match self
            .portcullis
            .refresh_tokens(request, &self.context())
            .await
            .unwrap()
        {
            RefreshOutcome::Refreshed(pair) => self.keep_pair(*pair),
            RefreshOutcome::Refused => Answer::Refused,
        }
    }

    async fn sign_out_tokens(&mut self, access: usize) -> Answer {
        let token = self.access[access].clone();
        let Some(principal) = self.present(Credential::Bearer(token.expose())).await else {
            return Answer::Refused;
        };
        let context = self.context();
        self.portcullis
            .sign_out(&principal, &context)
            .await
            .unwrap();
        Answer::Done
    }

    pub(super) fn keep(&mut self, signed_in: &SignedIn) -> Answer {
        let id = signed_in.principal.session().unwrap();
        self.sessions.push((id, signed_in.cookie.clone()));
        Answer::Session {
            session: self.sessions.len() - 1,
        }
    }

    /// The same refresh token may come again.
    fn keep_pair(&mut self, pair: TokenPair) -> Answer {
        let same = |known: &SecretText| known.expose() == pair.refresh.expose();
        let refresh = self.refresh.iter().position(same).unwrap_or_else(|| {
            self.refresh.push(pair.refresh.clone());
            self.refresh.len() - 1
        });
        self.access.push(pair.access);
        Answer::Pair {
            refresh,
            access: self.access.len() - 1,
        }
    }

    /// Seconds since the story began.
    pub(crate) fn moment(&self, at: Timestamp) -> u64 {
        use portcullis_backends::core::clock::{Clock as _, ManualClock};
        at.since(ManualClock::default().now()).as_secs()
    }
}

pub(crate) fn email(spelling: Spelling) -> Identifier {
    Identifier::email(spelling.as_str()).unwrap()
}

pub(crate) fn word(word: Word) -> Password {
    Password::new(word.as_str()).unwrap()
}

const fn done(done: bool) -> Answer {
    if done { Answer::Done } else { Answer::Refused }
}

fn by_operator(outcome: AdminOutcome) -> Answer {
    match outcome {
        AdminOutcome::Done => Answer::Done,
        AdminOutcome::Refused(_) => Answer::Refused,
        AdminOutcome::NotFound => Answer::NotFound,
    }
}
