//! Access and refresh tokens, for clients that keep no cookies.

use serde_json::{Value, json};

use crate::{Answer, Browser, Person, Service};

/// A pair of tokens, as a client gets it.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
}

impl Pair {
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
            access: text("access_token"),
            refresh: text("refresh_token"),
        }
    }

    /// For somebody's password.
    ///
    /// # Panics
    /// Where it is refused.
    #[must_use]
    pub fn issue(service: &Service, person: &Person) -> Self {
        let answer = service.browser().post("/auth/token", &person.sign_in());
        Self::read(&answer.expect(200))
    }

    /// A program that calls with the access token.
    #[must_use]
    pub fn bearer(&self, service: &Service) -> Browser {
        let value = format!("Bearer {}", self.access);
        service.browser().with_header("authorization", &value)
    }

    /// Asks for the next pair.
    #[must_use]
    pub fn renew(&self, service: &Service) -> Answer {
        let body = json!({ "refresh_token": self.refresh });
        service.browser().post("/auth/refresh", &body)
    }
}
