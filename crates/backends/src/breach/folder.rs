//! Ranges from a folder on this machine.

use std::error::Error;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::{RANGE_ANSWER_MAX_BYTES, RangeSource};

/// A folder with one file a prefix, `5BAA6.txt`, as the downloader of Pwned Passwords makes it. A file that is not there is
/// no answer: the folder is not whole.
#[derive(Clone, Debug)]
pub struct RangeFolder(PathBuf);

impl RangeFolder {
    /// The files in this folder.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }
}

#[async_trait]
impl RangeSource for RangeFolder {
    async fn range(&self, prefix: &str) -> Result<String, Box<dyn Error + Send + Sync>> {
        let path = self.0.join(format!("{prefix}.txt"));
        Ok(tokio::task::spawn_blocking(move || read(&path)).await??)
    }
}

/// One byte more than a range may have, at most.
fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let most = u64::try_from(RANGE_ANSWER_MAX_BYTES).unwrap_or(u64::MAX);
    File::open(path)?
        .take(most.saturating_add(1))
        .read_to_string(&mut text)?;
    Ok(text)
}
