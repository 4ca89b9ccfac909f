//! What the settings of the list of breached passwords must hold to.

use std::path::PathBuf;
use std::time::Duration;

use portcullis_backends::breach::RangeServiceOptions;

use super::check::number;
use super::file::read;
use super::settings::{Breach, BreachSource};
use crate::failure::{Failure, chain};

const TIMEOUT_SECS_MAX: u32 = 10;

/// Who is asked about new passwords.
#[derive(Clone, Debug)]
pub(crate) enum AskedBreaches {
    Folder(PathBuf),
    Service(RangeServiceOptions),
}

/// Who is asked, and how long an answer is waited for.
pub(super) fn checked(breach: &Breach) -> Result<(Option<AskedBreaches>, Duration), Failure> {
    number(
        "breach.timeout_secs",
        breach.timeout_secs,
        1,
        TIMEOUT_SECS_MAX,
    )?;
    let of_no_use = |setting: &str, source: &str| {
        Failure::usage(format!(
            "{setting}: is of use with breach.source = \"{source}\" only: remove one of them"
        ))
    };
    if breach.source != BreachSource::Folder && breach.folder.is_some() {
        return Err(of_no_use("breach.folder", "folder"));
    }
    if breach.source != BreachSource::Service && breach.url.is_some() {
        return Err(of_no_use("breach.url", "service"));
    }
    let asked = match breach.source {
        BreachSource::None => None,
        BreachSource::Folder => Some(AskedBreaches::Folder(folder(breach)?)),
        BreachSource::Service => Some(AskedBreaches::Service(service(breach)?)),
    };
    Ok((asked, Duration::from_secs(breach.timeout_secs.into())))
}

fn folder(breach: &Breach) -> Result<PathBuf, Failure> {
    let Some(folder) = &breach.folder else {
        return Err(Failure::usage(
            "breach.folder: breach.source = \"folder\" needs the folder of ranges, a file a prefix, such as `5BAA6.txt`",
        ));
    };
    if folder.is_dir() {
        Ok(folder.clone())
    } else {
        let shown = folder.display();
        Err(Failure::usage(format!(
            "breach.folder: {shown} is no folder"
        )))
    }
}

fn service(breach: &Breach) -> Result<RangeServiceOptions, Failure> {
    let mut options = RangeServiceOptions::default();
    if let Some(url) = &breach.url {
        options = options.url(url.0.expose());
    }
    if let Some(file) = &breach.ca {
        options = options.root_certificates(read("breach.ca", file)?);
    }
    match options.check() {
        Ok(()) => Ok(options),
        Err(error) => Err(Failure::usage(format!("breach: {}", chain(&error)))),
    }
}
