//! What travels with a write.

use portcullis_core::along::{Along, Refusal, Spend};
use portcullis_core::error::{StoreError, StoreErrorKind};
use portcullis_core::time::Timestamp;
use portcullis_core::verification::{TokenRejection, VerificationToken};

use super::Stop;
use super::outbox::QueuedMail;
use super::state::{State, attempt_row};

impl State {
    /// Uses a token up, or says what is wrong with it, first reason first.
    pub(super) fn spend(&mut self, spend: &Spend) -> Result<(), Stop> {
        let reject = |why| Stop::Refused(Refusal::Token(why));
        let token = self
            .tokens
            .get(&spend.id)
            .filter(|token| token.tenant == spend.tenant)
            .ok_or_else(|| reject(TokenRejection::Unknown))?;
        match token.check(spend.kind, spend.now) {
            Ok(()) | Err(TokenRejection::Expired) if self.is_overtaken(token) => {
                return Err(reject(TokenRejection::Superseded));
            }
            Ok(()) => {}
            Err(why) => return Err(reject(why)),
        }
        self.tokens
            .update(&spend.id, |token| token.consumed_at = Some(spend.now));
        Ok(())
    }

    /// Whether the owner is gone or their epoch moved since the token was made.
    fn is_overtaken(&self, token: &VerificationToken) -> bool {
        let Some(user) = token.user else { return false };
        match self.find_account((token.tenant, user)) {
            Some(account) => token.epoch.is_some_and(|epoch| epoch != account.epoch),
            None => true,
        }
    }

    /// Whether the token could be spent for what it is.
    pub(super) fn is_live(&self, token: &VerificationToken, now: Timestamp) -> bool {
        token.check(token.kind, now).is_ok() && !self.is_overtaken(token)
    }

    /// Everything that follows the effect, in the order that [`portcullis_core::store`] lays down.
    pub(super) fn accompany(&mut self, along: Along) -> Result<(), Stop> {
        if let Some(owner) = along.bump_epoch {
            self.move_epoch(owner)?;
        }
        for key in &along.forgive {
            self.attempts.take(&attempt_row(key));
        }
        if let Some(token) = along.issue {
            self.issue(token)?;
        }
        for event in along.events {
            if self.events.contains(&event.id) {
                return Err(id_taken());
            }
            self.events.put(event.id, event);
        }
        for mail in along.mail {
            if self.outbox.contains(&mail.id) {
                return Err(id_taken());
            }
            self.outbox.put(mail.id, QueuedMail::new(mail));
        }
        Ok(())
    }

    /// Adds a token and supersedes the live ones that it takes the place of.
    fn issue(&mut self, token: VerificationToken) -> Result<(), Stop> {
        if self.tokens.contains(&token.id) {
            return Err(id_taken());
        }
        if let Some(user) = token.user {
            self.holder((token.tenant, user))?;
        }
        let now = token.created_at;
        let replaced = |older: &VerificationToken| {
            let theirs = match older.user {
                Some(_) => older.user == token.user,
                None => older.email == token.email,
            };
            let alike = older.tenant == token.tenant && older.kind == token.kind;
            alike && theirs && older.check(older.kind, now).is_ok()
        };
        self.tokens
            .update_where(replaced, |older| older.superseded_at = Some(now));
        self.tokens.put(token.id, token);
        Ok(())
    }
}

/// An id of ours that is there already: 74 random bits say that somebody wrote the same write twice.
fn id_taken() -> Stop {
    Stop::Failed(StoreError::new(StoreErrorKind::Conflict))
}
