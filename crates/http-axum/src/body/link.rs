//! The bodies of the routes that send links and act on them.

use portcullis_core::secret::SecretText;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{AsksCaptcha, BodyKind, Input, SecretField};

/// Somebody who wants a link to sign in with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SendMagicLink {
    /// The address to send it to.
    #[schema(format = Email, max_length = 254)]
    pub(crate) email: String,
    /// What the CAPTCHA's widget made; needed where the service asks for one.
    #[serde(default)]
    #[schema(inline)]
    pub(crate) captcha: Option<SecretField>,
}

impl Input for SendMagicLink {
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
pub(crate) struct MagicLink {
    /// The token in the link.
    #[schema(inline)]
    pub(crate) token: SecretField,
}

impl Input for MagicLink {
    const KIND: BodyKind = BodyKind::JsonOrForm;
    const FIELDS: &'static str = "token";
}

/// Somebody who wants another address for their account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestEmailChange {
    /// The address to come.
    #[schema(format = Email, max_length = 254)]
    pub(crate) email: String,
}

impl Input for RequestEmailChange {
    const KIND: BodyKind = BodyKind::JsonOrForm;
    const FIELDS: &'static str = "email";

    fn identifier(&self) -> Option<&str> {
        Some(&self.email)
    }
}

/// The link from the mail to the new address, acted on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfirmEmailChange {
    /// The token in the link.
    #[schema(inline)]
    pub(crate) token: SecretField,
}

impl Input for ConfirmEmailChange {
    const KIND: BodyKind = BodyKind::JsonOrForm;
    const FIELDS: &'static str = "token";
}
