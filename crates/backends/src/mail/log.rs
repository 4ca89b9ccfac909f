//! Mail that goes nowhere but leaves a line in the log.

use async_trait::async_trait;
use portcullis_core::mail::{Mail, MailError, Mailer};

/// Logs that a mail would have gone out: its id and subject, never its text, which may hold a usable link.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogMailer;

/// Mail that goes nowhere and leaves no trace, for services whose people are all made by an operator.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMail;

#[async_trait]
impl Mailer for NoMail {
    async fn send(&self, _mail: &Mail) -> Result<(), MailError> {
        Ok(())
    }
}

#[async_trait]
impl Mailer for LogMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        tracing::info!(mail = %mail.id, subject = mail.subject, "mail not sent: the log is configured as mailer");
        Ok(())
    }
}
