//! Wiring: from settings to a store and an instance.

use portcullis_backends::mail::{EmlFolder, LogMailer};
use portcullis_backends::{BuildError, Builder, Portcullis};
use portcullis_stores_sql::{MIGRATIONS, Migration, OpenError, SqliteOptions, SqliteStore};
use portcullis_tokens::jwt::JwtKeys;
use portcullis_tokens::keys::KeyRings;
use portcullis_tokens::password::HashPoolConfig;

use crate::config::{Config, MailKind};
use crate::failure::{Exit, Failure, chain};
use crate::folder::{self, Condition};

/// A command hashes at most one password.
const HASHES_WAITING_FOR_COMMANDS: usize = 4;

/// Opens the database file; a missing one is made on demand only.
pub(crate) fn store(config: &Config, create: bool) -> Result<SqliteStore, Failure> {
    let options = SqliteOptions::new(&config.database);
    let opened = match create {
        true => SqliteStore::open(options.create_if_missing()),
        false => SqliteStore::open(options),
    };
    opened.map_err(|error: OpenError| unusable(config, &error))
}

/// The database cannot be used, and why.
pub(crate) fn unusable(config: &Config, error: &dyn std::error::Error) -> Failure {
    let what = format!("the database {}", config.database.display());
    Failure::caused(Exit::Unavailable, what, error)
}

/// What `migrate` would apply.
pub(crate) async fn pending(
    config: &Config,
    store: &SqliteStore,
) -> Result<Vec<Migration>, Failure> {
    let pending = store.pending_migrations().await;
    pending.map_err(|error| unusable(config, &error))
}

/// The instance that answers requests: it brings the database up to date, and has workers.
pub(crate) async fn for_service(
    config: &Config,
    condition: Condition,
    keys: KeyRings,
    access_keys: Option<JwtKeys>,
    public_url: &str,
) -> Result<Portcullis, Failure> {
    let store = store(config, condition == Condition::Empty)?;
    if condition == Condition::Ready && pending(config, &store).await?.len() == MIGRATIONS.len() {
        return Err(Failure::new(
            Exit::Unavailable,
            format!(
                "the database {} has no tables: put the right one in its place, or make them with `portcullis migrate`",
                config.database.display()
            ),
        ));
    }
    let applied = store.migrate().await;
    for migration in applied.map_err(|error| unusable(config, &error))? {
        tracing::info!(
            number = migration.number,
            name = migration.name,
            "migration applied"
        );
    }
    let mut builder = common(config, store, keys, public_url).hash_pool(config.hash);
    if let Some(keys) = access_keys {
        builder = builder.access_tokens(keys);
    }
    let builder = match config.mail {
        MailKind::Log => builder.mailer(LogMailer),
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

/// An instance for one command beside a running service: it hashes little, and leaves mail to the service.
pub(crate) async fn for_commands(config: &Config) -> Result<Portcullis, Failure> {
    let keys = folder::load_keys(config)?;
    let store = store(config, false)?;
    if !pending(config, &store).await?.is_empty() {
        return Err(Failure::new(
            Exit::Unavailable,
            "the database's tables are older than this program: run `portcullis migrate` first",
        ));
    }
    let hashing = HashPoolConfig {
        threads: 1,
        queue: HASHES_WAITING_FOR_COMMANDS,
        ..config.hash
    };
    let builder = common(config, store, keys, &config.public_url(config.listen))
        .hash_pool(hashing)
        .mailer(LogMailer)
        .without_workers();
    built(builder).await
}

fn common(
    config: &Config,
    store: SqliteStore,
    keys: KeyRings,
    public_url: &str,
) -> Builder<SqliteStore> {
    Portcullis::builder(store)
        .keys(keys)
        .public_url(public_url)
        .app_name(&config.app_name)
        .policy(config.policy)
        .mail_templates(config.mail_templates.clone())
        .trusted_proxies(config.trusted_proxies.clone())
        .with_audit_query()
}

async fn built(builder: Builder<SqliteStore>) -> Result<Portcullis, Failure> {
    builder.build().await.map_err(|error| {
        let exit = match error {
            BuildError::Store(_) => Exit::Unavailable,
            _ => Exit::Failure,
        };
        Failure::new(exit, chain(&error))
    })
}
