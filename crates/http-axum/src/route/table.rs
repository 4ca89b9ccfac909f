//! The routes.

use portcullis_core::event::AuthEventType as Event;

use super::{Pages, RoutePolicy, RouteSpec, Shape, Verb, input};
use crate::body::{
    AsksCaptcha, BodyKind, ChangePassword, ConfirmEmailChange, EmailCode, ForgotPassword,
    MagicLink, NewApiToken, RefreshRequest, RenameSession, RequestEmailChange, ResetLink,
    ResetPassword, SendEmailCode, SendLink, SendMagicLink, SignIn, SignUp, StepUp, TokenRequest,
    Verify,
};
use crate::call::{plain, with_body};
use crate::code::Code;
use crate::config::Switch;
use crate::handler::{
    account, api_tokens, email_change, email_code, health, magic_link, password, profile, sessions,
    sign_in, sign_up, step_up, tokens, verify,
};
use crate::limit::{self, Limits};
use crate::openapi;
use crate::reply::{
    Accepted, ApiTokens, Caller, CodeSent, CreatedApiToken, Export, Health, Person, ResetLinkWorks,
    Revoked, Sessions, Tokens, Verified,
};

const GUARDED: Limits = Limits::None {
    because: "only somebody with a credential of 256 bits gets past its policy, and it costs no hash and no mail",
};
const CHEAP: Limits = Limits::None {
    because: "it reads nothing that belongs to anybody and writes nothing",
};

macro_rules! route {
    (
        $verb:ident $path:literal $summary:literal,
        $switch:ident, $policy:ident, $limits:expr,
        body: $($input:ident)?, answer: $status:literal $($output:ident)?,
        events: [$($event:ident),*], codes: [$($code:ident),*], pages: $pages:ident,
        $handler:path
    ) => {
        RouteSpec {
            verb: Verb::$verb,
            path: $path,
            summary: $summary,
            switch: Switch::$switch,
            policy: RoutePolicy::$policy,
            limits: $limits,
            events: &[$(Event::$event),*],
            body: route!(@input $($input)?).0,
            captcha: route!(@input $($input)?).1,
            status: $status,
            codes: &[$(Code::$code),*],
            pages: Pages::$pages,
            input: route!(@input $($input)?).2,
            output: route!(@output $($output)?),
            run: route!(@run $handler, $($input)?),
        }
    };
    (@input) => { (BodyKind::None, AsksCaptcha::Never, None::<Shape>) };
    (@input $input:ident) => { input::<$input>() };
    (@output) => { None };
    (@output $output:ident) => { Some(Shape::of::<$output>()) };
    (@run $handler:path,) => { |call, body| Box::pin(plain(call, body, $handler)) };
    (@run $handler:path, $input:ident) => {
        |call, body| Box::pin(with_body::<$input, _>(call, body, $handler))
    };
}

/// Every route below the mount path. Nothing else answers there but 404.
pub static ROUTES: &[RouteSpec] = &[
    route!(
        Post "/signup" "Sign up with an e-mail address and a password",
        SignUp, Public, limit::SIGN_UP,
        body: SignUp, answer: 202 Accepted,
        events: [SignUp],
        codes: [PasswordRefused, SignUpClosed, SignUpInviteOnly, EmailDomainRefused], pages: None,
        sign_up::sign_up
    ),
    route!(
        Post "/signup/send_link" "Send the link of a sign-up again",
        SendLink, Public, limit::SEND_LINK,
        body: SendLink, answer: 202 Accepted,
        events: [VerificationRequested],
        codes: [SignUpClosed, SignUpInviteOnly, EmailDomainRefused], pages: None,
        sign_up::send_link
    ),
    route!(
        Get "/signup/verify" "The page that the link in the mail leads to; it changes nothing",
        Verify, Public, CHEAP,
        body: , answer: 200,
        events: [], codes: [InvalidLink], pages: Only,
        verify::show
    ),
    route!(
        Post "/signup/verify" "Prove the address with the token from the mail",
        Verify, Public, limit::VERIFY,
        body: Verify, answer: 200 Verified,
        events: [EmailVerified], codes: [InvalidLink, PasswordRequired, PasswordRefused], pages: ForForms,
        verify::verify
    ),
    route!(
        Post "/sign-in" "Sign in with an identifier and a password",
        SignIn, Public, limit::SIGN_IN,
        body: SignIn, answer: 200 Caller,
        events: [SignIn, SessionRevoked, PasswordRehashed], codes: [InvalidCredentials], pages: ForForms,
        sign_in::sign_in
    ),
    route!(
        Post "/magic-link/send" "Send a link to sign in with",
        MagicLink, Public, limit::SIGN_IN_MAIL,
        body: SendMagicLink, answer: 202 Accepted,
        events: [MagicLinkRequested], codes: [], pages: None,
        magic_link::send
    ),
    route!(
        Get "/magic-link/verify" "The page that the link in the mail leads to; it changes nothing",
        MagicLink, Public, CHEAP,
        body: , answer: 200,
        events: [], codes: [InvalidLink], pages: Only,
        magic_link::show
    ),
    route!(
        Post "/magic-link/verify" "Sign in with the token from the mail, once",
        MagicLink, Public, limit::SESSION_LINK,
        body: MagicLink, answer: 200 Caller,
        events: [SignIn, SessionRevoked], codes: [InvalidLink], pages: ForForms,
        magic_link::verify
    ),
    route!(
        Post "/email-code/send" "Send a code to sign in with; the answer has the ticket that it works with",
        EmailCode, Public, limit::SIGN_IN_MAIL,
        body: SendEmailCode, answer: 202 CodeSent,
        events: [EmailCodeRequested], codes: [], pages: ForForms,
        email_code::send
    ),
    route!(
        Post "/email-code/verify" "Sign in with the code from the mail and its ticket, once",
        EmailCode, Public, limit::CODE,
        body: EmailCode, answer: 200 Caller,
        events: [SignIn, SessionRevoked], codes: [InvalidCode], pages: ForForms,
        email_code::verify
    ),
    route!(
        Post "/logout" "End the session or the family of tokens; without one, only forget the cookies",
        Logout, AnonymousOrSession, GUARDED,
        body: , answer: 204,
        events: [SignOut, RefreshEnded, AccessDenied], codes: [CredentialNotAllowed], pages: None,
        sign_in::logout
    ),
    route!(
        Post "/logout/all" "End every session and token pair of the caller, this session too; API tokens stay",
        Logout, Session, GUARDED,
        body: , answer: 204,
        events: [SessionsRevoked, AccessDenied], codes: [], pages: None,
        sign_in::logout_all
    ),
    route!(
        Post "/check-auth" "Who is signed in, and how",
        CheckAuth, SignedIn, GUARDED,
        body: , answer: 200 Caller,
        events: [CredentialRejected], codes: [], pages: None,
        sign_in::check_auth
    ),
    route!(
        Post "/step-up" "Prove again that it is you; the session gets a new id",
        StepUp, Session, limit::STEP_UP,
        body: StepUp, answer: 200 Caller,
        events: [PasswordConfirmed, AccessDenied], codes: [CurrentPasswordRefused], pages: None,
        step_up::step_up
    ),
    route!(
        Post "/password/change" "Change one's password; every other session and token pair ends",
        PasswordChange, Session, limit::CHANGE,
        body: ChangePassword, answer: 204,
        events: [PasswordConfirmed, PasswordChanged, AccessDenied],
        codes: [CurrentPasswordRefused, PasswordRefused, PasswordChangedRecently], pages: None,
        password::change
    ),
    route!(
        Post "/password/forgot" "Ask for a link that sets a new password",
        PasswordReset, Public, limit::FORGOT,
        body: ForgotPassword, answer: 202 Accepted,
        events: [PasswordResetRequested], codes: [], pages: None,
        password::forgot
    ),
    route!(
        Post "/password/verify_token" "Whether the link would work; it is not used up",
        PasswordReset, Public, limit::VERIFY,
        body: ResetLink, answer: 200 ResetLinkWorks,
        events: [PasswordReset], codes: [InvalidLink], pages: None,
        password::verify_token
    ),
    route!(
        Get "/password/reset" "The page that the link in the mail leads to; it changes nothing",
        PasswordReset, Public, CHEAP,
        body: , answer: 200,
        events: [], codes: [InvalidLink], pages: Only,
        password::show
    ),
    route!(
        Post "/password/reset" "Set a new password with the token from the mail; every session and token pair ends",
        PasswordReset, Public, limit::RESET,
        body: ResetPassword, answer: 204,
        events: [PasswordReset], codes: [InvalidLink, PasswordRefused], pages: ForForms,
        password::reset
    ),
    route!(
        Post "/email/change/request" "Ask for another address; a link goes to it and a notice to the present one",
        EmailChange, FreshSession, limit::CHANGE_MAIL,
        body: RequestEmailChange, answer: 202 Accepted,
        events: [EmailChangeRequested, AccessDenied], codes: [InvalidBody, EmailDomainRefused], pages: None,
        email_change::request
    ),
    route!(
        Get "/email/change/confirm" "The page that the link in the mail leads to; it changes nothing",
        EmailChange, Public, CHEAP,
        body: , answer: 200,
        events: [], codes: [InvalidLink], pages: Only,
        email_change::show
    ),
    route!(
        Post "/email/change/confirm" "Prove the new address in one's own session; every other session and token pair ends",
        EmailChange, Session, limit::SESSION_LINK,
        body: ConfirmEmailChange, answer: 204,
        events: [EmailChanged, AccessDenied], codes: [InvalidLink], pages: ForForms,
        email_change::confirm
    ),
    route!(
        Get "/profile" "What somebody sees of themselves",
        Profile, SignedIn, GUARDED,
        body: , answer: 200 Person,
        events: [CredentialRejected], codes: [NotFound], pages: None,
        profile::profile
    ),
    route!(
        Post "/account/close" "Close one's account for good; whatever its owner was signed in with ends",
        Account, FreshSession, limit::CHANGE,
        body: , answer: 204,
        events: [AccountStateChanged, AccessDenied], codes: [], pages: None,
        account::close
    ),
    route!(
        Get "/account/export" "What is kept about the caller, without secrets",
        Account, FreshSession, limit::EXPORT,
        body: , answer: 200 Export,
        events: [AccountExported, AccessDenied], codes: [NotFound], pages: None,
        account::export
    ),
    route!(
        Get "/sessions" "The caller's live sessions",
        Sessions, Session, GUARDED,
        body: , answer: 200 Sessions,
        events: [AccessDenied], codes: [], pages: None,
        sessions::list
    ),
    route!(
        Delete "/sessions" "End the caller's other sessions",
        Sessions, Session, GUARDED,
        body: , answer: 200 Revoked,
        events: [SessionsRevoked, AccessDenied], codes: [], pages: None,
        sessions::revoke_others
    ),
    route!(
        Patch "/sessions/{id}" "Give one of the caller's sessions a name, or take it away",
        Sessions, Session, limit::RENAME,
        body: RenameSession, answer: 204,
        events: [SessionRenamed, AccessDenied], codes: [NotFound, InvalidBody], pages: None,
        sessions::rename
    ),
    route!(
        Delete "/sessions/{id}" "End one of the caller's sessions",
        Sessions, Session, GUARDED,
        body: , answer: 204,
        events: [SessionRevoked, AccessDenied], codes: [NotFound], pages: None,
        sessions::revoke
    ),
    route!(
        Get "/api-tokens" "The caller's live API tokens",
        ApiTokens, Session, GUARDED,
        body: , answer: 200 ApiTokens,
        events: [AccessDenied], codes: [], pages: None,
        api_tokens::list
    ),
    route!(
        Post "/api-tokens" "Make an API token, which is shown once",
        ApiTokens, FreshSession, limit::API_TOKEN,
        body: NewApiToken, answer: 201 CreatedApiToken,
        events: [ApiTokenCreated, AccessDenied], codes: [LimitReached], pages: None,
        api_tokens::create
    ),
    route!(
        Delete "/api-tokens" "Revoke all of the caller's API tokens",
        ApiTokens, Session, GUARDED,
        body: , answer: 200 Revoked,
        events: [ApiTokensRevoked, AccessDenied], codes: [], pages: None,
        api_tokens::revoke_all
    ),
    route!(
        Delete "/api-tokens/{id}" "Revoke one of the caller's API tokens",
        ApiTokens, Session, GUARDED,
        body: , answer: 204,
        events: [ApiTokenRevoked, AccessDenied], codes: [NotFound], pages: None,
        api_tokens::revoke
    ),
    route!(
        Post "/token" "Get a pair of access and refresh token for a password",
        Tokens, Public, limit::TOKEN,
        body: TokenRequest, answer: 200 Tokens,
        events: [SignIn, TokensIssued, PasswordRehashed], codes: [InvalidCredentials], pages: None,
        tokens::issue
    ),
    route!(
        Post "/refresh" "Exchange a refresh token for the next pair",
        Tokens, Public, limit::REFRESH,
        body: RefreshRequest, answer: 200 Tokens,
        events: [TokensRefreshed, RefreshReuse], codes: [InvalidGrant], pages: None,
        tokens::refresh
    ),
    route!(
        Get "/jwks.json" "The public keys of access tokens",
        Tokens, Public, CHEAP,
        body: , answer: 200,
        events: [], codes: [], pages: None,
        tokens::jwks
    ),
    route!(
        Get "/openapi.json" "This document",
        OpenApi, Public, CHEAP,
        body: , answer: 200,
        events: [], codes: [], pages: None,
        openapi::show
    ),
];

/// Whether the service runs; for the root of a service of its own.
pub static HEALTH_ROUTES: &[RouteSpec] = &[
    route!(
        Get "/health/live" "Whether the process answers",
        Always, Public, CHEAP,
        body: , answer: 200 Health,
        events: [], codes: [], pages: None,
        health::live
    ),
    route!(
        Get "/health/ready" "Whether the store answers too",
        Always, Public, CHEAP,
        body: , answer: 200 Health,
        events: [], codes: [], pages: None,
        health::ready
    ),
];
