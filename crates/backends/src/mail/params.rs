//! What a queued mail is filled with.

use portcullis_core::mail::MailTemplate;
use serde::{Deserialize, Serialize};

/// The values of each template, by name. They are sealed in the row: nobody reads a usable link from the database.
///
/// A new mail is a variant here and in [`MailTemplate`], a row of [`samples`](MailParams::samples), and three files for
/// each language in `templates/`: subject, text, HTML. Values are texts, numbers and booleans; links are made by the
/// flow, from the configured public URL alone. Beside them every template knows `app_name` and `public_url`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum MailParams {
    VerifyEmail { link: String, hours: u64 },
    AlreadyRegistered {},
    MagicLink { link: String, minutes: u64 },
    EmailCode { code: String, minutes: u64 },
    EmailChange { link: String, hours: u64 },
    EmailChangeRequested {},
    EmailChanged {},
    AddressTaken {},
    PasswordReset { link: String, minutes: u64 },
    PasswordChanged {},
    AccountClosed {},
}

impl MailParams {
    pub(crate) const fn template(&self) -> MailTemplate {
        match self {
            Self::VerifyEmail { .. } => MailTemplate::VerifyEmail,
            Self::AlreadyRegistered {} => MailTemplate::AlreadyRegistered,
            Self::MagicLink { .. } => MailTemplate::MagicLink,
            Self::EmailCode { .. } => MailTemplate::EmailCode,
            Self::EmailChange { .. } => MailTemplate::EmailChange,
            Self::EmailChangeRequested {} => MailTemplate::EmailChangeRequested,
            Self::EmailChanged {} => MailTemplate::EmailChanged,
            Self::AddressTaken {} => MailTemplate::AddressTaken,
            Self::PasswordReset { .. } => MailTemplate::PasswordReset,
            Self::PasswordChanged {} => MailTemplate::PasswordChanged,
            Self::AccountClosed {} => MailTemplate::AccountClosed,
        }
    }

    /// One of each template: what templates are checked with at the start. Texts have what must be escaped in them.
    pub(crate) fn samples() -> Vec<Self> {
        let link = || format!("{SAMPLE_URL}/auth/sample?a=1&token=pcl_vfy_sample");
        vec![
            Self::VerifyEmail {
                link: link(),
                hours: 24,
            },
            Self::AlreadyRegistered {},
            Self::MagicLink {
                link: link(),
                minutes: 15,
            },
            Self::EmailCode {
                code: "1234 5678".to_owned(),
                minutes: 10,
            },
            Self::EmailChange {
                link: link(),
                hours: 24,
            },
            Self::EmailChangeRequested {},
            Self::EmailChanged {},
            Self::AddressTaken {},
            Self::PasswordReset {
                link: link(),
                minutes: 30,
            },
            Self::PasswordChanged {},
            Self::AccountClosed {},
        ]
    }

    /// The values by name.
    pub(super) fn values(&self) -> serde_json::Result<serde_json::Map<String, serde_json::Value>> {
        use serde_json::Value;
        // An enum's JSON has the variant around its fields.
        let Value::Object(outer) = serde_json::to_value(self)? else {
            return Ok(serde_json::Map::new());
        };
        Ok(match outer.into_iter().next() {
            Some((_, Value::Object(fields))) => fields,
            _ => serde_json::Map::new(),
        })
    }
}

/// The public URL of samples.
pub(super) const SAMPLE_URL: &str = "https://auth.example.com";
