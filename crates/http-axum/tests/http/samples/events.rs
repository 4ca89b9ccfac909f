//! What each request leaves in the audit log.

use portcullis_backends::core::event::{AuthEventType as Event, Reason};

use super::Sample;

/// An event, and why it was a refusal; `None` where it was done.
pub(crate) type Left = (Event, Option<Reason>);

impl Sample {
    /// All of it, in the order of the table of kinds.
    pub(crate) fn leaves(self) -> Vec<Left> {
        let done = |kinds: &[Event]| kinds.iter().map(|kind| (*kind, None)).collect();
        let refused = |kind: Event, reason: Reason| vec![(kind, Some(reason))];
        match self {
            Self::SignUp => done(&[Event::SignUp]),
            Self::SendLink => done(&[Event::VerificationRequested]),
            Self::Verify | Self::VerifyElsewhere => done(&[Event::EmailVerified]),
            Self::SignIn | Self::MagicLink | Self::Code => done(&[Event::SignIn]),
            Self::SignInAgain | Self::MagicLinkAgain | Self::CodeAgain => {
                done(&[Event::SignIn, Event::SessionRevoked])
            }
            Self::SignInWithAnOldHash => done(&[Event::SignIn, Event::PasswordRehashed]),
            Self::SendMagicLink => done(&[Event::MagicLinkRequested]),
            Self::MagicLinkUnproved => done(&[Event::EmailVerified, Event::SignIn]),
            Self::MagicLinkNew => done(&[Event::SignUp, Event::EmailVerified, Event::SignIn]),
            Self::SendCode => done(&[Event::EmailCodeRequested]),
            Self::Logout => done(&[Event::SignOut]),
            Self::LogoutWithAnAccessToken => done(&[Event::RefreshEnded]),
            Self::LogoutAll | Self::EndOtherSessions => done(&[Event::SessionsRevoked]),
            Self::StepUp => done(&[Event::PasswordConfirmed]),
            Self::ChangePassword => done(&[Event::PasswordConfirmed, Event::PasswordChanged]),
            Self::Forgot => done(&[Event::PasswordResetRequested]),
            Self::Reset => done(&[Event::PasswordReset]),
            Self::ChangeEmail => done(&[Event::EmailChangeRequested]),
            Self::ConfirmEmail => done(&[Event::EmailChanged]),
            Self::Close => done(&[Event::AccountStateChanged]),
            Self::Export => done(&[Event::AccountExported]),
            Self::RenameSession => done(&[Event::SessionRenamed]),
            Self::EndSession => done(&[Event::SessionRevoked]),
            Self::NewApiToken => done(&[Event::ApiTokenCreated]),
            Self::RevokeApiTokens => done(&[Event::ApiTokensRevoked]),
            Self::RevokeApiToken => done(&[Event::ApiTokenRevoked]),
            Self::Tokens | Self::TokensInCookies => done(&[Event::SignIn, Event::TokensIssued]),
            Self::TokensWithAnOldHash => {
                done(&[Event::SignIn, Event::TokensIssued, Event::PasswordRehashed])
            }
            Self::Refresh | Self::RefreshByCookie => done(&[Event::TokensRefreshed]),

            Self::SignUpTaken => refused(Event::SignUp, Reason::AlreadyRegistered),
            Self::SendLinkToSomebodyProved => {
                refused(Event::VerificationRequested, Reason::AlreadyRegistered)
            }
            Self::SendLinkToNobody => {
                refused(Event::VerificationRequested, Reason::UnknownIdentifier)
            }
            Self::VerifyTwice => refused(Event::EmailVerified, Reason::Replayed),
            Self::SignInWrong | Self::TokensWrong => refused(Event::SignIn, Reason::WrongPassword),
            Self::SignInOfNobody => refused(Event::SignIn, Reason::UnknownIdentifier),
            Self::SendMagicLinkToNobody => {
                refused(Event::MagicLinkRequested, Reason::UnknownIdentifier)
            }
            Self::MagicLinkTwice => refused(Event::SignIn, Reason::Replayed),
            Self::SendCodeToNobody => refused(Event::EmailCodeRequested, Reason::UnknownIdentifier),
            Self::CodeWrong => refused(Event::SignIn, Reason::WrongCode),
            Self::StepUpWrong | Self::ChangePasswordWrong => {
                refused(Event::PasswordConfirmed, Reason::WrongPassword)
            }
            Self::ForgotByNobody => {
                refused(Event::PasswordResetRequested, Reason::UnknownIdentifier)
            }
            Self::CheckUsedResetLink | Self::ResetTwice => {
                refused(Event::PasswordReset, Reason::Replayed)
            }
            Self::ChangeEmailTaken => {
                refused(Event::EmailChangeRequested, Reason::AlreadyRegistered)
            }
            Self::ConfirmEmailTwice => refused(Event::EmailChanged, Reason::Replayed),
            Self::RefreshSpent => refused(Event::RefreshReuse, Reason::Replayed),
            Self::RefreshEnded => refused(Event::TokensRefreshed, Reason::Revoked),

            // They change nothing.
            Self::SignUpPage
            | Self::MagicLinkPage
            | Self::LogoutOfNobody
            | Self::CheckAuth
            | Self::CheckAuthWithAnApiToken
            | Self::CheckAuthWithAnAccessToken
            | Self::CheckResetLink
            | Self::ResetPage
            | Self::ChangeEmailPage
            | Self::Profile
            | Self::ProfileWithAnApiToken
            | Self::Sessions
            | Self::ApiTokens
            | Self::Jwks
            | Self::OpenApi => Vec::new(),
        }
    }

    /// Whether it names somebody whom nobody knows, so that its events are about nobody.
    pub(crate) fn is_about_nobody(self) -> bool {
        matches!(
            self,
            Self::SendLinkToNobody
                | Self::SignInOfNobody
                | Self::SendMagicLinkToNobody
                | Self::SendCodeToNobody
                | Self::ForgotByNobody
        )
    }
}
