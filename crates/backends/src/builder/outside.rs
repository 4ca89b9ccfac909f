//! Who else is asked while a request waits.

use std::sync::Arc;
use std::time::Duration;

use super::Builder;
use crate::breach::BreachCheck;
use crate::captcha::{Captcha, CaptchaFailure};

impl<S> Builder<S> {
    /// Who is asked whether a new password is known from a breach; nobody where nothing is said. What holds where that
    /// cannot be told, the policy says (`password_breach_check_required`); without this it is refused to require it.
    #[must_use]
    pub fn breach_check(mut self, check: impl BreachCheck) -> Self {
        self.breaches.check = Some(Arc::new(check));
        self
    }

    /// How long an answer is waited for: 2 seconds where nothing is said, and at most 10.
    #[must_use]
    pub fn breach_timeout(mut self, window: Duration) -> Self {
        self.breaches.outside.answer_within(window);
        self
    }

    /// Who says whether there is a person, before anybody signs up or is sent a mail that they need not have asked for;
    /// nobody where nothing is said.
    #[must_use]
    pub fn captcha(mut self, captcha: impl Captcha) -> Self {
        self.captchas.check = Some(Arc::new(captcha));
        self
    }

    /// Asks at sign-in with a password too. Guesses are delayed without it, and people who come back are spared it.
    #[must_use]
    pub fn captcha_at_sign_in(mut self) -> Self {
        self.captchas.at_sign_in = true;
        self
    }

    /// What holds where that cannot be told; the request waits where nothing is said.
    #[must_use]
    pub fn captcha_failure(mut self, failure: CaptchaFailure) -> Self {
        self.captchas.failure = failure;
        self
    }

    /// How long an answer is waited for: 2 seconds where nothing is said, and at most 10.
    #[must_use]
    pub fn captcha_timeout(mut self, window: Duration) -> Self {
        self.captchas.outside.answer_within(window);
        self
    }
}
