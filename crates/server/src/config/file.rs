//! Settings that stand in files of their own.

use std::fs;
use std::path::Path;

use portcullis_core::secret::SecretText;

use super::settings::Secret;
use crate::failure::Failure;

/// A password, or a certificate authority's certificates.
const FILE_MAX_BYTES: u64 = 1024 * 1024;

/// What stands in a setting, or in the file that its sibling `_file` names.
pub(super) fn secret(
    setting: &str,
    said: Option<&Secret>,
    file: Option<&Path>,
) -> Result<Option<SecretText>, Failure> {
    match (said, file) {
        (Some(_), Some(_)) => Err(Failure::usage(format!(
            "{setting}: there is {setting}_file as well: remove one of them"
        ))),
        (Some(said), None) => Ok(Some(said.0.clone())),
        (None, Some(file)) => {
            let text = read(&format!("{setting}_file"), file)?;
            Ok(Some(SecretText::new(text.trim_end_matches(['\r', '\n']))))
        }
        (None, None) => Ok(None),
    }
}

pub(super) fn read(setting: &str, file: &Path) -> Result<String, Failure> {
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
