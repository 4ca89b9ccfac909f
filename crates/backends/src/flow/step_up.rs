//! Stepping up: giving the password again in a session, for what asks for a recent proof.

use std::time::Duration;

use portcullis_core::backend::RequestContext;
use portcullis_core::factor::FactorKind;
use portcullis_core::principal::Principal;
use portcullis_core::secret::Password;
use portcullis_core::session::Assurance;

use super::SignedIn;
use crate::error::FlowError;
use crate::passwords::Checked;
use crate::portcullis::Portcullis;

/// The password, given again.
#[derive(Debug)]
pub struct StepUp {
    /// The password that holds now.
    pub password: Password,
}

/// How it ended.
#[derive(Debug)]
pub enum StepUpOutcome {
    /// The session goes on under a new id, and counts as proved now.
    SteppedUp(Box<SignedIn>),
    /// The password does not match, or there is none. It is counted as a failed sign-in.
    Refused,
    /// Too many failures before this one. Nothing was hashed.
    Locked {
        /// When the next attempt may be made.
        retry_after: Duration,
    },
    /// The caller came without a session, or with one that is over.
    SessionRequired,
}

impl Portcullis {
    /// Proves again who is in a session. Counts and delays are those of sign-in.
    ///
    /// The proof is in the audit log before the session changes its id. The level stays what it was: one factor more
    /// than once is one factor. The absolute deadline stays too.
    ///
    /// # Errors
    /// [`FlowError`] where hashing or the store could not be had: the session is as it was, or is over where its
    /// rotation was made and the answer got lost.
    pub async fn step_up(
        &self,
        principal: &Principal,
        input: StepUp,
        context: &RequestContext,
    ) -> Result<StepUpOutcome, FlowError> {
        let (tenant, user) = (principal.tenant, principal.user());
        let Some(session) = self.own_session(principal).await? else {
            return Ok(StepUpOutcome::SessionRequired);
        };
        let Some(found) = self.0.stores.directory.user(tenant, user).await? else {
            return Ok(StepUpOutcome::SessionRequired);
        };
        let policy = self.policy(tenant).await?;
        let matched = match self
            .confirm_password(&found, &input.password, &policy, context)
            .await?
        {
            Checked::Matched(matched) => matched,
            Checked::Refused => return Ok(StepUpOutcome::Refused),
            Checked::Locked { retry_after } => return Ok(StepUpOutcome::Locked { retry_after }),
        };
        // It was good when the request came; a change since then has ended it.
        if session.epoch != matched.loaded.subject.epoch {
            return Ok(StepUpOutcome::SessionRequired);
        }
        let mut factors = session.assurance.factors.clone();
        if !factors.contains(&FactorKind::Password) {
            factors.push(FactorKind::Password);
        }
        let assurance = Assurance {
            level: session.assurance.level,
            factors,
            at: self.now(),
        };
        let renewed = self
            .renew_session(&session, matched.loaded.subject, assurance)
            .await?;
        Ok(renewed.map_or(StepUpOutcome::SessionRequired, |renewed| {
            StepUpOutcome::SteppedUp(Box::new(renewed))
        }))
    }
}
