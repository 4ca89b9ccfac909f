//! Somebody who uses the service, step by step.

use serde_json::{Value, json};

use crate::{Answer, Browser, Place};

/// Somebody with an address and a password.
#[derive(Clone, Debug)]
pub struct Person {
    /// The e-mail address.
    pub email: String,
    /// The password.
    pub password: String,
}

/// An API token, as its owner was shown it.
#[derive(Clone, Debug)]
pub struct ApiToken {
    /// Its id.
    pub id: String,
    /// The secret.
    pub token: String,
}

impl Person {
    /// `name@example.com`, with a password of their own.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            email: format!("{name}@example.com"),
            password: format!("{name}: correct horse battery staple"),
        }
    }

    /// The body of `POST /auth/signup`.
    #[must_use]
    pub fn sign_up(&self) -> Value {
        json!({ "email": self.email, "password": self.password })
    }

    /// The body of `POST /auth/sign-in`.
    #[must_use]
    pub fn sign_in(&self) -> Value {
        json!({ "identifier": self.email, "password": self.password })
    }

    /// Signs up, reads the mail, and proves the address with its link; the token, which is used up then.
    ///
    /// # Panics
    /// Where a step is refused.
    pub fn join(&self, place: &Place, browser: &Browser) -> String {
        assert!(browser.post("/auth/signup", &self.sign_up()).is_success());
        let token = place.await_mail_to(&self.email).token();
        let verified = verify(browser, &token);
        assert!(verified.is_success(), "{verified:?}");
        token
    }

    /// Signs in; the browser has a session then.
    ///
    /// # Panics
    /// Where it is refused.
    pub fn enter(&self, browser: &Browser) {
        let answer = browser.post("/auth/sign-in", &self.sign_in());
        assert!(answer.is_success(), "{answer:?}");
    }
}

/// Opens the link of a verification mail.
pub fn verify(browser: &Browser, token: &str) -> Answer {
    browser.post("/auth/signup/verify", &json!({ "token": token }))
}

impl ApiToken {
    /// The body of `POST /auth/api-tokens`.
    #[must_use]
    pub fn described(name: &str) -> Value {
        json!({ "name": name, "scopes": ["read", "write"] })
    }

    /// Makes one for whoever is signed in.
    ///
    /// # Panics
    /// Where it is refused.
    #[must_use]
    pub fn create(browser: &Browser, name: &str) -> Self {
        let answer = browser.post("/auth/api-tokens", &Self::described(name));
        assert!(answer.is_success(), "{answer:?}");
        Self::read(&answer)
    }

    /// From the answer that showed it.
    ///
    /// # Panics
    /// Where the answer has none.
    #[must_use]
    pub fn read(answer: &Answer) -> Self {
        let body = answer.json();
        let text = |field: &str| match body.get(field).and_then(Value::as_str) {
            Some(text) => text.to_owned(),
            None => panic!("no {field}: {answer:?}"),
        };
        Self {
            id: text("id"),
            token: text("token"),
        }
    }

    /// A program that uses it.
    #[must_use]
    pub fn bearer(&self, program: Browser) -> Browser {
        program.with_header("authorization", &format!("Bearer {}", self.token))
    }
}
