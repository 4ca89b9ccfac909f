//! A clock for a whole process, that jumps: libfaketime between the binary and the system.
//!
//! Debian and its like have it as `libfaketime`. Where it is not there the test is skipped, and says so; under `CI=true` it
//! fails.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::stores::missing;
use crate::{Place, Service};

/// Where systems keep it.
const LIBRARIES: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
];

/// What the services that it starts take for the time.
#[derive(Debug)]
pub struct FakeClock {
    library: &'static str,
    folder: TempDir,
}

impl FakeClock {
    /// One that shows the time, if there is a library for it.
    ///
    /// # Panics
    /// Where there is none and `CI` is `true`.
    #[must_use]
    pub fn find() -> Option<Self> {
        let there = |library: &&&str| Path::new(library).exists();
        let Some(library) = LIBRARIES.iter().find(there) else {
            missing("libfaketime");
            return None;
        };
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Self { library, folder };
        clock.set("+0");
        Some(clock)
    }

    /// Starts a service on it. What it measures, rather than reads, goes on as ever.
    #[must_use]
    pub fn start(&self, place: &Place) -> Service {
        let file = self.file();
        let variables = [
            ("LD_PRELOAD", self.library),
            (
                "FAKETIME_TIMESTAMP_FILE",
                file.to_str().expect("a path in UTF-8"),
            ),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ("NO_FAKE_STAT", "1"),
            ("TZ", "UTC"),
        ];
        place.start_with(&[], &variables)
    }

    /// Jumps to a moment as `2038-01-19 03:14:08`, or to seconds from now as `-3600`.
    ///
    /// # Panics
    /// Where the file cannot be written.
    pub fn set(&self, to: &str) {
        let (file, next) = (self.file(), self.folder.path().join("next"));
        let absolute = !to.starts_with(['+', '-']);
        let text = if absolute {
            format!("@{to}\n")
        } else {
            format!("{to}\n")
        };
        fs::write(&next, text).expect("a file");
        // Never half written.
        fs::rename(&next, &file).expect("a file");
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("time")
    }
}
