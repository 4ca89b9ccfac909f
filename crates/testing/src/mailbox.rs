//! A mailer that keeps what it is given.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use portcullis_core::id::MailId;
use portcullis_core::mail::{Mail, MailError, Mailer};

/// A mail that was delivered. Printable: it is a test's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapturedMail {
    /// Its id.
    pub id: MailId,
    /// The address it went to.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub text: String,
    /// Its HTML, where it has any.
    pub html: Option<String>,
}

impl CapturedMail {
    /// The value of `token=` in the mail's first link.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        let (_, after) = self.text.split_once("token=")?;
        let end = after
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(after.len());
        after.get(..end)
    }

    /// The first line of the mail that is a code: two groups of four digits.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        let is_group = |group: &str| group.len() == 4 && group.bytes().all(|b| b.is_ascii_digit());
        self.text.lines().find(|line| {
            line.split_once(' ')
                .is_some_and(|(first, second)| is_group(first) && is_group(second))
        })
    }
}

/// Delivers into memory. Clones share one mailbox.
#[derive(Clone, Default)]
pub struct CapturedMailbox(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    mails: Vec<CapturedMail>,
    failures: u32,
}

impl fmt::Debug for CapturedMailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CapturedMailbox")
    }
}

impl CapturedMailbox {
    /// An empty mailbox.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Fails the next `times` deliveries.
    pub fn fail_next(&self, times: u32) {
        self.lock().failures = times;
    }

    /// Everything delivered so far, oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<CapturedMail> {
        self.lock().mails.clone()
    }

    /// What was delivered to an address, oldest first.
    #[must_use]
    pub fn to(&self, address: &str) -> Vec<CapturedMail> {
        self.all()
            .into_iter()
            .filter(|mail| mail.to == address)
            .collect()
    }

    /// The latest mail to an address.
    #[must_use]
    pub fn last_to(&self, address: &str) -> Option<CapturedMail> {
        self.to(address).pop()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Mailer for CapturedMailbox {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let mut state = self.lock();
        if let Some(left) = state.failures.checked_sub(1) {
            state.failures = left;
            return Err(MailError::new("told to fail"));
        }
        state.mails.push(CapturedMail {
            id: mail.id,
            to: mail.to.clone(),
            subject: mail.subject.clone(),
            text: mail.text.expose().to_owned(),
            html: mail.html.as_ref().map(|html| html.expose().to_owned()),
        });
        Ok(())
    }
}
