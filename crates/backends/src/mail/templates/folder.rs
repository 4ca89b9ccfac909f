//! Templates of an operator, in a folder.

use std::fs;
use std::path::{Path, PathBuf};

use portcullis_core::id::TenantId;
use portcullis_core::language::LanguageTag;
use portcullis_core::mail::MailTemplate;

use super::source::{MailPart, Name, Problem, TemplateError, unreadable};

/// Larger files are no templates of mail.
const FILE_MAX_BYTES: u64 = 256 * 1024;
/// What stands in the folder for one tenant.
const TENANTS: &str = "tenants";

/// Every template in the folder. A file that is none is refused: a misspelled name would silently do nothing.
pub(super) fn read(folder: &Path) -> Result<Vec<(Name, String)>, TemplateError> {
    let mut sources = Vec::new();
    for path in entries(folder)? {
        if !is(&path, TENANTS) {
            language(&path, None, &mut sources)?;
            continue;
        }
        for path in entries(&path)? {
            let tenant: Option<TenantId> = name(&path).and_then(|name| name.parse().ok());
            let tenant = tenant.ok_or_else(|| not_a_part(&path))?;
            for path in entries(&path)? {
                language(&path, Some(tenant), &mut sources)?;
            }
        }
    }
    Ok(sources)
}

fn language(
    folder: &Path,
    tenant: Option<TenantId>,
    sources: &mut Vec<(Name, String)>,
) -> Result<(), TemplateError> {
    let language = name(folder).and_then(|name| LanguageTag::parse(name).ok());
    let language = language.ok_or_else(|| not_a_part(folder))?;
    for path in entries(folder)? {
        let (template, part) = name(&path)
            .and_then(part_of)
            .ok_or_else(|| not_a_part(&path))?;
        let name = Name {
            tenant,
            language: language.clone(),
            template,
            part,
        };
        sources.push((name, text(&path)?));
    }
    Ok(())
}

fn part_of(file: &str) -> Option<(MailTemplate, MailPart)> {
    let (stem, extension) = file.split_once('.')?;
    let part = MailPart::ALL
        .into_iter()
        .find(|part| part.extension() == extension)?;
    Some((MailTemplate::from_stored(stem)?, part))
}

/// In order, without hidden files.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, TemplateError> {
    let listed = || -> std::io::Result<Vec<PathBuf>> {
        let entries = fs::read_dir(folder)?;
        let mut paths = Vec::new();
        for entry in entries {
            let path = entry?.path();
            if name(&path).is_none_or(|name| !name.starts_with('.')) {
                paths.push(path);
            }
        }
        paths.sort();
        Ok(paths)
    };
    listed().map_err(|error| unreadable(folder.into(), error))
}

fn text(path: &Path) -> Result<String, TemplateError> {
    let failed = |error| unreadable(path.into(), error);
    if fs::metadata(path).map_err(failed)?.len() > FILE_MAX_BYTES {
        return Err(TemplateError {
            template: path.display().to_string(),
            problem: Problem::TooLarge(FILE_MAX_BYTES),
        });
    }
    fs::read_to_string(path).map_err(failed)
}

fn name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

fn is(path: &Path, wanted: &str) -> bool {
    name(path) == Some(wanted)
}

fn not_a_part(path: &Path) -> TemplateError {
    TemplateError {
        template: path.display().to_string(),
        problem: Problem::NotAPart(MailTemplate::ALL.map(MailTemplate::as_str).join(", ")),
    }
}
