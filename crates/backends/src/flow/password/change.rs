//! Changing a password that is known.

use std::time::Duration;

use portcullis_core::along::{Along, Refusal, Write};
use portcullis_core::backend::RequestContext;
use portcullis_core::event::{AuthEventType, Reason};
use portcullis_core::factor::FactorConfig;
use portcullis_core::id::UserId;
use portcullis_core::principal::Principal;
use portcullis_core::rule::password::{self, PasswordRejection};
use portcullis_core::secret::Password;

use crate::error::FlowError;
use crate::flow::SignedIn;
use crate::mail::MailParams;
use crate::passwords::Checked;
use crate::portcullis::Portcullis;

/// A change of one's own password.
#[derive(Debug)]
pub struct ChangePassword {
    /// The password that holds now.
    pub current: Password,
    /// The one to take its place.
    pub new: Password,
}

/// How it ended.
#[derive(Debug)]
pub enum ChangePasswordOutcome {
    /// The password is changed, and every other session, refresh family and access token is over.
    Changed {
        /// The caller's own session under a new id; `None` where it could not be taken along, and they sign in again.
        session: Option<Box<SignedIn>>,
    },
    /// The current password does not match. It is counted as a failed sign-in.
    CurrentRefused,
    /// Too many failures before this one. Nothing was hashed.
    Locked {
        /// When the next attempt may be made.
        retry_after: Duration,
    },
    /// The new password breaks the tenant's rules. Earlier passwords and breaches are looked at once the current one is
    /// proved; for any other rule it was not looked at.
    PasswordRefused(PasswordRejection),
    /// The current password matches, and was set too short a time ago by the tenant's policy. A link from the mail sets a
    /// new one all the same.
    TooSoon {
        /// How long it is until it may be changed.
        retry_after: Duration,
    },
    /// The caller came without a session, or with one that is over.
    SessionRequired,
}

impl Portcullis {
    /// Changes the caller's password. Counts and delays of the current one are those of sign-in, so that a session left
    /// open is no better place to guess. Whoever does not know it learns of the new one's rules alone: nobody else is asked
    /// about the new one before, and when the current one was set stays unsaid.
    ///
    /// Password, epoch, event and notice commit together; then the caller's own session goes on under a new id.
    ///
    /// # Errors
    /// [`FlowError`] where hashing or the store could not be had, or somebody else changed the password meanwhile;
    /// nothing is changed.
    pub async fn change_password(
        &self,
        principal: &Principal,
        input: ChangePassword,
        context: &RequestContext,
    ) -> Result<ChangePasswordOutcome, FlowError> {
        let (tenant, user) = (principal.tenant, principal.user());
        let Some(session) = self.own_session(principal).await? else {
            return Ok(ChangePasswordOutcome::SessionRequired);
        };
        let Some(found) = self.0.stores.directory.user(tenant, user).await? else {
            return Ok(ChangePasswordOutcome::SessionRequired);
        };
        let policy = self.policy(tenant).await?;
        if let Err(rejection) = self.judge_by_rules(&input.new, &policy, "", Some(&found)) {
            return Ok(ChangePasswordOutcome::PasswordRefused(rejection));
        }
        let matched = match self
            .confirm_password(&found, &input.current, &policy, context)
            .await?
        {
            Checked::Matched(matched) => matched,
            Checked::Refused => return Ok(ChangePasswordOutcome::CurrentRefused),
            Checked::Locked { retry_after } => {
                return Ok(ChangePasswordOutcome::Locked { retry_after });
            }
        };
        // It was good when the request came; a change since then has ended it.
        if session.epoch != matched.loaded.subject.epoch {
            return Ok(ChangePasswordOutcome::SessionRequired);
        }
        let (set, rules) = (matched.changed_at, &policy.password);
        if let Some(retry_after) = password::wait_before_change(set, rules, self.now()) {
            self.note_too_soon(user, context).await;
            return Ok(ChangePasswordOutcome::TooSoon { retry_after });
        }
        let owner = (tenant, user);
        if let Err(rejection) = self.judge_by_others(owner, &input.new, &policy).await? {
            return Ok(ChangePasswordOutcome::PasswordRefused(rejection));
        }
        let hash = self.0.hasher.hash(&input.new).await?;
        let event = self.event(tenant, AuthEventType::PasswordChanged, &context.client)?;
        let told = &MailParams::PasswordChanged {};
        let mail = self.queue_mail(tenant, &found, told, &context.client)?;
        let along = Along::event(event.about(user).finish())
            .with_epoch_of(tenant, user)
            .with_mail(mail);
        let along = self.remembering(along, owner, &policy);
        let config = FactorConfig::Password(hash);
        let security = &self.0.stores.security;
        let saved = security.compare_and_save_factor(
            tenant,
            user,
            matched.version,
            &config,
            self.now(),
            along,
        );
        match saved.await? {
            Write::Applied(_) => {}
            Write::Refused(refusal @ Refusal::Stale) => {
                return Err(FlowError::Unavailable(Box::new(refusal)));
            }
            Write::Refused(Refusal::NotFound) => return Ok(ChangePasswordOutcome::CurrentRefused),
            Write::Refused(other) => return Err(FlowError::internal(other)),
        }
        self.0.mail_queued.notify_one();
        // The change is made. What fails from here on costs a session, and is never answered with "not changed".
        let session = match self.renewed(&session, matched.loaded.subject).await {
            Ok(renewed) => renewed,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a session was not taken along over a change of password"
                );
                None
            }
        };
        let keep = session.as_ref().and_then(|kept| kept.principal.session());
        self.tidy_sessions(tenant, user, keep).await;
        Ok(ChangePasswordOutcome::Changed {
            session: session.map(Box::new),
        })
    }

    async fn note_too_soon(&self, user: UserId, context: &RequestContext) {
        let (tenant, detail) = (context.tenant, serde_json::Value::Null);
        let (kind, reason) = (AuthEventType::PasswordChanged, Reason::ChangedRecently);
        let journal = &self.0.journal;
        journal
            .note(tenant, user, kind, reason, detail, &context.client)
            .await;
    }
}
