//! The bodies that our routes take.

use portcullis_core::secret::SecretText;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{AsksCaptcha, BodyKind, Input, SecretField};

/// Somebody who wants an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignUp {
    /// The address that will prove who they are.
    #[schema(format = Email, max_length = 254)]
    pub(crate) email: String,
    /// The password they choose.
    #[schema(inline)]
    pub(crate) password: SecretField,
    /// What the CAPTCHA's widget made; needed where the service asks for one.
    #[serde(default)]
    #[schema(inline)]
    pub(crate) captcha: Option<SecretField>,
}

impl Input for SignUp {
    const KIND: BodyKind = BodyKind::JsonOrForm;
    const FIELDS: &'static str = "email, password, captcha (optional)";
    const CAPTCHA: AsksCaptcha = AsksCaptcha::Always;

    fn identifier(&self) -> Option<&str> {
        Some(&self.email)
    }

    fn captcha(&self) -> Option<&SecretText> {
        self.captcha.as_ref().map(SecretField::text)
    }
}

/// Somebody who wants the mail again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SendLink {
    /// The address given at sign-up.
    #[schema(format = Email, max_length = 254)]
    pub(crate) email: String,
    /// What the CAPTCHA's widget made; needed where the service asks for one.
    #[serde(default)]
    #[schema(inline)]
    pub(crate) captcha: Option<SecretField>,
}

impl Input for SendLink {
    const KIND: BodyKind = BodyKind::JsonOrForm;
    const FIELDS: &'static str = "email, captcha (optional)";
    const CAPTCHA: AsksCaptcha = AsksCaptcha::Always;

    fn identifier(&self) -> Option<&str> {
        Some(&self.email)
    }

    fn captcha(&self) -> Option<&SecretText> {
        self.captcha.as_ref().map(SecretField::text)
    }
}

/// The link from the mail, acted on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Verify {
    /// The token in the link.
    #[schema(inline)]
    pub(crate) token: SecretField,
    /// A new password; needed in another browser than the one that signed up.
    #[serde(default)]
    #[schema(inline)]
    pub(crate) password: Option<SecretField>,
}

impl Input for Verify {
    const KIND: BodyKind = BodyKind::JsonOrForm;
    const FIELDS: &'static str = "token, password (optional)";
}

/// Somebody who changes their password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangePassword {
    /// The password that holds now.
    #[schema(inline)]
    pub(crate) current_password: SecretField,
    /// The one to take its place.
    #[schema(inline)]
    pub(crate) new_password: SecretField,
}

impl Input for ChangePassword {
    const KIND: BodyKind = BodyKind::JsonOrForm;
    const FIELDS: &'static str = "current_password, new_password";
}

/// Somebody in a session who proves again that it is them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StepUp {
    /// The password that holds now.
    #[schema(inline)]
    pub(crate) password: SecretField,
}

impl Input for StepUp {
    const KIND: BodyKind = BodyKind::JsonOrForm;
    const FIELDS: &'static str = "password";
}

/// Somebody who does not know their password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ForgotPassword {
    /// Their address.
    #[schema(format = Email, max_length = 254)]
    pub(crate) email: String,
    /// What the CAPTCHA's widget made; needed where the service asks for one.
    #[serde(default)]
    #[schema(inline)]
    pub(crate) captcha: Option<SecretField>,
}

impl Input for ForgotPassword {
    const KIND: BodyKind = BodyKind::JsonOrForm;
    const FIELDS: &'static str = "email, captcha (optional)";
    const CAPTCHA: AsksCaptcha = AsksCaptcha::Always;

    fn identifier(&self) -> Option<&str> {
        Some(&self.email)
    }

    fn captcha(&self) -> Option<&SecretText> {
        self.captcha.as_ref().map(SecretField::text)
    }
}

/// A link to be looked at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResetLink {
    /// The token in the link.
    #[schema(inline)]
    pub(crate) token: SecretField,
}

impl Input for ResetLink {
    const KIND: BodyKind = BodyKind::JsonOrForm;
    const FIELDS: &'static str = "token";
}

/// A new password, by the link from the mail.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResetPassword {
    /// The token in the link.
    #[schema(inline)]
    pub(crate) token: SecretField,
    /// The new password.
    #[schema(inline)]
    pub(crate) password: SecretField,
}

impl Input for ResetPassword {
    const KIND: BodyKind = BodyKind::JsonOrForm;
    const FIELDS: &'static str = "token, password";

    fn token(&self) -> Option<&SecretText> {
        Some(self.token.text())
    }
}

/// Somebody who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    /// An e-mail address or user name.
    pub(crate) identifier: String,
    /// The password.
    #[schema(inline)]
    pub(crate) password: SecretField,
    /// Where a browser that accepts HTML is sent afterwards: a path of this origin, or a page of an allowed one.
    #[serde(default)]
    #[schema(max_length = 2048)]
    pub(crate) return_to: Option<String>,
    /// What the CAPTCHA's widget made; needed where the service asks for one.
    #[serde(default)]
    #[schema(inline)]
    pub(crate) captcha: Option<SecretField>,
}

impl Input for SignIn {
    const KIND: BodyKind = BodyKind::JsonOrForm;
    const FIELDS: &'static str = "identifier, password, return_to (optional), captcha (optional)";
    const CAPTCHA: AsksCaptcha = AsksCaptcha::AtSignIn;

    fn identifier(&self) -> Option<&str> {
        Some(&self.identifier)
    }

    fn captcha(&self) -> Option<&SecretText> {
        self.captcha.as_ref().map(SecretField::text)
    }
}

/// Somebody who wants a pair of tokens.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenRequest {
    /// An e-mail address or user name.
    pub(crate) identifier: String,
    /// The password.
    #[schema(inline)]
    pub(crate) password: SecretField,
    /// What the access tokens are to be limited to; without it, nothing.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 32)]
    pub(crate) scopes: Option<Vec<String>>,
    /// Whether the pair goes into `HttpOnly` cookies rather than into the body; then its scopes have at most 1 KiB.
    #[serde(default)]
    pub(crate) cookies: bool,
    /// What the CAPTCHA's widget made; needed where the service asks for one.
    #[serde(default)]
    #[schema(inline)]
    pub(crate) captcha: Option<SecretField>,
}

impl Input for TokenRequest {
    const KIND: BodyKind = BodyKind::Json;
    const FIELDS: &'static str =
        "identifier, password, scopes (optional), cookies (optional), captcha (optional)";
    const CAPTCHA: AsksCaptcha = AsksCaptcha::AtSignIn;

    fn identifier(&self) -> Option<&str> {
        Some(&self.identifier)
    }

    fn captcha(&self) -> Option<&SecretText> {
        self.captcha.as_ref().map(SecretField::text)
    }
}

/// Somebody who wants the next pair. The answer goes the way the refresh token came.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefreshRequest {
    /// The refresh token; without it, the one in the cookie.
    #[serde(default)]
    #[schema(inline)]
    pub(crate) refresh_token: Option<SecretField>,
    /// Narrower scopes for this access token.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 32)]
    pub(crate) scopes: Option<Vec<String>>,
}

impl Input for RefreshRequest {
    const KIND: BodyKind = BodyKind::Json;
    const FIELDS: &'static str = "refresh_token (optional), scopes (optional)";
}

/// An API token to make. Whose it is follows from the session alone.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewApiToken {
    /// What its owner calls it.
    #[schema(min_length = 1, max_length = 100)]
    pub(crate) name: String,
    /// What it may do.
    #[schema(min_items = 1, max_items = 32)]
    pub(crate) scopes: Vec<String>,
    /// Addresses and networks in CIDR form that it may be used from; empty allows all.
    #[serde(default)]
    #[schema(max_items = 32)]
    pub(crate) ip_allowlist: Vec<String>,
    /// Its life in seconds, from 60 to what the policy allows; without it, no end, where the policy allows that.
    // A number of any size is read, so that one that does not fit is refused by name.
    #[serde(default)]
    #[schema(value_type = Option<u64>, minimum = 60)]
    pub(crate) expires_in_secs: Option<serde_json::Number>,
}

impl Input for NewApiToken {
    const KIND: BodyKind = BodyKind::Json;
    const FIELDS: &'static str =
        "name, scopes, ip_allowlist (optional), expires_in_secs (optional)";
}

/// What one of the caller's sessions is called from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RenameSession {
    /// At most 100 printable characters, trimmed; `null` or nothing takes the name away.
    // Left out is a mistake, and no wish to take a name away.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required, max_length = 100)]
    pub(crate) name: Option<String>,
}

impl Input for RenameSession {
    const KIND: BodyKind = BodyKind::Json;
    const FIELDS: &'static str = "name";
}
