//! What every template must hold to, tried once with sample values before an instance starts.

use std::collections::BTreeSet;

use minijinja::{Error, ErrorKind, Value};

use super::super::params::{MailParams, SAMPLE_URL};
use super::super::render::values;
use super::Compiled;
use super::source::{MailPart, Name, Problem, TemplateError};

/// An application's name with everything in it that HTML must not see.
pub(super) const HOSTILE: &str = "<i>\"A&'B";
const SUBJECT_MAX_CHARS: usize = 200;

pub(super) fn check(compiled: &Compiled, names: &[Name]) -> Result<(), TemplateError> {
    for params in MailParams::samples() {
        let values = values(&params, HOSTILE, SAMPLE_URL).map_err(|error| TemplateError {
            template: params.template().as_str().to_owned(),
            problem: Problem::Template(
                Error::new(ErrorKind::BadSerialization, "no sample can be made").with_source(error),
            ),
        })?;
        for name in names
            .iter()
            .filter(|name| name.template == params.template())
        {
            one(compiled, name, &values).map_err(|problem| name.error(problem))?;
            whole(names, name)?;
        }
    }
    Ok(())
}

fn one(compiled: &Compiled, name: &Name, values: &Value) -> Result<(), Problem> {
    let found = compiled.environment.get_template(&name.to_string());
    let template = found.map_err(Problem::Template)?;
    let known = values.try_iter().map_err(Problem::Template)?;
    let known: BTreeSet<String> = known.map(|key| key.to_string()).collect();
    let used = template.undeclared_variables(false);
    if let Some(unknown) = used.iter().find(|used| !known.contains(*used)) {
        return Err(Problem::UnknownValue {
            unknown: unknown.clone(),
            known: known.into_iter().collect::<Vec<_>>().join(", "),
        });
    }
    let filled = template.render(values).map_err(Problem::Template)?;
    let link = values.get_attr("link").map_err(Problem::Template)?;
    // A mail without a link has nothing to show: every text holds the empty one.
    let link = link.as_str().unwrap_or("");
    match name.part {
        MailPart::Subject if !is_subject(&filled) => Err(Problem::Subject),
        MailPart::Subject => Ok(()),
        MailPart::Text if !filled.contains(link) => Err(Problem::NoLink),
        MailPart::Text => Ok(()),
        MailPart::Html if filled.contains(HOSTILE) => Err(Problem::Unescaped),
        MailPart::Html if !filled.contains(&link.replace('&', "&amp;")) => Err(Problem::NoLink),
        MailPart::Html => Ok(()),
    }
}

/// Subject and text come together, in one place or another.
fn whole(names: &[Name], name: &Name) -> Result<(), TemplateError> {
    let there = |part: MailPart| {
        names.iter().any(|other| {
            (&other.language, other.template, other.part) == (&name.language, name.template, part)
                && (other.tenant.is_none() || other.tenant == name.tenant)
        })
    };
    for (part, what) in [(MailPart::Subject, "subject"), (MailPart::Text, "text")] {
        if !there(part) {
            return Err(name.error(Problem::Incomplete(what)));
        }
    }
    Ok(())
}

pub(super) fn is_subject(filled: &str) -> bool {
    let subject = filled.trim();
    (1..=SUBJECT_MAX_CHARS).contains(&subject.chars().count())
        && !subject.chars().any(char::is_control)
}
