//! The stores that the settings name: found, opened, brought up to date.

use std::error::Error;

use portcullis_backends::{Builder, Portcullis};
use portcullis_core::store::{
    AuditQuery, IdentityStore, PasswordHistory, RateLimitStore, ResolveSession, SessionStore,
    TicketStore,
};
#[cfg(feature = "redis")]
use portcullis_stores_kv::{KvEphemeral, RedisKv, RedisOptions};
use portcullis_stores_sql::{MIGRATIONS, Migration, SqliteOptions, SqliteStore};
#[cfg(feature = "postgres")]
use portcullis_stores_sql::{PostgresOptions, PostgresStore};

use crate::config::{Config, Database};
use crate::failure::{Exit, Failure};
use crate::folder;

/// The database with the people, open.
#[derive(Clone, Debug)]
pub(crate) enum People {
    Sqlite(SqliteStore),
    #[cfg(feature = "postgres")]
    Postgres(PostgresStore),
}

/// The store of what ends by itself, connected.
#[derive(Clone, Debug)]
pub(crate) enum Ephemeral {
    WithPeople,
    #[cfg(feature = "redis")]
    Redis(KvEphemeral<RedisKv>),
}

/// What a store of people must be able to do here, sessions included where they are kept with them.
pub(crate) trait Everything:
    IdentityStore
    + AuditQuery
    + PasswordHistory
    + SessionStore
    + ResolveSession
    + TicketStore
    + RateLimitStore
{
}

impl<S> Everything for S where
    S: IdentityStore
        + AuditQuery
        + PasswordHistory
        + SessionStore
        + ResolveSession
        + TicketStore
        + RateLimitStore
{
}

/// The database that is there. A SQLite file is there where it exists, a PostgreSQL database where it has a table of
/// ours.
pub(crate) async fn find(config: &Config) -> Result<Option<People>, Failure> {
    match &config.database {
        Database::Sqlite(file) if !folder::exists(file)? => Ok(None),
        Database::Sqlite(_) => open(config, false).await.map(Some),
        Database::Postgres(_) => {
            let people = open(config, false).await?;
            let bare = people.pending(config).await?.len() == MIGRATIONS.len();
            Ok((!bare).then_some(people))
        }
    }
}

/// The database, there or not.
pub(crate) async fn make(config: &Config) -> Result<People, Failure> {
    if let Database::Sqlite(file) = &config.database {
        folder::make_for(file)?;
    }
    open(config, true).await
}

async fn open(config: &Config, create: bool) -> Result<People, Failure> {
    match &config.database {
        Database::Sqlite(file) => {
            let mut options = SqliteOptions::new(file);
            if create {
                options = options.create_if_missing();
            }
            let opened = SqliteStore::open(options);
            opened
                .map(People::Sqlite)
                .map_err(|error| unusable(config, &error))
        }
        #[cfg(feature = "postgres")]
        Database::Postgres(url) => {
            let connected = PostgresStore::connect(PostgresOptions::new(url.expose())).await;
            connected
                .map(People::Postgres)
                .map_err(|error| unusable(config, &error))
        }
        #[cfg(not(feature = "postgres"))]
        Database::Postgres(_) => Err(Failure::usage(
            "database: this program was built without PostgreSQL",
        )),
    }
}

/// The database cannot be used, and why.
fn unusable(config: &Config, error: &dyn Error) -> Failure {
    let what = format!("the database {}", config.database);
    Failure::caused(Exit::Unavailable, what, error)
}

impl People {
    /// What `migrate` would apply.
    pub(crate) async fn pending(&self, config: &Config) -> Result<Vec<Migration>, Failure> {
        let pending = match self {
            Self::Sqlite(store) => store.pending_migrations().await,
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.pending_migrations().await,
        };
        pending.map_err(|error| unusable(config, &error))
    }

    /// Brings the tables up to date.
    pub(crate) async fn migrate(&self, config: &Config) -> Result<Vec<Migration>, Failure> {
        let applied = match self {
            Self::Sqlite(store) => store.migrate().await,
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.migrate().await,
        };
        applied.map_err(|error| unusable(config, &error))
    }
}

impl Ephemeral {
    /// Connects to the store that the settings name.
    pub(crate) async fn open(config: &Config) -> Result<Self, Failure> {
        let Some(url) = &config.ephemeral else {
            return Ok(Self::WithPeople);
        };
        #[cfg(feature = "redis")]
        {
            let options = RedisOptions::new(url.expose())
                .map_err(|error| Failure::usage(format!("ephemeral: {error}")))?;
            let redis = RedisKv::connect(options).await.map_err(|error| {
                let what = format!("the store of sessions {url}");
                Failure::caused(Exit::Unavailable, what, &error)
            })?;
            Ok(Self::Redis(KvEphemeral::new(redis)))
        }
        #[cfg(not(feature = "redis"))]
        Err(Failure::usage(format!(
            "ephemeral: {url}: this program was built without Redis"
        )))
    }

    /// An instance in the making, on these stores.
    pub(crate) fn builder<S: Everything>(self, people: S) -> Builder<S> {
        match self {
            Self::WithPeople => Portcullis::builder(people),
            #[cfg(feature = "redis")]
            Self::Redis(ephemeral) => Portcullis::builder_with(people, ephemeral),
        }
    }
}
