//! Whether a file is still the one that was read.

use std::fs::{self, Metadata};
use std::path::Path;

/// What changes whenever a file is replaced, written or made readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp(Marks);

impl Stamp {
    /// `None` where the file cannot be looked at, which is a change from any file that could.
    pub(super) fn of(path: &Path) -> Option<Self> {
        fs::metadata(path)
            .ok()
            .map(|metadata| Self(marks(&metadata)))
    }
}

/// Place, length, and the times of content and of permissions.
#[cfg(unix)]
type Marks = (u64, u64, u64, (i64, i64), (i64, i64));

#[cfg(unix)]
fn marks(metadata: &Metadata) -> Marks {
    use std::os::unix::fs::MetadataExt as _;

    (
        metadata.dev(),
        metadata.ino(),
        metadata.size(),
        (metadata.mtime(), metadata.mtime_nsec()),
        (metadata.ctime(), metadata.ctime_nsec()),
    )
}

/// Length and time of content.
#[cfg(not(unix))]
type Marks = (u64, Option<std::time::SystemTime>);

#[cfg(not(unix))]
fn marks(metadata: &Metadata) -> Marks {
    (metadata.len(), metadata.modified().ok())
}
