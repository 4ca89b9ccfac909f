//! Which template is meant, and what can be wrong with it.

use std::fmt;
use std::path::PathBuf;

use portcullis_core::id::TenantId;
use portcullis_core::language::LanguageTag;
use portcullis_core::mail::MailTemplate;

/// A part of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MailPart {
    /// The subject, one line.
    Subject,
    /// The text.
    Text,
    /// The same as HTML.
    Html,
}

impl MailPart {
    /// Every part.
    pub const ALL: [Self; 3] = [Self::Subject, Self::Text, Self::Html];

    /// How its file ends.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Text => "txt",
            Self::Html => "html",
        }
    }
}

/// One source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) tenant: Option<TenantId>,
    pub(super) language: LanguageTag,
    pub(super) template: MailTemplate,
    pub(super) part: MailPart,
}

impl Name {
    pub(super) fn error(&self, problem: Problem) -> TemplateError {
        TemplateError {
            template: self.to_string(),
            problem,
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let language = self.language.as_str();
        f.write_str(&path(self.tenant, language, self.template, self.part))
    }
}

/// The path of a template in a folder of templates, which is also its name.
pub(super) fn path(
    tenant: Option<TenantId>,
    language: &str,
    template: MailTemplate,
    part: MailPart,
) -> String {
    let scope = tenant.map_or_else(String::new, |tenant| format!("tenants/{tenant}/"));
    let (name, extension) = (template.as_str(), part.extension());
    format!("{scope}{language}/{name}.{extension}")
}

/// What is wrong with a template.
#[derive(Debug, thiserror::Error)]
#[error("the mail template {template}: {problem}")]
pub struct TemplateError {
    pub(super) template: String,
    pub(super) problem: Problem,
}

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    #[error("cannot be read: {0}")]
    Unreadable(std::io::Error),
    #[error("is larger than {0} bytes")]
    TooLarge(u64),
    #[error(
        "is no part of a mail: expected <language>/<mail>.subject, .txt or .html, with <mail> one of {0}"
    )]
    NotAPart(String),
    #[error("cannot be used: {0}")]
    Template(minijinja::Error),
    #[error("knows no value `{unknown}`: it has {known}")]
    UnknownValue { unknown: String, known: String },
    #[error("must be one line of 1 to 200 characters when it is filled in")]
    Subject,
    #[error("does not show the link it is given: the mail would be of no use")]
    NoLink,
    #[error("shows a value unescaped")]
    Unescaped,
    #[error("is there without its {0}")]
    Incomplete(&'static str),
}

pub(super) fn unreadable(path: PathBuf, error: std::io::Error) -> TemplateError {
    TemplateError {
        template: path.display().to_string(),
        problem: Problem::Unreadable(error),
    }
}
