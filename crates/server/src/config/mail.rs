//! What the settings of mail must hold to.

use std::time::Duration;

use portcullis_backends::mail::{SmtpOptions, SmtpTls, Templates, WebhookOptions};
use portcullis_core::language::LanguageTag;
use portcullis_core::secret::SecretText;
use portcullis_tokens::webhook::WebhookSecret;

use super::check::number;
use super::file::{read, secret};
use super::settings::{Mail, MailKind, RelayTls, Smtp, Webhook};
use crate::failure::{Failure, chain};

const SECS_A_DAY: u64 = 24 * 60 * 60;
const KEEP_DEAD_DAYS_MAX: u32 = 365;
const TIMEOUT_SECS_MAX: u32 = 50;
const POOL_MAX: u32 = 64;

/// Settings of mail that hold together.
pub(super) struct CheckedMail {
    pub(super) templates: Templates,
    pub(super) keep_dead: Duration,
    pub(super) smtp: Option<SmtpOptions>,
    pub(super) webhook: Option<WebhookOptions>,
}

pub(super) fn checked(mail: &Mail) -> Result<CheckedMail, Failure> {
    if mail.kind != MailKind::Folder && mail.folder.is_some() {
        return Err(Failure::usage(
            "mail.folder: is of use with mail.kind = \"folder\" only: remove one of them",
        ));
    }
    number(
        "mail.keep_dead_days",
        mail.keep_dead_days,
        1,
        KEEP_DEAD_DAYS_MAX,
    )?;
    let smtp = match mail.kind {
        MailKind::Smtp => Some(smtp(&mail.smtp, &mail.from)?),
        _ => None,
    };
    let webhook = match mail.kind {
        MailKind::Webhook => Some(webhook(&mail.webhook)?),
        _ => None,
    };
    Ok(CheckedMail {
        templates: templates(mail)?,
        keep_dead: Duration::from_secs(u64::from(mail.keep_dead_days) * SECS_A_DAY),
        smtp,
        webhook,
    })
}

/// How mail reads; every template is tried.
fn templates(mail: &Mail) -> Result<Templates, Failure> {
    let language = LanguageTag::parse(&mail.language)
        .map_err(|error| Failure::usage(format!("mail.language: {error}")))?;
    let mut templates = Templates::default().default_language(language);
    let refused = |error| Failure::usage(format!("mail.templates: {error}"));
    if let Some(folder) = &mail.templates {
        templates = templates.with_folder(folder).map_err(refused)?;
    }
    templates.clone().check().map_err(refused)?;
    Ok(templates)
}

fn smtp(smtp: &Smtp, from: &str) -> Result<SmtpOptions, Failure> {
    let Some(host) = smtp.host.as_deref().filter(|host| !host.is_empty()) else {
        return Err(Failure::usage(
            "mail.smtp.host: mail.kind = \"smtp\" needs the host name of a relay",
        ));
    };
    number(
        "mail.smtp.timeout_secs",
        smtp.timeout_secs,
        1,
        TIMEOUT_SECS_MAX,
    )?;
    number("mail.smtp.pool", smtp.pool, 1, POOL_MAX)?;
    let tls = match smtp.tls {
        RelayTls::Wrapper => SmtpTls::Wrapper,
        RelayTls::StartTls => SmtpTls::StartTls,
        RelayTls::None => SmtpTls::None,
    };
    let mut options = SmtpOptions::new(host, from)
        .tls(tls)
        .timeout(Duration::from_secs(smtp.timeout_secs.into()))
        .pool_size(smtp.pool);
    if let Some(port) = smtp.port {
        options = options.port(port);
    }
    if let Some(file) = &smtp.ca {
        options = options.root_certificates(read("mail.smtp.ca", file)?);
    }
    let password = secret(
        "mail.smtp.password",
        smtp.password.as_ref(),
        smtp.password_file.as_deref(),
    )?;
    match (&smtp.user, password) {
        (Some(user), Some(password)) => options = options.credentials(user, password),
        (None, None) => {}
        _ => {
            return Err(Failure::usage(
                "mail.smtp.user: goes with mail.smtp.password or mail.smtp.password_file, and they with it",
            ));
        }
    }
    match options.check() {
        Ok(()) => Ok(options),
        Err(error) => Err(Failure::usage(format!("mail: {}", chain(&error)))),
    }
}

fn webhook(webhook: &Webhook) -> Result<WebhookOptions, Failure> {
    let Some(url) = &webhook.url else {
        return Err(Failure::usage(
            "mail.webhook.url: mail.kind = \"webhook\" needs the address that mail is posted to",
        ));
    };
    let written = secret(
        "mail.webhook.secret",
        webhook.secret.as_ref(),
        webhook.secret_file.as_deref(),
    )?;
    let Some(written) = written else {
        return Err(Failure::usage(
            "mail.webhook.secret: mail.kind = \"webhook\" needs a secret that its receiver knows mail by; make one with \
             `echo whsec_$(openssl rand -base64 32)`",
        ));
    };
    let secrets: Result<Vec<_>, _> = written
        .expose()
        .split_whitespace()
        .map(|one| WebhookSecret::parse(&SecretText::new(one)))
        .collect();
    let secrets =
        secrets.map_err(|error| Failure::usage(format!("mail.webhook.secret: {error}")))?;
    number(
        "mail.webhook.timeout_secs",
        webhook.timeout_secs,
        1,
        TIMEOUT_SECS_MAX,
    )?;
    let mut options = WebhookOptions::new(url.0.expose(), secrets)
        .timeout(Duration::from_secs(webhook.timeout_secs.into()));
    if let Some(file) = &webhook.ca {
        options = options.root_certificates(read("mail.webhook.ca", file)?);
    }
    match options.check() {
        Ok(()) => Ok(options),
        Err(error) => Err(Failure::usage(format!("mail.webhook: {}", chain(&error)))),
    }
}
