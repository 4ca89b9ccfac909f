//! Sign-in with an identifier and a password.
//!
//! Unknown, unproved, suspended, without a password or with another: each runs one hash and gives one answer. The
//! attempt is counted as failed before the password is verified, so a burst cannot slip past.

use std::time::Duration;

use portcullis_core::backend::RequestContext;
use portcullis_core::event::AuthEventType;
use portcullis_core::factor::FactorKind;
use portcullis_core::secret::{Password, SecretText};
use portcullis_core::session::AssuranceLevel;
use serde_json::json;

use super::open_session::{Opening, SignedIn};
use crate::error::FlowError;
use crate::metrics::{Ended, Way};
use crate::passwords::{Asking, Checked};
use crate::portcullis::Portcullis;

/// A sign-in.
pub struct SignIn {
    /// An e-mail address or user name, as typed.
    pub identifier: String,
    /// The password, as typed.
    pub password: Password,
    /// The session cookie that came with the request: its session ends when the new one begins.
    pub replaces: Option<SecretText>,
}

/// Prints nothing of its content: people type passwords into the wrong field.
impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignIn([redacted])")
    }
}

/// How a sign-in ended.
#[derive(Debug)]
pub enum SignInOutcome {
    /// Signed in.
    SignedIn(Box<SignedIn>),
    /// Not signed in; the reason is in the audit log only.
    Refused,
    /// Too many failures before this one, of this identifier, known or not. Nothing was hashed.
    Locked {
        /// When the next attempt may be made.
        retry_after: Duration,
    },
}

impl Portcullis {
    /// Signs in.
    ///
    /// # Errors
    /// [`FlowError`] where hashing or the store could not be had: never "no".
    pub async fn sign_in(
        &self,
        input: SignIn,
        context: &RequestContext,
    ) -> Result<SignInOutcome, FlowError> {
        let outcome = self.check_and_open(input, context).await?;
        let ended = match &outcome {
            SignInOutcome::SignedIn(_) => Ended::SignedIn,
            SignInOutcome::Refused => Ended::Refused,
            SignInOutcome::Locked { .. } => Ended::Locked,
        };
        self.0.metrics.signed_in(Way::Password, ended);
        Ok(outcome)
    }

    async fn check_and_open(
        &self,
        input: SignIn,
        context: &RequestContext,
    ) -> Result<SignInOutcome, FlowError> {
        let policy = self.policy(context.tenant).await?;
        let detail = json!({ "factors": [FactorKind::Password] });
        let asking = Asking {
            event: AuthEventType::SignIn,
            tenant: context.tenant,
            client: &context.client,
            detail: &detail,
        };
        let passwords = &self.0.passwords;
        let matched = match passwords
            .check(&input.identifier, &input.password, &policy, asking)
            .await?
        {
            Checked::Matched(matched) => matched,
            Checked::Refused => return Ok(SignInOutcome::Refused),
            Checked::Locked { retry_after } => return Ok(SignInOutcome::Locked { retry_after }),
        };
        passwords.rehash(&matched, &input.password, asking).await?;
        let opening = Opening {
            tenant: context.tenant,
            user: matched.user,
            subject: matched.loaded.subject,
            level: AssuranceLevel::Aal1,
            factors: vec![FactorKind::Password],
        };
        let replaces = input.replaces.as_ref();
        let signed_in = self
            .open_session(opening, &policy.session, replaces, context)
            .await?;
        Ok(SignInOutcome::SignedIn(Box::new(signed_in)))
    }
}
