//! Mail as `.eml` files in a folder, for development and for services that collect it from there.

use std::io::Write;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Body, Mailbox, Message};
use portcullis_core::mail::{Mail, MailError, Mailer};

/// Writes each mail as an RFC 5322 message, `<mail id>.eml`, readable by the owner alone. A mail that comes again
/// replaces its own file, so nothing is doubled.
#[derive(Clone, Debug)]
pub struct EmlFolder {
    folder: PathBuf,
    from: Mailbox,
}

impl EmlFolder {
    /// Mail goes to `folder`, which is made where it is missing; it comes from `from`, such as
    /// `portcullis <no-reply@localhost>`.
    ///
    /// # Errors
    /// [`MailError`] where the folder cannot be made or the sender is no address.
    pub fn new(folder: impl AsRef<Path>, from: &str) -> Result<Self, MailError> {
        let folder = folder.as_ref().to_owned();
        std::fs::create_dir_all(&folder).map_err(MailError::new)?;
        Ok(Self {
            folder,
            from: from.parse().map_err(MailError::new)?,
        })
    }
}

#[async_trait]
impl Mailer for EmlFolder {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let bytes = message(&self.from, mail)?;
        let path = self.folder.join(format!("{}.eml", mail.id));
        let part = self.folder.join(format!("{}.part", mail.id));
        // Blocking file calls, off the async threads: this is the outbox worker, but the threads are everybody's.
        tokio::task::spawn_blocking(move || write(&part, &path, &bytes))
            .await
            .map_err(MailError::new)?
            .map_err(MailError::new)
    }
}

fn message(from: &Mailbox, mail: &Mail) -> Result<Vec<u8>, MailError> {
    let text = mail.text.expose();
    // The builder alone would wrap a long link as quoted-printable; 7bit keeps it on its line, as long as lines stay
    // within 998 bytes (RFC 5322 section 2.1.1).
    let body = if text.is_ascii() && text.split("\r\n").all(|line| line.len() <= 998) {
        Body::dangerous_pre_encoded(text.as_bytes().to_vec(), ContentTransferEncoding::SevenBit)
    } else {
        Body::new(text.to_owned())
    };
    let message = Message::builder()
        .from(from.clone())
        .to(mail.to.parse().map_err(MailError::new)?)
        .subject(mail.subject.as_str())
        .message_id(Some(format!("<{}@portcullis>", mail.id)))
        .header(ContentType::TEXT_PLAIN)
        .body(body)
        .map_err(MailError::new)?;
    Ok(message.formatted())
}

/// Complete or not there: readers of the folder never see half a mail.
fn write(part: &Path, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(part, path)
}

#[cfg(test)]
mod tests {
    use portcullis_core::id::MailId;
    use portcullis_core::secret::SecretText;

    use super::*;

    #[test]
    fn a_link_stays_on_one_line() {
        let link = format!(
            "https://auth.example.com/auth/signup/verify?token={}",
            "x".repeat(120)
        );
        let mail = Mail {
            id: MailId::from_integer(1),
            to: "ada@example.com".to_owned(),
            subject: "Hello".to_owned(),
            text: SecretText::new(format!("Open\r\n\r\n{link}\r\n")),
        };
        let bytes = message(&"p <p@localhost>".parse().unwrap(), &mail).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.lines().any(|line| line == link), "{text}");
        assert!(text.contains("To: ada@example.com"), "{text}");
    }

    // LG-03
    #[test]
    fn an_address_cannot_add_headers() {
        let mail = Mail {
            id: MailId::from_integer(1),
            to: "ada@example.com\r\nBcc: eve@example.com".to_owned(),
            subject: "Hello".to_owned(),
            text: SecretText::new("x"),
        };
        assert!(message(&"p <p@localhost>".parse().unwrap(), &mail).is_err());
    }
}
