//! Setting a new password with the link from the mail.

use portcullis_core::along::{Along, Spend, Write};
use portcullis_core::backend::RequestContext;
use portcullis_core::entity::User;
use portcullis_core::event::{AuthEventType, Reason};
use portcullis_core::factor::FactorConfig;
use portcullis_core::id::UserId;
use portcullis_core::identifier::IdentifierKind;
use portcullis_core::policy::TenantPolicy;
use portcullis_core::rule;
use portcullis_core::rule::password::PasswordRejection;
use portcullis_core::secret::{Password, SecretText};
use portcullis_core::store::Activation;
use portcullis_core::time::Timestamp;
use portcullis_core::verification::{TokenKind, VerificationToken};

use super::forgot::still_may_sign_up;
use crate::error::FlowError;
use crate::flow::mailed_link::ReadLink;
use crate::flow::spelling::{as_mailed, proved_as, why_not_proved};
use crate::mail::MailParams;
use crate::portcullis::Portcullis;

const KIND: TokenKind = TokenKind::PasswordReset;
const EVENT: AuthEventType = AuthEventType::PasswordReset;

/// The link from the mail, with a new password.
#[derive(Debug)]
pub struct ResetPassword {
    /// The token in the link.
    pub token: SecretText,
    /// The new password.
    pub password: Password,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResetPasswordOutcome {
    /// The password is set. Nobody is signed in by that: whoever was is signed out.
    Reset {
        /// Whose.
        user: UserId,
        /// The address that the link proved, in canonical form: for [`Portcullis::mark_device`], so that strangers who
        /// guess keep nobody out who has just set a password.
        address: String,
    },
    /// The password breaks the tenant's rules. The token is not used up.
    PasswordRefused(PasswordRejection),
    /// The token does not work; the reason is in the audit log only.
    Rejected,
}

/// What a link would do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetLinkOutcome {
    /// It would set a password.
    Works {
        /// Before this moment.
        until: Timestamp,
    },
    /// It would not; the reason is in the audit log only.
    Rejected,
}

/// A link that works as far as reading tells, and whose it is.
struct Opened {
    token: Box<VerificationToken>,
    user: User,
    /// The spelling that it proves, where that is a sign-up's.
    spelling: Option<String>,
}

impl Portcullis {
    /// Says whether a link would set a password, and uses nothing up.
    ///
    /// # Errors
    /// [`FlowError`] where the store does not answer.
    pub async fn check_reset_link(
        &self,
        token: &SecretText,
        context: &RequestContext,
    ) -> Result<ResetLinkOutcome, FlowError> {
        let policy = self.policy(context.tenant).await?;
        Ok(match self.open_reset_link(token, &policy, context).await? {
            Some(opened) => ResetLinkOutcome::Works {
                until: opened.token.expires_at,
            },
            None => ResetLinkOutcome::Rejected,
        })
    }

    /// Sets a new password. Token, password, epoch, event and notice commit together or not at all: every session,
    /// refresh family and access token made before is over with it. The link proves the address, so it activates an
    /// account that had proved nothing; a suspended one stays suspended. Failures of before are forgotten, everybody's and
    /// this browser's, so that its owner signs in at once.
    ///
    /// # Errors
    /// [`FlowError`] where hashing or the store could not be had; the token is not used up.
    pub async fn reset_password(
        &self,
        input: ResetPassword,
        context: &RequestContext,
    ) -> Result<ResetPasswordOutcome, FlowError> {
        let policy = self.policy(context.tenant).await?;
        let Some(opened) = self.open_reset_link(&input.token, &policy, context).await? else {
            return Ok(ResetPasswordOutcome::Rejected);
        };
        let (address, user) = (opened.token.email.as_str(), Some(&opened.user));
        let owner = (context.tenant, opened.user.id);
        if let Err(rejection) = self
            .judge_password_of(owner, &input.password, &policy, address, user)
            .await?
        {
            return Ok(ResetPasswordOutcome::PasswordRefused(rejection));
        }
        let hash = self.0.hasher.hash(&input.password).await?;
        let (tenant, user, now) = (context.tenant, opened.user.id, self.now());
        let event = self.event(tenant, EVENT, &context.client)?.about(user);
        let activation = Activation {
            kind: IdentifierKind::Email,
            canonical: opened.token.email.clone(),
            activate: true,
            spelling: opened.spelling,
            factor: Some(FactorConfig::Password(hash)),
            now,
        };
        let spend = Spend {
            tenant,
            id: opened.token.id,
            kind: KIND,
            now,
        };
        let passwords = &self.0.passwords;
        let told = &MailParams::PasswordChanged {};
        let mail = self.queue_mail(tenant, &opened.user, told, &context.client)?;
        let along = Along::event(event.finish())
            .with_spend(spend)
            .with_epoch_of(tenant, user)
            .with_forgiven(passwords.counts_of(&opened.user, &context.client.device))
            .with_mail(mail);
        let along = self.remembering(along, owner, &policy);
        let crossing = &self.0.stores.crossing;
        match crossing.prove(tenant, user, &activation, along).await? {
            Write::Applied(()) => {
                self.0.mail_queued.notify_one();
                self.tidy_sessions(tenant, user, None).await;
                let address = opened.token.email;
                Ok(ResetPasswordOutcome::Reset { user, address })
            }
            Write::Refused(refusal) => {
                let reason = why_not_proved(refusal)?;
                self.note_link(user, EVENT, reason, context).await;
                Ok(ResetPasswordOutcome::Rejected)
            }
        }
    }

    /// All that can be told by reading; the write decides.
    async fn open_reset_link(
        &self,
        token: &SecretText,
        policy: &TenantPolicy,
        context: &RequestContext,
    ) -> Result<Option<Opened>, FlowError> {
        let (token, subject) = match self.read_link(token, KIND, EVENT, policy, context).await? {
            ReadLink::Works(token, subject) => (token, subject),
            ReadLink::Rejected => return Ok(None),
        };
        let (directory, user) = (&self.0.stores.directory, subject.user);
        let reason = match directory.user(context.tenant, user).await? {
            Some(user) => {
                let user = as_mailed(user, Some(&subject));
                // It is for one mailbox: another spelling may be somebody else's.
                let mailed = self.address_of(&token)?;
                let mailed = mailed.map(|mailed| mailed.raw).unwrap_or_default();
                let theirs = user.email().is_some_and(|email| email.raw == mailed);
                let now = self.now();
                let allowed = rule::credential::reset(&subject, token.epoch, now)
                    .and_then(|()| still_may_sign_up(&subject, &token.email, policy, now));
                match allowed {
                    Ok(()) if theirs => {
                        let spelling = proved_as(&subject, &mailed);
                        return Ok(Some(Opened {
                            token,
                            user,
                            spelling,
                        }));
                    }
                    Ok(()) => Reason::Superseded,
                    Err(reason) => reason,
                }
            }
            None => Reason::UnknownCredential,
        };
        self.note_link(user, EVENT, reason, context).await;
        Ok(None)
    }
}
