//! Mail as `.eml` files in a folder, for development and for services that collect it from there.

use std::io::Write;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use lettre::message::Mailbox;
use portcullis_core::mail::{Mail, MailError, Mailer};

use super::message::message;

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
        let bytes = message(&self.from, mail)?.formatted();
        let (folder, name) = (self.folder.clone(), mail.id.to_string());
        // Blocking file calls, off the async threads: this is the outbox worker, but the threads are everybody's.
        tokio::task::spawn_blocking(move || write(&folder, &name, &bytes))
            .await
            .map_err(MailError::new)?
            .map_err(MailError::new)
    }
}

/// Complete or not there, also after the power went out: readers of the folder never see half a mail.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let part = folder.join(format!("{name}.part"));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&part, folder.join(format!("{name}.eml")))?;
    // The new name is on disk when its folder is.
    #[cfg(unix)]
    std::fs::File::open(folder)?.sync_all()?;
    Ok(())
}
