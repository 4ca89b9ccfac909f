//! What one instance is set to. Everything is a value: two instances with different settings live in one process.

use std::fmt;

use ipnet::IpNet;
use portcullis_core::policy::{PolicyOverrides, TenantPolicy};
use url::{Host, Url};

/// Where browsers reach the service: the only source of links in mail and of the origin that may send forms.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicUrl {
    text: String,
    origin: String,
    loopback_http: bool,
}

/// Why a text is no public URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublicUrlError {
    /// No absolute URL.
    #[error("the public URL must be absolute, like https://auth.example.com")]
    Malformed,
    /// Plain HTTP beyond this machine.
    #[error(
        "the public URL must be https; http is for loopback only (localhost, 127.0.0.1, [::1])"
    )]
    NotHttps,
    /// User, query or fragment.
    #[error("the public URL must not have user, query or fragment")]
    Extra,
}

impl PublicUrl {
    /// Reads an `https` URL, or an `http` one on loopback, without user, query and fragment.
    ///
    /// # Errors
    /// [`PublicUrlError`] for anything else.
    pub fn parse(text: &str) -> Result<Self, PublicUrlError> {
        let url = Url::parse(text.trim()).map_err(|_| PublicUrlError::Malformed)?;
        let loopback = match url.host() {
            Some(Host::Domain(domain)) => domain == "localhost",
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => return Err(PublicUrlError::Malformed),
        };
        let loopback_http = match url.scheme() {
            "https" => false,
            "http" if loopback => true,
            "http" => return Err(PublicUrlError::NotHttps),
            _ => return Err(PublicUrlError::Malformed),
        };
        let extra = !url.username().is_empty() || url.password().is_some();
        if extra || url.query().is_some() || url.fragment().is_some() {
            return Err(PublicUrlError::Extra);
        }
        let origin = url.origin().ascii_serialization();
        let text = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self {
            text,
            origin,
            loopback_http,
        })
    }

    /// The URL without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Scheme, host and port (RFC 6454 section 6.2).
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

impl fmt::Debug for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The settings of one instance, validated by the builder.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(crate) public_url: PublicUrl,
    pub(crate) mount_path: String,
    pub(crate) sign_in_page: String,
    pub(crate) app_name: String,
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) policy: PolicyOverrides,
}

impl Settings {
    /// Where browsers reach the service.
    #[must_use]
    pub const fn public_url(&self) -> &PublicUrl {
        &self.public_url
    }

    /// The path that our routes stand under, such as `/auth`.
    #[must_use]
    pub fn mount_path(&self) -> &str {
        &self.mount_path
    }

    /// The application's own page that people sign in on.
    #[must_use]
    pub fn sign_in_page(&self) -> &str {
        &self.sign_in_page
    }

    /// The name that mail and pages show.
    #[must_use]
    pub fn app_name(&self) -> &str {
        &self.app_name
    }

    /// The proxies whose forwarding headers are believed.
    #[must_use]
    pub fn trusted_proxies(&self) -> &[IpNet] {
        &self.trusted_proxies
    }

    /// What the system level sets over the default policy.
    #[must_use]
    pub const fn policy(&self) -> &PolicyOverrides {
        &self.policy
    }

    /// The default policy with what the system level sets over it.
    pub(crate) fn system_policy(&self) -> TenantPolicy {
        TenantPolicy::default().overlaid(&self.policy)
    }

    /// Plain HTTP on loopback: cookies go without `Secure` and without the `__Host-` prefix.
    #[must_use]
    pub const fn is_loopback_profile(&self) -> bool {
        self.public_url.loopback_http
    }

    /// The name of the session cookie.
    #[must_use]
    pub const fn session_cookie(&self) -> &'static str {
        if self.is_loopback_profile() {
            "portcullis"
        } else {
            "__Host-portcullis"
        }
    }

    /// The name of the cookie that holds an access token, where tokens go by cookie.
    #[must_use]
    pub const fn access_cookie(&self) -> &'static str {
        if self.is_loopback_profile() {
            "portcullis-access"
        } else {
            "__Host-portcullis-access"
        }
    }

    /// The name of the cookie that holds a refresh token, where tokens go by cookie.
    #[must_use]
    pub const fn refresh_cookie(&self) -> &'static str {
        if self.is_loopback_profile() {
            "portcullis-refresh"
        } else {
            "__Host-portcullis-refresh"
        }
    }

    /// The name of the cookie that a browser shows of earlier sign-ins.
    #[must_use]
    pub const fn device_cookie(&self) -> &'static str {
        if self.is_loopback_profile() {
            "portcullis-device"
        } else {
            "__Host-portcullis-device"
        }
    }

    /// The name of the cookie that ties a mailed code to the browser it was asked for in.
    #[must_use]
    pub const fn code_cookie(&self) -> &'static str {
        if self.is_loopback_profile() {
            "portcullis-code"
        } else {
            "__Host-portcullis-code"
        }
    }

    /// The name of the cookie that ties a sign-up to the browser it was made in.
    #[must_use]
    pub const fn sign_up_cookie(&self) -> &'static str {
        if self.is_loopback_profile() {
            "portcullis-signup"
        } else {
            "__Host-portcullis-signup"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_loopback_only() {
        for text in [
            "http://127.0.0.1:8080",
            "http://localhost",
            "http://[::1]:1/",
        ] {
            assert!(PublicUrl::parse(text).unwrap().loopback_http, "{text}");
        }
        assert_eq!(
            PublicUrl::parse("http://example.com"),
            Err(PublicUrlError::NotHttps)
        );
        assert_eq!(
            PublicUrl::parse("http://localhost.example.com"),
            Err(PublicUrlError::NotHttps)
        );
        assert_eq!(
            PublicUrl::parse("ftp://localhost"),
            Err(PublicUrlError::Malformed)
        );
        assert_eq!(
            PublicUrl::parse("https://a:b@example.com"),
            Err(PublicUrlError::Extra)
        );
        assert_eq!(
            PublicUrl::parse("https://example.com/?a"),
            Err(PublicUrlError::Extra)
        );
    }

    #[test]
    fn the_origin_has_no_path_and_no_default_port() {
        let url = PublicUrl::parse("https://auth.example.com:443/app/").unwrap();
        assert_eq!(url.origin(), "https://auth.example.com");
        assert_eq!(url.as_str(), "https://auth.example.com/app");
    }
}
