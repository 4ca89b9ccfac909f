//! The question that Turnstile, hCaptcha and reCAPTCHA take in the same form: a POST of secret and response.

use std::fmt;
use std::net::IpAddr;

use async_trait::async_trait;
use portcullis_core::secret::SecretText;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use url::Url;
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

use super::{Captcha, CaptchaError};
use crate::endpoint::{self, EndpointError, Unread};

/// Answers have a few hundred bytes.
const ANSWER_MAX_BYTES: usize = 64 * 1024;
/// Of requests at once, more open and close theirs.
const IDLE_CONNECTIONS: usize = 8;
/// Where reCAPTCHA v3 says itself that a site begins.
const MIN_SCORE: f64 = 0.5;
const HOSTS_MAX: usize = 64;

/// Whose widget stands in the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CaptchaProvider {
    /// Cloudflare Turnstile.
    Turnstile,
    /// hCaptcha.
    HCaptcha,
    /// Google reCAPTCHA, v2 and v3.
    ReCaptcha,
}

impl CaptchaProvider {
    const fn endpoint(self) -> &'static str {
        match self {
            Self::Turnstile => "https://challenges.cloudflare.com/turnstile/v0/siteverify",
            Self::HCaptcha => "https://api.hcaptcha.com/siteverify",
            Self::ReCaptcha => "https://www.google.com/recaptcha/api/siteverify",
        }
    }
}

/// Who is asked, and what counts as good.
#[derive(Clone)]
pub struct SiteVerifyOptions {
    provider: CaptchaProvider,
    secret: SecretText,
    endpoint: String,
    root: Option<Vec<u8>>,
    hosts: Vec<String>,
    min_score: f64,
    tells_address: bool,
}

impl fmt::Debug for SiteVerifyOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SiteVerifyOptions")
            .field("provider", &self.provider)
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}

impl SiteVerifyOptions {
    /// Of this provider, with the secret that belongs to the page's site key.
    #[must_use]
    pub fn new(provider: CaptchaProvider, secret: SecretText) -> Self {
        Self {
            provider,
            secret,
            endpoint: provider.endpoint().to_owned(),
            root: None,
            hosts: Vec::new(),
            min_score: MIN_SCORE,
            tells_address: false,
        }
    }

    /// Another address that takes the same question: `https`, or `http` on this machine.
    #[must_use]
    pub fn endpoint(mut self, url: &str) -> Self {
        url.clone_into(&mut self.endpoint);
        self
    }

    /// Certificates to trust beside those of the web's authorities, as PEM.
    #[must_use]
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root = Some(pem.into());
        self
    }

    /// The hosts of the pages that the widget stands in, at most 64: a response that was made elsewhere is no good. Where
    /// nothing is said, the provider's own list for the site key is what holds.
    #[must_use]
    pub fn hosts(mut self, hosts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.hosts = hosts.into_iter().map(Into::into).collect();
        self
    }

    /// The least score of reCAPTCHA v3 that is a person's, from 0 to 1; 0.5 where nothing is said. Answers without a
    /// score, as those of v2, are not judged by it.
    #[must_use]
    pub const fn min_score(mut self, score: f64) -> Self {
        self.min_score = score;
        self
    }

    /// Tells the provider the client's address too. Not where nothing is said: the widget told it already, and behind a
    /// relay it is another one.
    #[must_use]
    pub const fn tell_client_address(mut self) -> Self {
        self.tells_address = true;
        self
    }

    /// Says what could not work, or not safely, without a connection.
    ///
    /// # Errors
    /// [`SiteVerifyOptionsError`] for the first of it.
    pub fn check(&self) -> Result<(), SiteVerifyOptionsError> {
        self.prepared().map(drop)
    }

    fn prepared(&self) -> Result<(Url, Client), SiteVerifyOptionsError> {
        let url = endpoint::parse(&self.endpoint)?;
        if !(1..=512).contains(&self.secret.expose().len()) {
            return Err(SiteVerifyOptionsError::Secret);
        }
        if !(0.0..=1.0).contains(&self.min_score) {
            return Err(SiteVerifyOptionsError::MinScore);
        }
        if self.hosts.len() > HOSTS_MAX || self.hosts.iter().any(|host| !is_host(host)) {
            return Err(SiteVerifyOptionsError::Hosts);
        }
        let client = endpoint::client(self.root.as_deref()).map_err(SiteVerifyOptionsError::Tls)?;
        let client = client.pool_max_idle_per_host(IDLE_CONNECTIONS).build();
        let client = client.map_err(|error| SiteVerifyOptionsError::Tls(Box::new(error)))?;
        Ok((url, client))
    }
}

/// A name as providers write it: no scheme, no port, no path.
fn is_host(host: &str) -> bool {
    url::Host::parse(host).is_ok_and(|parsed| parsed.to_string().eq_ignore_ascii_case(host))
}

/// Why no provider can be asked with some options.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SiteVerifyOptionsError {
    /// The address is not one to send a secret to.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// There is no secret, or a text that is none.
    #[error("the secret of a site key has 1 to 512 bytes")]
    Secret,
    /// The score is outside its range.
    #[error("the least score of a person is from 0 to 1")]
    MinScore,
    /// Something else than hosts, or too many.
    #[error("hosts are at most 64 names such as `www.example.com`, without scheme, port or path")]
    Hosts,
    /// The certificates are of no use.
    #[error("TLS cannot be set up")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Asks a provider.
#[derive(Clone)]
pub struct SiteVerify {
    client: Client,
    url: Url,
    options: SiteVerifyOptions,
}

impl fmt::Debug for SiteVerify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SiteVerify").field(&self.options).finish()
    }
}

impl SiteVerify {
    /// Connects when there is a response to show.
    ///
    /// # Errors
    /// [`SiteVerifyOptionsError`] for what could not work, or not safely.
    pub fn new(options: SiteVerifyOptions) -> Result<Self, SiteVerifyOptionsError> {
        let (url, client) = options.prepared()?;
        Ok(Self {
            client,
            url,
            options,
        })
    }

    fn question(&self, response: &SecretText, client: Option<IpAddr>) -> Zeroizing<String> {
        let mut form = Serializer::new(String::new());
        form.append_pair("secret", self.options.secret.expose());
        form.append_pair("response", response.expose());
        if let Some(ip) = client.filter(|_| self.options.tells_address) {
            form.append_pair("remoteip", &ip.to_canonical().to_string());
        }
        Zeroizing::new(form.finish())
    }
}

#[async_trait]
impl Captcha for SiteVerify {
    async fn passes(
        &self,
        response: &SecretText,
        client: Option<IpAddr>,
    ) -> Result<bool, CaptchaError> {
        let question = self.question(response, client);
        let request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(question.as_bytes().to_vec());
        // The address may be a secret of its own, and errors are logged.
        let answer = request.send().await.map_err(reqwest::Error::without_url);
        let answer = answer.map_err(provider)?;
        let status = answer.status();
        let body = endpoint::bounded(answer, ANSWER_MAX_BYTES).await;
        let body = body.map_err(|unread| match unread {
            Unread::TooLong => CaptchaError::Malformed,
            broken_off @ Unread::BrokenOff(_) => provider(broken_off),
        })?;
        match serde_json::from_slice::<Answer>(&body) {
            Ok(answer) if !status.is_server_error() => judge(&answer, &self.options),
            _ => without_words(status),
        }
    }
}

fn provider(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> CaptchaError {
    CaptchaError::Provider(error.into())
}

/// What a status says alone. A request that is refused as it stands is refused for its response, the one part of it that
/// is not ours: that is an answer, or whoever sends it could make an outage of it.
fn without_words(status: StatusCode) -> Result<bool, CaptchaError> {
    match status {
        StatusCode::BAD_REQUEST
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::URI_TOO_LONG
        | StatusCode::UNPROCESSABLE_ENTITY => Ok(false),
        status if status.is_success() => Err(CaptchaError::Malformed),
        status => Err(provider(Answered(status))),
    }
}

/// The status that a provider answered with.
#[derive(Debug, thiserror::Error)]
#[error("the provider answered {0}")]
struct Answered(StatusCode);

/// What all of them answer with, and more that is nobody's here.
#[derive(Debug, Deserialize)]
struct Answer {
    success: bool,
    #[serde(default)]
    hostname: Option<String>,
    #[serde(default)]
    score: Option<f64>,
    #[serde(default, rename = "error-codes")]
    error_codes: Option<Vec<String>>,
}

fn judge(answer: &Answer, options: &SiteVerifyOptions) -> Result<bool, CaptchaError> {
    if !answer.success {
        // Whatever else it says is about the response.
        for code in answer.error_codes.iter().flatten() {
            match code.as_str() {
                "missing-input-secret" | "invalid-input-secret" => {
                    return Err(CaptchaError::Secret);
                }
                "internal-error" => return Err(provider("internal-error")),
                _ => {}
            }
        }
        return Ok(false);
    }
    let made_here = options.hosts.is_empty()
        || answer.hostname.as_ref().is_some_and(|made_at| {
            let mut hosts = options.hosts.iter();
            hosts.any(|host| host.eq_ignore_ascii_case(made_at))
        });
    // hCaptcha's score is one of risk, and the other way round.
    let scored = options.provider == CaptchaProvider::ReCaptcha;
    let persons = !scored || answer.score.is_none_or(|score| score >= options.min_score);
    Ok(made_here && persons)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(provider: CaptchaProvider) -> SiteVerifyOptions {
        SiteVerifyOptions::new(provider, SecretText::new("s3cret"))
    }

    fn judged(answer: &str, options: &SiteVerifyOptions) -> Option<bool> {
        judge(&serde_json::from_str(answer).unwrap(), options).ok()
    }

    #[test]
    fn what_is_wrong_with_the_response_is_an_answer_and_what_is_wrong_with_us_is_none() {
        let turnstile = options(CaptchaProvider::Turnstile);
        for (codes, said) in [
            (r#"[]"#, Some(false)),
            (r#"["invalid-input-response"]"#, Some(false)),
            (r#"["timeout-or-duplicate"]"#, Some(false)),
            (r#"["sitekey-secret-mismatch"]"#, Some(false)),
            (r#"["bad-request"]"#, Some(false)),
            (r#"["something-new"]"#, Some(false)),
            (r#"["missing-input-secret"]"#, None),
            (
                r#"["invalid-input-response", "invalid-input-secret"]"#,
                None,
            ),
            (r#"["internal-error"]"#, None),
        ] {
            let answer = format!(r#"{{"success": false, "error-codes": {codes}}}"#);
            assert_eq!(judged(&answer, &turnstile), said, "{codes}");
        }
        assert_eq!(judged(r#"{"success": false}"#, &turnstile), Some(false));
        let good = r#"{"success": true, "challenge_ts": "2026-01-01T00:00:00Z", "cdata": ""}"#;
        assert_eq!(judged(good, &turnstile), Some(true));
    }

    #[test]
    fn a_response_that_was_made_on_another_page_is_no_good() {
        let here = options(CaptchaProvider::HCaptcha).hosts(["example.com", "www.example.com"]);
        for (hostname, good) in [
            (r#""example.com""#, true),
            (r#""WWW.example.com""#, true),
            (r#""evil.example""#, false),
            (r#""example.com.evil.example""#, false),
            (r#""""#, false),
            ("null", false),
        ] {
            let answer = format!(r#"{{"success": true, "hostname": {hostname}}}"#);
            assert_eq!(judged(&answer, &here), Some(good), "{hostname}");
        }
        assert_eq!(judged(r#"{"success": true}"#, &here), Some(false));
    }

    #[test]
    fn a_score_of_recaptcha_is_judged_and_one_of_risk_is_not() {
        let answer = |score: f64| format!(r#"{{"success": true, "score": {score}}}"#);
        let v3 = options(CaptchaProvider::ReCaptcha);
        assert_eq!(judged(&answer(0.9), &v3), Some(true));
        assert_eq!(judged(&answer(0.5), &v3), Some(true));
        assert_eq!(judged(&answer(0.49), &v3), Some(false));
        assert_eq!(judged(r#"{"success": true}"#, &v3), Some(true));
        let strict = v3.min_score(0.7);
        assert_eq!(judged(&answer(0.6), &strict), Some(false));
        let risk = options(CaptchaProvider::HCaptcha);
        assert_eq!(judged(&answer(0.1), &risk), Some(true));
    }

    #[test]
    fn a_status_that_the_response_can_bring_about_is_never_an_outage() {
        for status in [400, 413, 414, 422] {
            let status = StatusCode::from_u16(status).unwrap();
            assert!(!without_words(status).unwrap(), "{status}");
        }
        for status in [200, 302, 401, 403, 404, 429, 500, 503] {
            let status = StatusCode::from_u16(status).unwrap();
            assert!(without_words(status).is_err(), "{status}");
        }
    }

    #[test]
    fn options_that_would_not_work_are_refused() {
        use SiteVerifyOptionsError as Refused;
        let turnstile = options(CaptchaProvider::Turnstile);
        assert!(turnstile.check().is_ok());
        let empty = SiteVerifyOptions::new(CaptchaProvider::Turnstile, SecretText::new(""));
        assert!(matches!(empty.check(), Err(Refused::Secret)));
        for score in [-0.1, 1.1, f64::NAN] {
            let refused = turnstile.clone().min_score(score).check();
            assert!(matches!(refused, Err(Refused::MinScore)), "{score}");
        }
        for host in ["https://example.com", "example.com:443", "example.com/", ""] {
            let refused = turnstile.clone().hosts([host]).check();
            assert!(matches!(refused, Err(Refused::Hosts)), "{host}");
        }
        let clear = turnstile.clone().endpoint("http://captcha.example.com/");
        assert!(matches!(clear.check(), Err(Refused::Endpoint(_))));
        let printed = format!("{turnstile:?} {:?}", SiteVerify::new(turnstile.clone()));
        assert!(!printed.contains("s3cret"), "{printed}");
    }
}
