//! What the settings of the CAPTCHA must hold to.

use std::time::Duration;

use portcullis_backends::captcha::{CaptchaFailure, CaptchaProvider, SiteVerifyOptions};

use super::check::number;
use super::file::{read, secret};
use super::settings::{Captcha, CaptchaKind, InOutage};
use crate::failure::{Failure, chain};

const TIMEOUT_SECS_MAX: u32 = 10;

/// Who is asked whether there is a person, and when.
#[derive(Clone, Debug)]
pub(crate) struct AskedCaptcha {
    pub(crate) options: SiteVerifyOptions,
    pub(crate) at_sign_in: bool,
    pub(crate) failure: CaptchaFailure,
    pub(crate) timeout: Duration,
}

pub(super) fn checked(captcha: &Captcha) -> Result<Option<AskedCaptcha>, Failure> {
    number(
        "captcha.timeout_secs",
        captcha.timeout_secs,
        1,
        TIMEOUT_SECS_MAX,
    )?;
    let written = secret(
        "captcha.secret",
        captcha.secret.as_ref(),
        captcha.secret_file.as_deref(),
    )?;
    let provider = match captcha.provider {
        CaptchaKind::Turnstile => CaptchaProvider::Turnstile,
        CaptchaKind::HCaptcha => CaptchaProvider::HCaptcha,
        CaptchaKind::ReCaptcha => CaptchaProvider::ReCaptcha,
        CaptchaKind::None if written.is_some() => {
            return Err(Failure::usage(
                "captcha.secret: nobody is asked without captcha.provider: name the provider, or remove the secret",
            ));
        }
        CaptchaKind::None => return Ok(None),
    };
    let Some(written) = written else {
        return Err(Failure::usage(
            "captcha.secret: captcha.provider needs the secret that belongs to the page's site key; better in a file \
             that captcha.secret_file names",
        ));
    };
    let mut options = SiteVerifyOptions::new(provider, written)
        .hosts(captcha.hosts.iter().cloned())
        .min_score(captcha.min_score);
    if let Some(url) = &captcha.url {
        options = options.endpoint(url.0.expose());
    }
    if let Some(file) = &captcha.ca {
        options = options.root_certificates(read("captcha.ca", file)?);
    }
    if let Err(error) = options.check() {
        return Err(Failure::usage(format!("captcha: {}", chain(&error))));
    }
    Ok(Some(AskedCaptcha {
        options,
        at_sign_in: captcha.at_sign_in,
        failure: match captcha.in_outage {
            InOutage::Refuse => CaptchaFailure::Closed,
            InOutage::Pass => CaptchaFailure::Open,
        },
        timeout: Duration::from_secs(captcha.timeout_secs.into()),
    }))
}
