//! How mail reads: templates that come with the program, and those an operator puts over them.
//!
//! A mail has three parts, each a file: `<template>.subject`, `<template>.txt` and `<template>.html`, the last of which
//! may be missing. They are [minijinja] templates without includes, macros, filters and functions: values, conditions
//! and loops. Values in HTML are escaped, whatever a template says; control characters are never let through.
//!
//! ```text
//! <folder>/<language>/verify_email.subject              for everybody
//! <folder>/tenants/<tenant id>/<language>/verify_email.html   for one tenant
//! ```
//!
//! [minijinja]: https://docs.rs/minijinja

mod builtin;
mod check;
mod folder;
mod source;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt::{self, Write as _};
use std::path::Path;

use minijinja::{Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value};
use portcullis_core::id::TenantId;
use portcullis_core::language::{LanguageTag, Languages};
use portcullis_core::mail::MailTemplate;
use portcullis_core::text::printable;

pub use source::{MailPart, TemplateError};
use source::{Name, Problem};

/// The most bytes of one value that get into a mail.
const VALUE_MAX_BYTES: usize = 4096;

/// Mail templates in every language there is. English and German come with the program.
#[derive(Clone, Debug)]
pub struct Templates {
    default: LanguageTag,
    tenant_defaults: HashMap<TenantId, LanguageTag>,
    sources: Vec<(Name, String)>,
}

impl Default for Templates {
    fn default() -> Self {
        Self {
            default: LanguageTag::english(),
            tenant_defaults: HashMap::new(),
            sources: Vec::new(),
        }
    }
}

impl Templates {
    /// The language for those who ask for none that there is; English where nothing is said.
    #[must_use]
    pub fn default_language(mut self, language: LanguageTag) -> Self {
        self.default = language;
        self
    }

    /// The same for one tenant.
    #[must_use]
    pub fn default_language_of(mut self, tenant: TenantId, language: LanguageTag) -> Self {
        self.tenant_defaults.insert(tenant, language);
        self
    }

    /// Puts one part of a mail in place of ours, for everybody or for one tenant, or adds a language. It is checked when
    /// the instance is built.
    #[must_use]
    pub fn with(
        mut self,
        tenant: Option<TenantId>,
        language: LanguageTag,
        template: MailTemplate,
        part: MailPart,
        source: impl Into<String>,
    ) -> Self {
        let name = Name {
            tenant,
            language,
            template,
            part,
        };
        self.sources.push((name, source.into()));
        self
    }

    /// Puts what is in a folder in place of ours.
    ///
    /// # Errors
    /// [`TemplateError`] for a file that cannot be read, or that is no part of a mail.
    pub fn with_folder(mut self, folder: impl AsRef<Path>) -> Result<Self, TemplateError> {
        self.sources.extend(folder::read(folder.as_ref())?);
        Ok(self)
    }

    /// Checks every template: it can be parsed, knows its values, has one line where it is a subject, shows the link it
    /// was given, and shows no value unescaped in HTML.
    ///
    /// # Errors
    /// [`TemplateError`] with the template and what is wrong with it.
    pub fn check(self) -> Result<(), TemplateError> {
        self.compiled().map(drop)
    }

    pub(crate) fn compiled(self) -> Result<Compiled, TemplateError> {
        let mut environment = Environment::empty();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.set_formatter(write_value);
        let mut names = Vec::new();
        for (name, source) in builtin::sources().chain(self.sources) {
            environment
                .add_template_owned(name.to_string(), source)
                .map_err(|error| name.error(Problem::Template(error)))?;
            names.push(name);
        }
        let compiled = Compiled {
            environment,
            default: self.default,
            tenant_defaults: self.tenant_defaults,
        };
        check::check(&compiled, &names)?;
        Ok(compiled)
    }
}

/// The parts of a mail, filled in. Lines end with a line feed.
pub(super) struct Filled {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: Option<String>,
}

/// Templates that hold.
pub(crate) struct Compiled {
    environment: Environment<'static>,
    default: LanguageTag,
    tenant_defaults: HashMap<TenantId, LanguageTag>,
}

impl fmt::Debug for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Compiled")
    }
}

impl Compiled {
    /// Fills in the mail in the first language of the reader that there is, or else the tenant's, or else the default.
    pub(super) fn fill(
        &self,
        tenant: TenantId,
        languages: &Languages,
        template: MailTemplate,
        values: &Value,
    ) -> Result<Filled, Error> {
        let own = self.tenant_defaults.get(&tenant);
        let wished = languages.iter().chain(own).chain([&self.default]);
        let language = wished
            .flat_map(LanguageTag::lookup)
            .find(|language| self.has(tenant, language, template))
            .unwrap_or(builtin::LANGUAGE);
        let part = |part| self.part(tenant, language, template, part, values);
        let missing = || Error::new(ErrorKind::TemplateNotFound, template.as_str());
        Ok(Filled {
            subject: part(MailPart::Subject)?.ok_or_else(missing)?,
            text: part(MailPart::Text)?.ok_or_else(missing)?,
            html: part(MailPart::Html)?,
        })
    }

    /// Whether a mail can be had in a language; HTML may be missing.
    fn has(&self, tenant: TenantId, language: &str, template: MailTemplate) -> bool {
        [MailPart::Subject, MailPart::Text]
            .into_iter()
            .all(|part| self.find(tenant, language, template, part).is_some())
    }

    fn find(
        &self,
        tenant: TenantId,
        language: &str,
        template: MailTemplate,
        part: MailPart,
    ) -> Option<minijinja::Template<'_, '_>> {
        [Some(tenant), None].into_iter().find_map(|tenant| {
            let name = source::path(tenant, language, template, part);
            self.environment.get_template(&name).ok()
        })
    }

    fn part(
        &self,
        tenant: TenantId,
        language: &str,
        template: MailTemplate,
        part: MailPart,
        values: &Value,
    ) -> Result<Option<String>, Error> {
        let found = self.find(tenant, language, template, part);
        found.map(|found| found.render(values)).transpose()
    }
}

/// Writes one value: bounded, without control characters, escaped in HTML.
fn write_value(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    let text = printable(&value.to_string(), VALUE_MAX_BYTES);
    let html = state.name().ends_with(MailPart::Html.extension());
    let written = match html {
        true => text.chars().try_for_each(|character| match character {
            '&' => out.write_str("&amp;"),
            '<' => out.write_str("&lt;"),
            '>' => out.write_str("&gt;"),
            '"' => out.write_str("&quot;"),
            '\'' => out.write_str("&#39;"),
            other => out.write_char(other),
        }),
        false => out.write_str(&text),
    };
    written.map_err(Error::from)
}
