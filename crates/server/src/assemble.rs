//! Wiring: from settings to a store and an instance.

use portcullis_backends::breach::{RangeBreachCheck, RangeFolder, RangeService};
use portcullis_backends::captcha::SiteVerify;
use portcullis_backends::mail::{EmlFolder, LogMailer, NoMail, SmtpMailer, WebhookMailer};
use portcullis_backends::{BuildError, Builder, Portcullis};
use portcullis_stores_sql::MIGRATIONS;
use portcullis_tokens::jwt::LiveJwtKeys;
use portcullis_tokens::keys::LiveKeys;
use portcullis_tokens::password::HashPoolConfig;

use crate::config::{AskedBreaches, AskedCaptcha, Config, MailKind};
use crate::failure::{Exit, Failure, chain};
use crate::folder::{self, Condition};
use crate::stores::{self, Ephemeral, Everything, People};

/// A command hashes at most one password.
const HASHES_WAITING_FOR_COMMANDS: usize = 4;

/// The instance that answers requests: it brings the database up to date, and has workers.
pub(crate) async fn for_service(
    config: &Config,
    condition: Condition,
    people: Option<People>,
    keys: LiveKeys,
    access_keys: Option<LiveJwtKeys>,
    public_url: &str,
) -> Result<Portcullis, Failure> {
    let people = match people {
        Some(people) => people,
        None => stores::make(config).await?,
    };
    let ephemeral = Ephemeral::open(config).await?;
    if condition == Condition::Ready && people.pending(config).await?.len() == MIGRATIONS.len() {
        return Err(Failure::new(
            Exit::Unavailable,
            format!(
                "the database {} has no tables: put the right one in its place, or make them with `portcullis migrate`",
                config.database
            ),
        ));
    }
    for migration in people.migrate(config).await? {
        tracing::info!(
            number = migration.number,
            name = migration.name,
            "migration applied"
        );
    }
    match people {
        People::Sqlite(people) => {
            service(
                config,
                ephemeral.builder(people),
                keys,
                access_keys,
                public_url,
            )
            .await
        }
        #[cfg(feature = "postgres")]
        People::Postgres(people) => {
            service(
                config,
                ephemeral.builder(people),
                keys,
                access_keys,
                public_url,
            )
            .await
        }
    }
}

async fn service<S: Everything>(
    config: &Config,
    builder: Builder<S>,
    keys: LiveKeys,
    access_keys: Option<LiveJwtKeys>,
    public_url: &str,
) -> Result<Portcullis, Failure> {
    let mut builder = common(config, builder, keys, public_url)?.hash_pool(config.hash);
    if let Some(keys) = access_keys {
        builder = builder.access_tokens(keys);
    }
    if let Some(captcha) = &config.captcha {
        builder = asking(builder, captcha)?;
    }
    let builder = match config.mail {
        MailKind::Log => builder.mailer(LogMailer),
        MailKind::None => builder.mailer(NoMail),
        MailKind::Smtp => builder.mailer(smtp(config)?),
        MailKind::Webhook => builder.mailer(webhook(config)?),
        MailKind::Folder => {
            folder::make(&config.mail_folder)?;
            let folder = EmlFolder::new(&config.mail_folder, &config.mail_from);
            builder.mailer(folder.map_err(|error| {
                Failure::usage(format!("mail.folder or mail.from: {}", chain(&error)))
            })?)
        }
    };
    built(builder).await
}

fn with_breaches<S: Everything>(
    builder: Builder<S>,
    config: &Config,
) -> Result<Builder<S>, Failure> {
    let builder = builder.breach_timeout(config.breach_timeout);
    Ok(match &config.breaches {
        None => builder,
        Some(AskedBreaches::Folder(folder)) => {
            builder.breach_check(RangeBreachCheck::new(RangeFolder::new(folder)))
        }
        Some(AskedBreaches::Service(options)) => {
            let service = RangeService::new(options)
                .map_err(|error| Failure::usage(format!("breach: {}", chain(&error))))?;
            builder.breach_check(RangeBreachCheck::new(service))
        }
    })
}

fn asking<S: Everything>(
    builder: Builder<S>,
    captcha: &AskedCaptcha,
) -> Result<Builder<S>, Failure> {
    let provider = SiteVerify::new(captcha.options.clone())
        .map_err(|error| Failure::usage(format!("captcha: {}", chain(&error))))?;
    let builder = builder
        .captcha(provider)
        .captcha_failure(captcha.failure)
        .captcha_timeout(captcha.timeout);
    Ok(match captcha.at_sign_in {
        true => builder.captcha_at_sign_in(),
        false => builder,
    })
}

fn smtp(config: &Config) -> Result<SmtpMailer, Failure> {
    let options = config.smtp.clone();
    let options = options.ok_or_else(|| Failure::usage("mail.smtp: there is no relay"))?;
    SmtpMailer::new(options).map_err(|error| Failure::usage(format!("mail: {}", chain(&error))))
}

fn webhook(config: &Config) -> Result<WebhookMailer, Failure> {
    let options = config.webhook.clone();
    let options = options.ok_or_else(|| Failure::usage("mail.webhook: there is no receiver"))?;
    WebhookMailer::new(options)
        .map_err(|error| Failure::usage(format!("mail.webhook: {}", chain(&error))))
}

/// An instance for one command beside a running service: it hashes little, and leaves mail to the service.
pub(crate) async fn for_commands(config: &Config) -> Result<Portcullis, Failure> {
    let people = stores::find(config).await?;
    let people = Condition::require_ready(people, config)?;
    let keys = folder::load_keys(config)?;
    if !people.pending(config).await?.is_empty() {
        return Err(Failure::new(
            Exit::Unavailable,
            "the database's tables are older than this program: run `portcullis migrate` first",
        ));
    }
    let ephemeral = Ephemeral::open(config).await?;
    match people {
        People::Sqlite(people) => command(config, ephemeral.builder(people), keys).await,
        #[cfg(feature = "postgres")]
        People::Postgres(people) => command(config, ephemeral.builder(people), keys).await,
    }
}

async fn command<S: Everything>(
    config: &Config,
    builder: Builder<S>,
    keys: impl Into<LiveKeys>,
) -> Result<Portcullis, Failure> {
    let hashing = HashPoolConfig {
        threads: 1,
        queue: HASHES_WAITING_FOR_COMMANDS,
        ..config.hash
    };
    let builder = common(config, builder, keys, &config.public_url(config.listen))?
        .hash_pool(hashing)
        .mailer(LogMailer)
        .without_workers();
    built(builder).await
}

fn common<S: Everything>(
    config: &Config,
    builder: Builder<S>,
    keys: impl Into<LiveKeys>,
    public_url: &str,
) -> Result<Builder<S>, Failure> {
    let builder = builder
        .keys(keys)
        .public_url(public_url)
        .app_name(&config.app_name)
        .policy(config.policy.clone())
        .mail_templates(config.mail_templates.clone())
        .keep_dead_mail(config.keep_dead_mail)
        .trusted_proxies(config.trusted_proxies.clone())
        .with_audit_query()
        .with_password_history();
    with_breaches(builder, config)
}

async fn built<S: Everything>(builder: Builder<S>) -> Result<Portcullis, Failure> {
    builder.build().await.map_err(|error| {
        let exit = match error {
            BuildError::Store(_) => Exit::Unavailable,
            _ => Exit::Failure,
        };
        Failure::new(exit, chain(&error))
    })
}
