//! The settings as they stand in files and the environment.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use portcullis_core::policy::PolicyOverrides;
use portcullis_core::secret::SecretText;
use portcullis_tokens::jwt::JwtAlgorithm;
use portcullis_tokens::password::HashPoolConfig;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// Everything that can be set. What a source leaves out has the default. It has no `Debug`: URLs may hold passwords.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Settings {
    pub(super) listen: SocketAddr,
    pub(super) public_url: Option<String>,
    pub(super) data_dir: PathBuf,
    pub(super) database: Option<String>,
    pub(super) ephemeral: Option<String>,
    pub(super) keys: Option<PathBuf>,
    pub(super) app_name: String,
    pub(super) trusted_proxies: Vec<IpNet>,
    pub(super) log: String,
    pub(super) log_format: LogFormat,
    pub(super) max_connections: u32,
    pub(super) shutdown_grace_secs: u32,
    pub(super) metrics: Metrics,
    pub(super) mail: Mail,
    pub(super) captcha: Captcha,
    pub(super) breach: Breach,
    pub(super) hash: Hash,
    pub(super) access_tokens: AccessTokens,
    pub(super) policy: PolicyOverrides,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            public_url: None,
            data_dir: PathBuf::from("./portcullis-data"),
            database: None,
            ephemeral: None,
            keys: None,
            app_name: "portcullis".into(),
            trusted_proxies: Vec::new(),
            log: "info".into(),
            log_format: LogFormat::default(),
            max_connections: 1024,
            shutdown_grace_secs: 10,
            metrics: Metrics::default(),
            mail: Mail::default(),
            captcha: Captcha::default(),
            breach: Breach::default(),
            hash: Hash::default(),
            access_tokens: AccessTokens::default(),
            policy: PolicyOverrides::default(),
        }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Where mail goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MailKind {
    /// Into a folder, a file a mail.
    #[default]
    #[serde(alias = "file")]
    Folder,
    /// Nowhere: the log says that there was one.
    Log,
    /// To a relay.
    Smtp,
    /// To a web address, signed.
    Webhook,
    /// Nowhere, without a word.
    None,
}

/// Numbers for Prometheus.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Metrics {
    /// Left out, there are none.
    pub(super) listen: Option<SocketAddr>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Mail {
    pub(super) kind: MailKind,
    pub(super) folder: Option<PathBuf>,
    pub(super) from: String,
    pub(super) templates: Option<PathBuf>,
    pub(super) language: String,
    pub(super) keep_dead_days: u32,
    pub(super) smtp: Smtp,
    pub(super) webhook: Webhook,
}

impl Default for Mail {
    fn default() -> Self {
        Self {
            kind: MailKind::default(),
            folder: None,
            from: "portcullis <no-reply@localhost>".into(),
            templates: None,
            language: "en".into(),
            keep_dead_days: 14,
            smtp: Smtp::default(),
            webhook: Webhook::default(),
        }
    }
}

/// How connections to a relay are protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RelayTls {
    #[default]
    Wrapper,
    StartTls,
    None,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Smtp {
    pub(super) host: Option<String>,
    /// Left out, it follows `tls`.
    pub(super) port: Option<u16>,
    pub(super) tls: RelayTls,
    pub(super) ca: Option<PathBuf>,
    pub(super) user: Option<String>,
    pub(super) password: Option<Secret>,
    pub(super) password_file: Option<PathBuf>,
    pub(super) timeout_secs: u32,
    pub(super) pool: u32,
}

impl Default for Smtp {
    fn default() -> Self {
        Self {
            host: None,
            port: None,
            tls: RelayTls::default(),
            ca: None,
            user: None,
            password: None,
            password_file: None,
            timeout_secs: 30,
            pool: 4,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Webhook {
    /// It may hold a secret of its receiver's.
    pub(super) url: Option<Secret>,
    pub(super) secret: Option<Secret>,
    pub(super) secret_file: Option<PathBuf>,
    pub(super) ca: Option<PathBuf>,
    pub(super) timeout_secs: u32,
}

impl Default for Webhook {
    fn default() -> Self {
        Self {
            url: None,
            secret: None,
            secret_file: None,
            ca: None,
            timeout_secs: 30,
        }
    }
}

/// Whose CAPTCHA stands in the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum CaptchaKind {
    #[default]
    None,
    Turnstile,
    HCaptcha,
    ReCaptcha,
}

/// What happens to requests while a CAPTCHA's provider does not answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum InOutage {
    #[default]
    Refuse,
    Pass,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Captcha {
    pub(super) provider: CaptchaKind,
    pub(super) secret: Option<Secret>,
    pub(super) secret_file: Option<PathBuf>,
    pub(super) at_sign_in: bool,
    pub(super) hosts: Vec<String>,
    pub(super) min_score: f64,
    /// Left out, the provider's own.
    pub(super) url: Option<Secret>,
    pub(super) ca: Option<PathBuf>,
    pub(super) in_outage: InOutage,
    pub(super) timeout_secs: u32,
}

impl Default for Captcha {
    fn default() -> Self {
        Self {
            provider: CaptchaKind::default(),
            secret: None,
            secret_file: None,
            at_sign_in: false,
            hosts: Vec::new(),
            min_score: 0.5,
            url: None,
            ca: None,
            in_outage: InOutage::default(),
            timeout_secs: 2,
        }
    }
}

/// Where breached passwords are looked up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum BreachSource {
    #[default]
    None,
    Folder,
    Service,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Breach {
    pub(super) source: BreachSource,
    pub(super) folder: Option<PathBuf>,
    /// Left out, that of Pwned Passwords.
    pub(super) url: Option<Secret>,
    pub(super) ca: Option<PathBuf>,
    pub(super) timeout_secs: u32,
}

impl Default for Breach {
    fn default() -> Self {
        Self {
            source: BreachSource::default(),
            folder: None,
            url: None,
            ca: None,
            timeout_secs: 2,
        }
    }
}

/// A setting that is never printed, also not where it is wrong.
#[derive(Clone)]
pub(super) struct Secret(pub(super) SecretText);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from);
        text.map(|text| Self(SecretText::new(text)))
            .map_err(|_| D::Error::custom("must be text: put it in quotes"))
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Hash {
    pub(super) memory_kib: u32,
    pub(super) iterations: u32,
    pub(super) parallelism: u32,
    /// Left out, it follows the machine.
    pub(super) threads: Option<u32>,
    /// Left out, it follows the threads.
    pub(super) queue: Option<u32>,
}

impl Default for Hash {
    fn default() -> Self {
        let params = HashPoolConfig::default().params;
        Self {
            memory_kib: params.memory_kib,
            iterations: params.iterations,
            parallelism: params.parallelism,
            threads: None,
            queue: None,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AccessTokens {
    pub(super) enabled: bool,
    pub(super) keys: Option<PathBuf>,
    /// A name of [`JwtAlgorithm`], in any case.
    pub(super) algorithm: String,
}

impl Default for AccessTokens {
    fn default() -> Self {
        Self {
            enabled: true,
            keys: None,
            algorithm: JwtAlgorithm::default().to_string(),
        }
    }
}
