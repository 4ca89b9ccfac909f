//! The bodies of the routes that send codes and act on them.

use portcullis_core::secret::SecretText;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{AsksCaptcha, BodyKind, Input, SecretField};

/// Somebody who wants a code to sign in with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SendEmailCode {
    /// The address to send it to.
    #[schema(format = Email, max_length = 254)]
    pub(crate) email: String,
    /// The ticket of an earlier request, which stays where the last mail is less than half a minute old. A browser has
    /// it in a cookie.
    #[schema(inline)]
    pub(crate) ticket: Option<SecretField>,
    /// What the CAPTCHA's widget made; needed where the service asks for one.
    #[serde(default)]
    #[schema(inline)]
    pub(crate) captcha: Option<SecretField>,
}

impl Input for SendEmailCode {
    const KIND: BodyKind = BodyKind::JsonOrForm;
    const FIELDS: &'static str = "email, ticket, captcha (optional)";
    const CAPTCHA: AsksCaptcha = AsksCaptcha::Always;

    fn identifier(&self) -> Option<&str> {
        Some(&self.email)
    }

    fn captcha(&self) -> Option<&SecretText> {
        self.captcha.as_ref().map(SecretField::text)
    }
}

/// The code from the mail, typed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmailCode {
    /// Eight digits; spaces and dashes between them are allowed.
    #[schema(inline)]
    pub(crate) code: SecretField,
    /// The ticket that asking for the code gave. A browser has it in a cookie.
    #[schema(inline)]
    pub(crate) ticket: Option<SecretField>,
}

impl Input for EmailCode {
    const KIND: BodyKind = BodyKind::JsonOrForm;
    const FIELDS: &'static str = "code, ticket";
}
