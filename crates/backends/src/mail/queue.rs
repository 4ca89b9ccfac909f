//! Filling the outbox.

use portcullis_core::entity::User;
use portcullis_core::id::{MailId, TenantId};
use portcullis_core::language::{LanguageTag, Languages};
use portcullis_core::mail::OutboxMail;
use portcullis_core::net::ClientInfo;
use portcullis_tokens::seal::{SealError, Sealer};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use super::params::MailParams;
use crate::error::FlowError;
use crate::portcullis::Portcullis;

/// What the parameters are sealed for, with tenant and id: they open in no other row.
const CONTEXT: &[u8] = b"outbox.params";

/// Where a person's profile says which language they read, as in OpenID Connect (Core 1.0 section 5.1).
const LOCALE: &str = "locale";

/// What is sealed in the row.
#[derive(Serialize, Deserialize)]
pub(super) struct Queued {
    /// The languages the reader prefers.
    #[serde(default)]
    pub(super) languages: Languages,
    #[serde(flatten)]
    pub(super) params: MailParams,
}

impl Portcullis {
    /// A mail to a person: to the address that the directory holds, not to a spelling that was typed now, in the
    /// language of their profile, or else of the request.
    pub(crate) fn queue_mail(
        &self,
        tenant: TenantId,
        user: &User,
        params: &MailParams,
        client: &ClientInfo,
    ) -> Result<OutboxMail, FlowError> {
        let to = user.email().map_or("", |email| email.raw.as_str());
        let own = user.profile.get(LOCALE).and_then(Value::as_str);
        let own = own.and_then(|text| LanguageTag::parse(text).ok());
        let languages = client.languages.clone();
        let languages = match own {
            Some(own) => languages.preferring(own),
            None => languages,
        };
        let mail = self.queue(tenant, to, params, languages)?;
        Ok(OutboxMail {
            user: Some(user.id),
            ..mail
        })
    }

    /// A mail to an address, in the language of the request. It is nobody's, until the caller says whose.
    pub(crate) fn queue_mail_to(
        &self,
        tenant: TenantId,
        to: &str,
        params: &MailParams,
        client: &ClientInfo,
    ) -> Result<OutboxMail, FlowError> {
        self.queue(tenant, to, params, client.languages.clone())
    }

    fn queue(
        &self,
        tenant: TenantId,
        to: &str,
        params: &MailParams,
        languages: Languages,
    ) -> Result<OutboxMail, FlowError> {
        let (now, entropy) = (self.now(), self.entropy());
        let id = MailId::time_ordered(now, entropy)?;
        let queued = Queued {
            languages,
            params: params.clone(),
        };
        let plain = Zeroizing::new(serde_json::to_vec(&queued).map_err(FlowError::internal)?);
        let sealing = [CONTEXT, tenant.as_bytes(), id.as_bytes()];
        Ok(OutboxMail {
            id,
            tenant,
            user: None,
            to: to.to_owned(),
            template: params.template(),
            params: self.0.sealer.seal(&sealing, &plain, entropy)?,
            created_at: now,
        })
    }
}

/// A queued mail that cannot be read back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("the mail's parameters cannot be opened")]
    Sealed(#[from] SealError),
    #[error("the mail's parameters are malformed")]
    Malformed(#[from] serde_json::Error),
}

/// What a row is filled with.
pub(super) fn open(sealer: &Sealer, queued: &OutboxMail) -> Result<Queued, OpenError> {
    let context = [CONTEXT, queued.tenant.as_bytes(), queued.id.as_bytes()];
    let plain = sealer.open(&context, &queued.params)?;
    Ok(serde_json::from_slice(&plain)?)
}
