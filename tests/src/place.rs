//! A fresh folder with a configuration, in which services and commands run.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::mail::{self, Mail};
use crate::process::{self, Permissions, Ran, until};
use crate::service::Service;
use crate::stores::Stores;

/// A free port, and hashes as cheap as they may be.
pub const DEFAULT_CONFIG: &str = "\
listen = \"127.0.0.1:0\"

[hash]
memory_kib = 7168
iterations = 5
threads = 1
";

/// How long a mail may take to arrive: one that a worker had in hand when it died is due again after a minute.
const MAIL_WITHIN: Duration = Duration::from_secs(100);

/// A temporary folder; everything in it is gone when it is dropped.
#[derive(Debug)]
pub struct Place {
    folder: TempDir,
    permissions: Permissions,
}

impl Default for Place {
    fn default() -> Self {
        Self::new()
    }
}

impl Place {
    /// An empty folder with [`DEFAULT_CONFIG`].
    #[must_use]
    pub fn new() -> Self {
        Self::with_config(DEFAULT_CONFIG)
    }

    /// An empty folder with this configuration.
    ///
    /// # Panics
    /// Where the system gives no folder.
    #[must_use]
    pub fn with_config(toml: &str) -> Self {
        let place = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            permissions: Permissions::default(),
        };
        place.configure(toml);
        place
    }

    /// The same, where what runs may do no more than the permissions of files allow, whoever runs the tests.
    #[must_use]
    pub const fn bound_by_permissions(mut self) -> Self {
        self.permissions = Permissions::Bind;
        self
    }

    /// An empty folder with [`DEFAULT_CONFIG`] and these stores.
    #[must_use]
    pub fn on(stores: &Stores) -> Self {
        Self::with_config(&format!("{}{DEFAULT_CONFIG}", stores.settings()))
    }

    /// Replaces the configuration.
    ///
    /// # Panics
    /// Where it cannot be written.
    pub fn configure(&self, toml: &str) {
        fs::write(self.path().join("portcullis.toml"), toml).expect("a configuration file");
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The service's data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.path().join("portcullis-data")
    }

    /// The database file.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.data().join("portcullis.db")
    }

    /// The key file.
    #[must_use]
    pub fn keys(&self) -> PathBuf {
        self.data().join("keys.json")
    }

    /// The key file of access tokens.
    #[must_use]
    pub fn access_keys(&self) -> PathBuf {
        self.data().join("jwt-keys.json")
    }

    /// Starts the service.
    #[must_use]
    pub fn start(&self) -> Service {
        self.start_with(&[], &[])
    }

    /// Starts the service with more arguments and variables.
    #[must_use]
    pub fn start_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Service {
        let mut command = process::portcullis(self.path(), self.permissions);
        command.arg("serve").args(arguments);
        command.envs(variables.iter().copied());
        Service::spawn(command)
    }

    /// Runs a command to its end.
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Ran {
        self.run_with("", &[], arguments)
    }

    /// Runs a command to its end, with standard input and variables.
    pub fn run_with<A: AsRef<OsStr>>(
        &self,
        input: &str,
        variables: &[(&str, &str)],
        arguments: impl IntoIterator<Item = A>,
    ) -> Ran {
        let mut command = process::portcullis(self.path(), self.permissions);
        command.args(arguments).envs(variables.iter().copied());
        process::run(&mut command, input)
    }

    /// The mails to an address, oldest first.
    #[must_use]
    pub fn mails_to(&self, address: &str) -> Vec<Mail> {
        mail::read_all(&self.data().join("outbox"))
            .into_iter()
            .filter(|mail| mail.is_to(address))
            .collect()
    }

    /// The newest mail to an address, waited for.
    ///
    /// # Panics
    /// Where none comes.
    #[must_use]
    pub fn await_mail_to(&self, address: &str) -> Mail {
        until(MAIL_WITHIN, || self.mails_to(address).pop())
            .unwrap_or_else(|| panic!("no mail to {address} within {MAIL_WITHIN:?}"))
    }
}
