//! What a queued mail is filled with, sealed, and how it reads.

use portcullis_core::entropy::Entropy;
use portcullis_core::id::{MailId, TenantId};
use portcullis_core::mail::{Mail, MailTemplate, OutboxMail};
use portcullis_core::secret::SecretText;
use portcullis_core::time::Timestamp;
use portcullis_tokens::seal::{SealError, Sealer};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::FlowError;
use crate::settings::Settings;

/// What the parameters are sealed for, with tenant and id: they open in no other row.
const CONTEXT: &[u8] = b"outbox.params";

/// The parameters of each template. They are sealed in the row: nobody reads a usable link from the database.
#[derive(Serialize, Deserialize)]
pub(crate) enum MailParams {
    VerifyEmail { link: String, hours: u64 },
    AlreadyRegistered {},
}

impl MailParams {
    const fn template(&self) -> MailTemplate {
        match self {
            Self::VerifyEmail { .. } => MailTemplate::VerifyEmail,
            Self::AlreadyRegistered {} => MailTemplate::AlreadyRegistered,
        }
    }
}

/// A queued mail that cannot be read back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RenderError {
    #[error("the mail's parameters cannot be opened")]
    Sealed(#[from] SealError),
    #[error("the mail's parameters are malformed")]
    Malformed(#[from] serde_json::Error),
}

/// Fills a row of the outbox.
pub(crate) fn queue(
    sealer: &Sealer,
    entropy: &dyn Entropy,
    now: Timestamp,
    tenant: TenantId,
    to: &str,
    params: &MailParams,
) -> Result<OutboxMail, FlowError> {
    let id = MailId::time_ordered(now, entropy)?;
    let template = params.template();
    let plain = Zeroizing::new(serde_json::to_vec(params).map_err(FlowError::internal)?);
    let params = sealer.seal(
        &[CONTEXT, tenant.as_bytes(), id.as_bytes()],
        &plain,
        entropy,
    )?;
    Ok(OutboxMail {
        id,
        tenant,
        to: to.to_owned(),
        template,
        params,
        created_at: now,
    })
}

/// Makes the mail that goes out.
pub(crate) fn render(
    sealer: &Sealer,
    settings: &Settings,
    queued: &OutboxMail,
) -> Result<Mail, RenderError> {
    let context = [CONTEXT, queued.tenant.as_bytes(), queued.id.as_bytes()];
    let plain = sealer.open(&context, &queued.params)?;
    let params: MailParams = serde_json::from_slice(&plain)?;
    let app = settings.app_name();
    let (subject, text) = match params {
        MailParams::VerifyEmail { link, hours } => (
            format!("Confirm your address for {app}"),
            format!(
                "Somebody, probably you, signed up for {app} with this address.\r\n\r\n\
                 To confirm it, open this link within {hours} hours:\r\n\r\n{link}\r\n\r\n\
                 If it was not you, do nothing: without the link there is no account.\r\n"
            ),
        ),
        MailParams::AlreadyRegistered {} => (
            format!("You already have an account at {app}"),
            format!(
                "Somebody, probably you, signed up for {app} with this address, which has an account already.\r\n\r\n\
                 You can sign in with it at {}.\r\n\r\n\
                 If it was not you, there is nothing to do: your account is unchanged.\r\n",
                settings.public_url().as_str()
            ),
        ),
    };
    Ok(Mail {
        id: queued.id,
        to: queued.to.clone(),
        subject,
        text: SecretText::new(text),
    })
}
