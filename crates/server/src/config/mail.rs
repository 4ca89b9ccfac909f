//! What the settings of mail must hold to.

use std::fs;
use std::path::Path;
use std::time::Duration;

use portcullis_backends::mail::{SmtpOptions, SmtpTls, Templates};
use portcullis_core::language::LanguageTag;
use portcullis_core::secret::SecretText;

use super::check::number;
use super::settings::{Mail, MailKind, RelayTls, Smtp};
use crate::failure::{Failure, chain};

const SECS_A_DAY: u64 = 24 * 60 * 60;
const KEEP_DEAD_DAYS_MAX: u32 = 365;
const TIMEOUT_SECS_MAX: u32 = 50;
const POOL_MAX: u32 = 64;
/// A password, or a certificate authority's certificates.
const FILE_MAX_BYTES: u64 = 1024 * 1024;

/// Settings of mail that hold together.
pub(super) struct CheckedMail {
    pub(super) templates: Templates,
    pub(super) keep_dead: Duration,
    pub(super) smtp: Option<SmtpOptions>,
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
    Ok(CheckedMail {
        templates: templates(mail)?,
        keep_dead: Duration::from_secs(u64::from(mail.keep_dead_days) * SECS_A_DAY),
        smtp,
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
    match (&smtp.user, password(smtp)?) {
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

fn password(smtp: &Smtp) -> Result<Option<SecretText>, Failure> {
    match (&smtp.password, &smtp.password_file) {
        (Some(_), Some(_)) => Err(Failure::usage(
            "mail.smtp.password: there is mail.smtp.password_file as well: remove one of them",
        )),
        (Some(password), None) => Ok(Some(password.0.clone())),
        (None, Some(file)) => {
            let text = read("mail.smtp.password_file", file)?;
            Ok(Some(SecretText::new(text.trim_end_matches(['\r', '\n']))))
        }
        (None, None) => Ok(None),
    }
}

fn read(setting: &str, file: &Path) -> Result<String, Failure> {
    let failed =
        |error: std::io::Error| Failure::usage(format!("{setting}: {}: {error}", file.display()));
    if fs::metadata(file).map_err(failed)?.len() > FILE_MAX_BYTES {
        return Err(Failure::usage(format!(
            "{setting}: {} is larger than {FILE_MAX_BYTES} bytes",
            file.display()
        )));
    }
    fs::read_to_string(file).map_err(failed)
}
