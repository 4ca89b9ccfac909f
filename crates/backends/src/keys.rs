//! Keys that change while the instance runs.

use std::error::Error;
use std::sync::atomic::Ordering;

use portcullis_tokens::keys::{KeyError, KeyMarker};

use crate::builder::BuildError;
use crate::builder::checks::check_keys;
use crate::error::FlowError;
use crate::metrics::Pass;
use crate::portcullis::Portcullis;

/// Changed keys could not be taken up; those before stay in use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// The key file cannot be used.
    #[error("the changed key file cannot be used")]
    File(#[source] KeyError),
    /// The keys are another database's, or the database does not answer.
    #[error("the changed keys were not accepted")]
    Database(#[source] BuildError),
    /// The file of the access tokens' keys cannot be used.
    #[error("the changed key file of access tokens cannot be used")]
    Access(#[source] Box<dyn Error + Send + Sync>),
}

impl Portcullis {
    /// Takes up changed key files, where the keys watch any; whether there were changes. A worker calls it every few
    /// seconds; a service may call it when it is told that there are new keys.
    ///
    /// The database knows a key before anything is made under it, so that no later start with the keys of before goes
    /// unnoticed.
    ///
    /// # Errors
    /// [`KeysError`]; the keys in use stay, and the next call tries again.
    pub async fn refresh_keys(&self) -> Result<bool, KeysError> {
        let done = self.refresh_all().await;
        self.0.metrics.passed(Pass::Keys, &done);
        done
    }

    async fn refresh_all(&self) -> Result<bool, KeysError> {
        let rings = self.refresh_rings().await;
        let access = match &self.0.access {
            Some(signer) => signer.refresh_keys().map_err(KeysError::Access),
            None => Ok(false),
        };
        if let Ok(true) = access {
            tracing::info!("changed keys of access tokens taken up");
        }
        Ok(rings? | access?)
    }

    async fn refresh_rings(&self) -> Result<bool, KeysError> {
        let (keys, known) = (&self.0.keys, &self.0.keys_known);
        let fresh = keys.read_again().map_err(KeysError::File)?;
        // Some may have been taken up without us, by whoever needed them first.
        let generation = keys.generation();
        let rings = match &fresh {
            Some(fresh) => fresh.keys().clone(),
            None if generation == known.load(Ordering::Relaxed) => return Ok(false),
            None => keys.current(),
        };
        check_keys(&self.0.stores, &rings)
            .await
            .map_err(KeysError::Database)?;
        known.store(generation, Ordering::Relaxed);
        if let Some(fresh) = fresh {
            keys.take_up(fresh);
            known.fetch_add(1, Ordering::Relaxed);
        }
        tracing::info!("changed keys taken up");
        Ok(true)
    }

    /// Whether every key that the database was written with is here. Another process may have seen a new one first.
    pub(crate) async fn has_every_key(&self) -> Result<(), FlowError> {
        let Some(text) = self.0.stores.security.key_marker().await? else {
            let error =
                "the key marker is gone: this is not the database that the instance was started on";
            return Err(FlowError::Unavailable(error.into()));
        };
        let stored =
            KeyMarker::parse(&text).map_err(|error| FlowError::Unavailable(error.into()))?;
        if stored.accepts(&self.0.keys.current().marker()).is_ok() {
            return Ok(());
        }
        if let Err(error) = self.refresh_keys().await {
            return Err(FlowError::Unavailable(error.into()));
        }
        match stored.accepts(&self.0.keys.current().marker()) {
            Ok(_) => Ok(()),
            Err(missing) => Err(FlowError::Unavailable(missing.into())),
        }
    }
}
