//! What settings must hold to, alone and together. Every refusal gives its reason.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use portcullis_core::policy::TenantPolicy;
use portcullis_core::text::is_deceptive;
use portcullis_tokens::jwt::JwtAlgorithm;
use portcullis_tokens::password::{Argon2Params, HashPoolConfig};
use tracing_subscriber::EnvFilter;
use url::{Host, Url};

use super::settings::{Hash, Settings};
use super::{AccessTokens, Config, Database, StoreUrl, breach, captcha, is_loopback, mail};
use crate::failure::Failure;

/// Bounds of [`HashPoolConfig`].
const HASH_THREADS_MAX: u32 = 1024;
const HASH_QUEUE_MAX: u32 = 65_536;
const HASHES_WAITING_A_THREAD: usize = 64;
/// One thread a connection is not needed, one file is.
const CONNECTIONS_MAX: u32 = 65_536;
const GRACE_SECS_MAX: u32 = 300;
const APP_NAME_MAX_CHARS: usize = 64;
/// Shorter prefixes than those of 10.0.0.0/8 and fc00::/7, the widest private networks, name half of the world.
const PROXY_PREFIX_MIN: (u8, u8) = (8, 7);
/// While the password is the only factor (SP 800-63B-4 section 3.1.1.2).
const PASSWORD_MIN_LENGTH: u32 = 15;

type Checked = Result<(), Failure>;

pub(super) fn checked(settings: Settings) -> Result<Config, Failure> {
    reachable_safely(&settings)?;
    proxies(&settings.trusted_proxies)?;
    policy(&settings)?;
    texts(&settings)?;
    number(
        "max_connections",
        settings.max_connections,
        1,
        CONNECTIONS_MAX,
    )?;
    number(
        "shutdown_grace_secs",
        settings.shutdown_grace_secs,
        0,
        GRACE_SECS_MAX,
    )?;
    let mail = mail::checked(&settings.mail)?;
    let (breaches, breach_timeout) = breach::checked(&settings.breach)?;
    let algorithm = algorithm(&settings.access_tokens.algorithm)?;
    let within = |path: Option<PathBuf>, name: &str| match path {
        Some(path) => path,
        None => settings.data_dir.join(name),
    };
    Ok(Config {
        listen: settings.listen,
        public_url: settings.public_url.clone(),
        database: Database::parse(settings.database.as_deref(), &settings.data_dir)?,
        ephemeral: settings
            .ephemeral
            .as_deref()
            .map(StoreUrl::ephemeral)
            .transpose()?,
        keys: within(settings.keys, "keys.json"),
        mail_folder: within(settings.mail.folder, "outbox"),
        data_dir: settings.data_dir.clone(),
        app_name: settings.app_name,
        trusted_proxies: settings.trusted_proxies,
        log: settings.log,
        log_format: settings.log_format,
        max_connections: usize::try_from(settings.max_connections).unwrap_or(usize::MAX),
        shutdown_grace: Duration::from_secs(settings.shutdown_grace_secs.into()),
        metrics: settings.metrics.listen,
        mail: settings.mail.kind,
        mail_from: settings.mail.from,
        mail_templates: mail.templates,
        keep_dead_mail: mail.keep_dead,
        smtp: mail.smtp,
        webhook: mail.webhook,
        captcha: captcha::checked(&settings.captcha)?,
        breaches,
        breach_timeout,
        hash: hash(&settings.hash)?,
        access_tokens: AccessTokens {
            enabled: settings.access_tokens.enabled,
            keys: within(settings.access_tokens.keys, "jwt-keys.json"),
            algorithm,
        },
        policy: settings.policy,
    })
}

/// Passwords cross a network only encrypted.
fn reachable_safely(settings: &Settings) -> Checked {
    let listen = settings.listen;
    let outside = !is_loopback(listen.ip());
    let Some(text) = &settings.public_url else {
        return match outside {
            false => Ok(()),
            true => refuse(format!(
                "listen: other machines can reach {listen}, and without public_url links in mail and cookies would \
                 be for plain HTTP: set public_url to the https:// address that people use, or listen on 127.0.0.1"
            )),
        };
    };
    let url = Url::parse(text)
        .map_err(|error| Failure::usage(format!("public_url: `{text}` is no URL: {error}")))?;
    match url.scheme() {
        "https" => Ok(()),
        "http" if !names_this_machine(&url) => refuse(format!(
            "public_url: {text} would send passwords over the network in clear text: use https://, with a proxy in \
             front that speaks TLS"
        )),
        "http" if outside => refuse(format!(
            "listen: other machines can reach {listen}, but public_url {text} is plain HTTP for this machine alone: \
             set public_url to the https:// address that people use, or listen on 127.0.0.1"
        )),
        "http" => Ok(()),
        other => refuse(format!(
            "public_url: `{other}` is no scheme of a web address: use https://"
        )),
    }
}

fn names_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => is_loopback(ip.into()),
        Some(Host::Ipv6(ip)) => is_loopback(ip.into()),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

/// Who may say where a request came from.
fn proxies(networks: &[IpNet]) -> Checked {
    let (v4, v6) = PROXY_PREFIX_MIN;
    for network in networks {
        if network.contains(&IpAddr::V6(Ipv4Addr::UNSPECIFIED.to_ipv6_mapped()))
            || maps_ipv4(network.addr())
        {
            return refuse(format!(
                "trusted_proxies: {network} names IPv4 addresses in IPv6 form: write them as IPv4"
            ));
        }
        let least = match network {
            IpNet::V4(_) => v4,
            IpNet::V6(_) => v6,
        };
        if network.prefix_len() < least {
            return refuse(format!(
                "trusted_proxies: {network} lets almost anybody pretend to be any address: name the proxies' own \
                 addresses, or a network of at least /{least}"
            ));
        }
    }
    Ok(())
}

fn maps_ipv4(ip: IpAddr) -> bool {
    ip != ip.to_canonical()
}

fn policy(settings: &Settings) -> Checked {
    let policy = TenantPolicy::default().overlaid(&settings.policy);
    policy.validate().map_err(|error| {
        Failure::usage(format!("policy.{}: must be {}", error.field, error.range))
    })?;
    if policy.password.min_length < PASSWORD_MIN_LENGTH {
        return refuse(format!(
            "policy.password_min_length: must be at least {PASSWORD_MIN_LENGTH} while the password is the only factor"
        ));
    }
    Ok(())
}

fn texts(settings: &Settings) -> Checked {
    let name = &settings.app_name;
    let fits = (1..=APP_NAME_MAX_CHARS).contains(&name.chars().count());
    if !fits || name.trim() != name || name.chars().any(is_deceptive) {
        return refuse(format!(
            "app_name: must have 1 to {APP_NAME_MAX_CHARS} printable characters, and no space at either end"
        ));
    }
    EnvFilter::try_new(&settings.log)
        .map(drop)
        .map_err(|error| {
            let expected = "expected levels by target, such as `info,portcullis_backends=debug`";
            Failure::usage(format!("log: {error}; {expected}"))
        })
}

fn algorithm(name: &str) -> Result<JwtAlgorithm, Failure> {
    let known = JwtAlgorithm::ALL;
    let found = known
        .iter()
        .find(|known| known.as_str().eq_ignore_ascii_case(name));
    found.copied().ok_or_else(|| {
        let names = known.map(JwtAlgorithm::as_str).join(", ");
        Failure::usage(format!("access_tokens.algorithm: must be one of {names}"))
    })
}

fn hash(settings: &Hash) -> Result<HashPoolConfig, Failure> {
    let params = Argon2Params {
        memory_kib: settings.memory_kib,
        iterations: settings.iterations,
        parallelism: settings.parallelism,
    };
    params
        .validate()
        .map_err(|error| Failure::usage(format!("hash: {error}")))?;
    let mut config = HashPoolConfig {
        params,
        ..HashPoolConfig::default()
    };
    if let Some(threads) = settings.threads {
        config.threads = number("hash.threads", threads, 1, HASH_THREADS_MAX)?;
        config.queue = config.threads * HASHES_WAITING_A_THREAD;
    }
    if let Some(queue) = settings.queue {
        config.queue = number("hash.queue", queue, 1, HASH_QUEUE_MAX)?;
    }
    Ok(config)
}

pub(super) fn number(setting: &str, value: u32, least: u32, most: u32) -> Result<usize, Failure> {
    if (least..=most).contains(&value) {
        Ok(usize::try_from(value).unwrap_or(usize::MAX))
    } else {
        Err(Failure::usage(format!(
            "{setting}: must be {least} to {most}"
        )))
    }
}

fn refuse(sentence: impl Into<String>) -> Checked {
    Err(Failure::usage(sentence))
}
