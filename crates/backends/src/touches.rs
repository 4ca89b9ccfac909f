//! Last uses of sessions and API tokens, collected in memory and written in batches: a request that reads writes
//! nothing. What is lost in a crash is a last-seen time of the last seconds.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use portcullis_core::error::StoreError;
use portcullis_core::id::{ApiTokenId, SessionId};
use portcullis_core::session::SessionTouch;
use portcullis_core::store::{SecurityStore, SessionStore};
use portcullis_core::time::Timestamp;

/// The most touches held between two flushes; past that they are dropped and the next use tries again.
const PENDING_MAX: usize = 65_536;

#[derive(Debug, Default)]
pub(crate) struct Touches {
    sessions: Mutex<HashMap<SessionId, SessionTouch>>,
    tokens: Mutex<HashMap<ApiTokenId, Timestamp>>,
}

impl Touches {
    pub(crate) fn session(&self, touch: SessionTouch) {
        let mut pending = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.len() < PENDING_MAX {
            pending.insert(touch.id, touch);
        }
    }

    pub(crate) fn token(&self, id: ApiTokenId, at: Timestamp) {
        let mut pending = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.len() < PENDING_MAX {
            pending.insert(id, at);
        }
    }

    pub(crate) async fn flush(
        &self,
        sessions: &dyn SessionStore,
        security: &dyn SecurityStore,
    ) -> Result<usize, StoreError> {
        let touched: Vec<_> = {
            let mut pending = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
            pending.drain().map(|(_, touch)| touch).collect()
        };
        let used: Vec<_> = {
            let mut pending = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
            pending.drain().collect()
        };
        // Each goes its own way: they may be kept in different stores.
        let mut written = Ok(());
        if !touched.is_empty() {
            written = sessions.touch_sessions(&touched).await;
        }
        if !used.is_empty() {
            security.touch_api_tokens(&used).await?;
        }
        written.map(|()| touched.len() + used.len())
    }
}
