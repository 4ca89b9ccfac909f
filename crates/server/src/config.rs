//! Configuration: read from a file and the environment, checked as a whole, then typed.

mod breach;
mod captcha;
mod check;
mod file;
mod mail;
mod place;
mod reference;
mod settings;
mod source;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use portcullis_backends::mail::{SmtpOptions, Templates, WebhookOptions};
use portcullis_core::policy::PolicyOverrides;
use portcullis_tokens::jwt::JwtAlgorithm;
use portcullis_tokens::password::HashPoolConfig;

pub(crate) use breach::AskedBreaches;
pub(crate) use captcha::AskedCaptcha;
pub(crate) use place::{Database, StoreUrl};
pub(crate) use reference::reference;
pub(crate) use settings::{LogFormat, MailKind};

use crate::cli::Global;
use crate::failure::Failure;

/// Settings that hold together. Made by [`Config::load`] alone.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    /// As configured; without it, the address that is listened on.
    public_url: Option<String>,
    pub(crate) data_dir: PathBuf,
    pub(crate) database: Database,
    /// Where sessions, tickets and limits are, if not with the people.
    pub(crate) ephemeral: Option<StoreUrl>,
    pub(crate) keys: PathBuf,
    pub(crate) app_name: String,
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) log: String,
    pub(crate) log_format: LogFormat,
    pub(crate) max_connections: usize,
    pub(crate) shutdown_grace: Duration,
    /// Where numbers are told, on a listener of its own.
    pub(crate) metrics: Option<SocketAddr>,
    pub(crate) mail: MailKind,
    pub(crate) mail_folder: PathBuf,
    pub(crate) mail_from: String,
    pub(crate) mail_templates: Templates,
    pub(crate) keep_dead_mail: Duration,
    /// Where `mail` is [`MailKind::Smtp`].
    pub(crate) smtp: Option<SmtpOptions>,
    /// Where `mail` is [`MailKind::Webhook`].
    pub(crate) webhook: Option<WebhookOptions>,
    pub(crate) captcha: Option<AskedCaptcha>,
    pub(crate) breaches: Option<AskedBreaches>,
    pub(crate) breach_timeout: Duration,
    pub(crate) hash: HashPoolConfig,
    pub(crate) access_tokens: AccessTokens,
    pub(crate) policy: PolicyOverrides,
}

/// Whether there are access tokens, and what signs them.
#[derive(Clone, Debug)]
pub(crate) struct AccessTokens {
    pub(crate) enabled: bool,
    pub(crate) keys: PathBuf,
    /// Of keys that are yet to be made.
    pub(crate) algorithm: JwtAlgorithm,
}

impl Config {
    /// Reads and checks everything; `listen` is the command line's.
    ///
    /// # Errors
    /// A sentence that names the setting and says what to do.
    pub(crate) fn load(global: &Global, listen: Option<SocketAddr>) -> Result<Self, Failure> {
        let mut settings = source::read(global.config.as_deref())?;
        if let Some(listen) = listen {
            settings.listen = listen;
        }
        if let Some(folder) = &global.data_dir {
            settings.data_dir.clone_from(folder);
        }
        if let Some(database) = &global.database {
            settings.database = Some(database.clone());
        }
        if let Some(ephemeral) = &global.ephemeral {
            settings.ephemeral = Some(ephemeral.clone());
        }
        check::checked(settings)
    }

    /// Whether it is plain HTTP, which is refused where others can reach it.
    pub(crate) fn is_for_this_machine(&self) -> bool {
        let url = self.public_url.as_deref();
        url.is_none_or(|url| !url.to_ascii_lowercase().trim_start().starts_with("https:"))
    }

    /// Where people reach the service that listens on `bound`.
    pub(crate) fn public_url(&self, bound: SocketAddr) -> String {
        match &self.public_url {
            Some(url) => url.clone(),
            None => format!("http://{bound}"),
        }
    }
}

/// Whether only this machine can reach the address.
fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}
