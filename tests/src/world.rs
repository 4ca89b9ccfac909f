//! A running service with its stores and its way of mail: where the whole path of a person is walked.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;
use std::time::Duration;

use portcullis_testing::smtp::{SmtpSecurity, SmtpServer};

use crate::mail::{code_in, token_in};
use crate::place::DEFAULT_CONFIG;
use crate::process::until;
use crate::{Browser, Place, Service, Stores};

/// How long a mail may take to arrive.
const MAIL_WITHIN: Duration = Duration::from_secs(100);

/// How mail travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Post {
    /// Into the outbox folder.
    Folder,
    /// To a relay on loopback, in clear text.
    SmtpPlain,
    /// To a relay on loopback, through TLS.
    SmtpTls,
}

impl Post {
    fn relay(self) -> Option<SmtpServer> {
        let security = match self {
            Self::Folder => return None,
            Self::SmtpPlain => SmtpSecurity::Plain,
            Self::SmtpTls => SmtpSecurity::Wrapper,
        };
        Some(SmtpServer::start(security).expect("a relay on loopback"))
    }

    const fn tls(self) -> &'static str {
        match self {
            Self::SmtpTls => "wrapper",
            Self::Folder | Self::SmtpPlain => "none",
        }
    }
}

/// A service, what it runs on, and whoever gets its mail.
#[derive(Debug)]
pub struct World {
    /// The service.
    pub service: Service,
    /// Its folder, in which commands run.
    pub place: Place,
    relay: Option<SmtpServer>,
    /// How many mails to an address have been read.
    read: Mutex<BTreeMap<String, usize>>,
}

impl World {
    /// Starts a service on these stores.
    ///
    /// # Panics
    /// Where it does not start.
    #[must_use]
    pub fn start(stores: &Stores, post: Post) -> Self {
        let place = Place::new();
        let relay = post.relay();
        let mut config = format!("{}{DEFAULT_CONFIG}", stores.settings());
        if let Some(relay) = &relay {
            let certificate = place.path().join("ca.pem");
            fs::write(&certificate, relay.certificate_pem()).expect("a file");
            config.push_str(&format!(
                "\n[mail]\nkind = \"smtp\"\nfrom = \"no-reply@auth.example\"\n[mail.smtp]\nhost = \"127.0.0.1\"\n\
                 port = {}\ntls = \"{}\"\nca = {certificate:?}\n",
                relay.port(),
                post.tls()
            ));
        }
        config.push_str("\n[policy]\nemail_code = true\nmagic_link_sign_up = true\n");
        place.configure(&config);
        Self {
            service: place.start(),
            place,
            relay,
            read: Mutex::default(),
        }
    }

    /// A browser without cookies.
    #[must_use]
    pub fn browser(&self) -> Browser {
        self.service.browser()
    }

    /// The token of the next mail to an address that has a link, waited for.
    ///
    /// # Panics
    /// Where none comes.
    #[must_use]
    pub fn link_to(&self, address: &str) -> String {
        self.next_to(address, "a link", token_in)
    }

    /// The code of the next mail to an address that has one, waited for.
    ///
    /// # Panics
    /// Where none comes.
    #[must_use]
    pub fn code_to(&self, address: &str) -> String {
        self.next_to(address, "a code", code_in)
    }

    /// Waits for the next mail to an address with this in it, as text.
    ///
    /// # Panics
    /// Where none comes.
    pub fn notice_to(&self, address: &str, said: &str) {
        self.next_to(address, said, |text| text.contains(said).then_some(()));
    }

    fn next_to<T>(&self, address: &str, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        let next = || {
            let mut read = self.read.lock().expect("a test that lives");
            let read = read.entry(address.to_owned()).or_default();
            let mails = self.mails_to(address);
            let mut unread = mails.iter().enumerate().skip(*read);
            let (at, found) = unread.find_map(|(at, text)| Some((at, find(text)?)))?;
            *read = at + 1;
            Some(found)
        };
        until(MAIL_WITHIN, next)
            .unwrap_or_else(|| panic!("no mail with {what} to {address} within {MAIL_WITHIN:?}"))
    }

    /// The messages to an address, oldest first.
    fn mails_to(&self, address: &str) -> Vec<String> {
        match &self.relay {
            None => {
                let mails = self.place.mails_to(address).into_iter();
                mails.map(|mail| mail.text).collect()
            }
            Some(relay) => {
                let mails = relay.received().into_iter();
                let own = mails.filter(|mail| mail.to == address);
                own.map(|mail| mail.message).collect()
            }
        }
    }
}
