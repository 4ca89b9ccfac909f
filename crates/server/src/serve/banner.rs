//! What `serve` says on standard output once it listens.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::hint::hint;
use crate::config::{Config, Database, MailKind};

/// Where everything is. Its JSON is one line, for programs that start the service.
#[derive(Debug, Serialize)]
pub(super) struct Banner {
    listen: String,
    public_url: String,
    /// Under which the routes are.
    base: String,
    data_dir: PathBuf,
    /// Without a password.
    database: String,
    /// Where metrics are told; `null` where they are not.
    metrics: Option<String>,
    /// `null` where sessions are kept with the people.
    ephemeral: Option<String>,
    #[serde(skip)]
    mail: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    outbox: Option<PathBuf>,
    first_run: bool,
}

impl Banner {
    pub(super) fn new(config: &Config, bound: &str, public_url: &str, base: String) -> Self {
        let outbox = (config.mail == MailKind::Folder).then(|| absolute(&config.mail_folder));
        Self {
            listen: bound.to_owned(),
            public_url: public_url.to_owned(),
            base,
            data_dir: absolute(&config.data_dir),
            database: match &config.database {
                Database::Sqlite(file) => absolute(file).display().to_string(),
                Database::Postgres(url) => url.to_string(),
            },
            metrics: None,
            ephemeral: config.ephemeral.as_ref().map(ToString::to_string),
            outbox,
            mail: match config.mail {
                MailKind::Folder => "into a folder",
                MailKind::Smtp => "by SMTP",
                MailKind::Webhook => "by webhook",
                MailKind::Log => "not delivered (mail.kind = \"log\")",
                MailKind::None => "not delivered (mail.kind = \"none\")",
            },
            first_run: false,
        }
    }

    /// With the address that metrics are told on.
    pub(super) fn with_metrics(mut self, bound: Option<SocketAddr>) -> Self {
        self.metrics = bound.map(|bound| bound.to_string());
        self
    }

    pub(super) const fn of_first_run(mut self) -> Self {
        self.first_run = true;
        self
    }

    /// For people. The hint needs a service that curl can reach and a folder that mail comes to.
    pub(super) fn text(&self) -> String {
        let mut text = format!(
            "portcullis listens on http://{}\n  public URL  {}\n  data        {}\n",
            self.listen,
            self.public_url,
            self.data_dir.display()
        );
        if !self.database.starts_with(&*self.data_dir.to_string_lossy()) {
            text.push_str(&format!("  people      {}\n", self.database));
        }
        if let Some(ephemeral) = &self.ephemeral {
            text.push_str(&format!("  sessions    {ephemeral}\n"));
        }
        if let Some(metrics) = &self.metrics {
            text.push_str(&format!("  metrics     http://{metrics}/metrics\n"));
        }
        match &self.outbox {
            Some(outbox) => {
                text.push_str(&format!("  mail        {}\n", outbox.display()));
                if self.first_run && self.base.starts_with("http:") {
                    text.push('\n');
                    text.push_str(&hint(&self.base, outbox));
                    text.push('\n');
                }
            }
            None => text.push_str(&format!("  mail        {}\n", self.mail)),
        }
        text.push_str("Stop with Ctrl-C.\n");
        text
    }
}

/// From any folder, also one that is not there yet.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.into())
}
