//! From a row of the outbox to a mail that goes out.

use std::collections::BTreeMap;

use minijinja::Value;
use portcullis_core::mail::{Mail, OutboxMail};
use portcullis_core::secret::SecretText;
use portcullis_core::text::printable;
use portcullis_tokens::seal::Sealer;

use super::params::MailParams;
use super::queue::{self, OpenError};
use super::templates::Compiled;
use crate::settings::Settings;

/// Longer subjects are cut.
const SUBJECT_MAX_BYTES: usize = 800;

/// A queued mail that cannot be read back, or that no template fits.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RenderError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("the mail's parameters are malformed")]
    Malformed(#[from] serde_json::Error),
    #[error("the mail's template cannot be filled in")]
    Template(#[from] minijinja::Error),
}

/// Makes the mail that goes out.
pub(crate) fn render(
    sealer: &Sealer,
    settings: &Settings,
    templates: &Compiled,
    queued: &OutboxMail,
) -> Result<Mail, RenderError> {
    let opened = queue::open(sealer, queued)?;
    let url = settings.public_url().as_str();
    let values = values(&opened.params, settings.app_name(), url)?;
    let template = opened.params.template();
    let filled = templates.fill(queued.tenant, &opened.languages, template, &values)?;
    Ok(Mail {
        id: queued.id,
        tenant: queued.tenant,
        template,
        queued_at: queued.created_at,
        to: queued.to.clone(),
        subject: printable(filled.subject.trim(), SUBJECT_MAX_BYTES),
        text: lines(&filled.text),
        html: filled.html.as_deref().map(lines),
    })
}

/// What a template may show.
pub(super) fn values(
    params: &MailParams,
    app_name: &str,
    public_url: &str,
) -> serde_json::Result<Value> {
    let mut values: BTreeMap<String, Value> = BTreeMap::new();
    for (name, value) in params.values()? {
        values.insert(name, plain(value));
    }
    values.insert("app_name".into(), app_name.into());
    values.insert("public_url".into(), public_url.into());
    Ok(values.into())
}

fn plain(value: serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match value {
        Json::String(text) => text.into(),
        Json::Bool(yes) => yes.into(),
        Json::Number(number) => number
            .as_i64()
            .map_or_else(|| number.to_string().into(), Value::from),
        // Nothing to show, and false in a condition.
        Json::Null => Value::from(()),
        nested => nested.to_string().into(),
    }
}

/// Lines as they go over the wire, the last one ended (RFC 5322 section 2.3).
fn lines(text: &str) -> SecretText {
    let mut lines = String::with_capacity(text.len() + 64);
    for line in text.lines() {
        lines.push_str(line);
        lines.push_str("\r\n");
    }
    SecretText::new(lines)
}
