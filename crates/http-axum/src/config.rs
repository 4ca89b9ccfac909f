//! Which routes there are, and how strict their limits.

use std::num::NonZeroU32;

use crate::csrf::AllowedOrigins;
use crate::csrf::OriginError;

/// Which routes there are. All of them, where nothing else is said.
///
/// A route that is off answers 404, as if it had never been. A flag in brackets needs the one before it as well.
///
/// ```
/// use portcullis_http_axum::RoutesConfig;
///
/// let mut config = RoutesConfig::default();
/// config.enable_sign_up = false; // and with it send_link and verify
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RoutesConfig {
    /// `POST signup`.
    pub enable_sign_up: bool,
    /// (`enable_sign_up`) `POST signup/send_link`.
    pub enable_send_link: bool,
    /// (`enable_sign_up`) `GET` and `POST signup/verify`.
    pub enable_verify: bool,
    /// `POST sign-in`.
    pub enable_sign_in: bool,
    /// (`enable_sign_in`) `POST logout` and `POST logout/all`.
    pub enable_logout: bool,
    /// (`enable_sign_in`) `POST check-auth`.
    pub enable_check_auth: bool,
    /// (`enable_sign_in`) `POST step-up`.
    pub enable_step_up: bool,
    /// `POST magic-link/send`, `GET` and `POST magic-link/verify`.
    pub enable_magic_link: bool,
    /// `POST email-code/send` and `POST email-code/verify`. The policy `email_code`, which is off where nobody turns it on,
    /// says for each tenant whether they send and accept any.
    pub enable_email_code: bool,
    /// `POST email/change/request`, `GET` and `POST email/change/confirm`.
    pub enable_email_change: bool,
    /// `GET profile`.
    pub enable_profile: bool,
    /// `POST account/close` and `GET account/export`.
    pub enable_account: bool,
    /// `GET` and `DELETE sessions`, `DELETE sessions/{id}`.
    pub enable_sessions: bool,
    /// `GET`, `POST` and `DELETE api-tokens`, `DELETE api-tokens/{id}`.
    pub enable_api_tokens: bool,
    /// `POST token`, `POST refresh` and `GET jwks.json`. Off by itself where the instance makes no access tokens.
    pub enable_tokens: bool,
    /// `POST password/change`.
    pub enable_password_change: bool,
    /// `POST password/forgot`, `POST password/verify_token`, `GET` and `POST password/reset`.
    pub enable_password_reset: bool,
    /// `GET openapi.json`.
    pub enable_openapi: bool,
    /// How strict the limits are.
    pub limits: LimitMode,
    pub(crate) allowed_origins: AllowedOrigins,
}

/// How strict the limits of the route table are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitMode {
    /// As the table says.
    #[default]
    Standard,
    /// So many times as much, for services that many people reach from few addresses.
    Times(NonZeroU32),
    /// None, for benchmarks and tests: the lockout of single identifiers still holds.
    Off,
}

impl Default for RoutesConfig {
    fn default() -> Self {
        Self {
            enable_sign_up: true,
            enable_send_link: true,
            enable_verify: true,
            enable_sign_in: true,
            enable_logout: true,
            enable_check_auth: true,
            enable_step_up: true,
            enable_magic_link: true,
            enable_email_code: true,
            enable_email_change: true,
            enable_profile: true,
            enable_account: true,
            enable_sessions: true,
            enable_api_tokens: true,
            enable_tokens: true,
            enable_password_change: true,
            enable_password_reset: true,
            enable_openapi: true,
            limits: LimitMode::default(),
            allowed_origins: AllowedOrigins::default(),
        }
    }
}

impl RoutesConfig {
    /// Lets pages of one more origin than the public one use these routes: send unsafe requests with the session cookie,
    /// read the answers (CORS, with credentials), and be returned to after a sign-in.
    ///
    /// # Errors
    /// [`OriginError`] for what is no origin.
    pub fn allow_origin(&mut self, origin: &str) -> Result<(), OriginError> {
        self.allowed_origins.allow(origin)
    }
}

/// The flag that a route is switched by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Switch {
    /// None: it is there where its router is.
    Always,
    /// [`RoutesConfig::enable_sign_up`].
    SignUp,
    /// [`RoutesConfig::enable_send_link`].
    SendLink,
    /// [`RoutesConfig::enable_verify`].
    Verify,
    /// [`RoutesConfig::enable_sign_in`].
    SignIn,
    /// [`RoutesConfig::enable_logout`].
    Logout,
    /// [`RoutesConfig::enable_check_auth`].
    CheckAuth,
    /// [`RoutesConfig::enable_step_up`].
    StepUp,
    /// [`RoutesConfig::enable_magic_link`].
    MagicLink,
    /// [`RoutesConfig::enable_email_code`].
    EmailCode,
    /// [`RoutesConfig::enable_email_change`].
    EmailChange,
    /// [`RoutesConfig::enable_profile`].
    Profile,
    /// [`RoutesConfig::enable_account`].
    Account,
    /// [`RoutesConfig::enable_sessions`].
    Sessions,
    /// [`RoutesConfig::enable_api_tokens`].
    ApiTokens,
    /// [`RoutesConfig::enable_tokens`].
    Tokens,
    /// [`RoutesConfig::enable_password_change`].
    PasswordChange,
    /// [`RoutesConfig::enable_password_reset`].
    PasswordReset,
    /// [`RoutesConfig::enable_openapi`].
    OpenApi,
}

impl Switch {
    /// Whether the flag is on, and the one it depends on too.
    #[must_use]
    pub const fn is_on(self, config: &RoutesConfig) -> bool {
        match self {
            Self::Always => true,
            Self::SignUp => config.enable_sign_up,
            Self::SendLink => config.enable_sign_up && config.enable_send_link,
            Self::Verify => config.enable_sign_up && config.enable_verify,
            Self::SignIn => config.enable_sign_in,
            Self::Logout => config.enable_sign_in && config.enable_logout,
            Self::CheckAuth => config.enable_sign_in && config.enable_check_auth,
            Self::StepUp => config.enable_sign_in && config.enable_step_up,
            Self::MagicLink => config.enable_magic_link,
            Self::EmailCode => config.enable_email_code,
            Self::EmailChange => config.enable_email_change,
            Self::Profile => config.enable_profile,
            Self::Account => config.enable_account,
            Self::Sessions => config.enable_sessions,
            Self::ApiTokens => config.enable_api_tokens,
            Self::Tokens => config.enable_tokens,
            Self::PasswordChange => config.enable_password_change,
            Self::PasswordReset => config.enable_password_reset,
            Self::OpenApi => config.enable_openapi,
        }
    }
}
