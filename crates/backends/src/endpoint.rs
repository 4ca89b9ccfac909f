//! Web services of others that are asked or told something: which addresses are taken, and the client.

use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

#[cfg(any(feature = "captcha", feature = "breach-http"))]
use reqwest::Response;
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use url::{Host, Url};

/// A receiver that takes a while to close idle connections does not get a request into one that it is closing.
const IDLE_MAX: Duration = Duration::from_secs(5);

/// Why an address of a web service is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// It is none.
    #[error("the address is no URL")]
    Url(#[from] url::ParseError),
    /// Neither `https` nor `http`.
    #[error("the address must be https, or http on this machine")]
    Scheme,
    /// Over a network in clear text.
    #[error(
        "over http, what is sent would cross the network in clear text: use https, or a receiver on this machine \
         (127.0.0.1, [::1], localhost)"
    )]
    ClearText,
    /// It has a user name or a password in it.
    #[error("the address has a user or a password in it, which end up in logs")]
    Credentials,
}

/// `https`, or `http` on this machine.
pub(crate) fn parse(url: &str) -> Result<Url, EndpointError> {
    let url = Url::parse(url)?;
    match url.scheme() {
        "https" => {}
        "http" if is_this_machine(&url) => {}
        "http" => return Err(EndpointError::ClearText),
        _ => return Err(EndpointError::Scheme),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(EndpointError::Credentials);
    }
    Ok(url)
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::from(ip).to_canonical().is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

pub(crate) type TlsFault = Box<dyn Error + Send + Sync>;

/// A client that goes where it was said to go and nowhere else. It trusts the roots that come with the program, not the
/// machine's, and those of `root`, in PEM.
pub(crate) fn client(root: Option<&[u8]>) -> Result<ClientBuilder, TlsFault> {
    let mut roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    if let Some(pem) = root {
        let mut added = 0_usize;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            roots.add(certificate?)?;
            added += 1;
        }
        if added == 0 {
            return Err("there is no certificate among those to trust".into());
        }
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("portcullis/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .no_proxy()
        .referer(false)
        .http1_only()
        .pool_idle_timeout(IDLE_MAX))
}

/// Why a body was not read.
#[cfg(any(feature = "captcha", feature = "breach-http"))]
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unread {
    #[error("the answer broke off")]
    BrokenOff(#[source] reqwest::Error),
    #[error("the answer is longer than any that is true")]
    TooLong,
}

/// Reads a body whole, but no more of it than the bound.
#[cfg(any(feature = "captcha", feature = "breach-http"))]
pub(crate) async fn bounded(mut answer: Response, most: usize) -> Result<Vec<u8>, Unread> {
    let mut body = Vec::new();
    loop {
        let chunk = answer.chunk().await.map_err(reqwest::Error::without_url);
        let Some(chunk) = chunk.map_err(Unread::BrokenOff)? else {
            return Ok(body);
        };
        if body.len() + chunk.len() > most {
            return Err(Unread::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
}
