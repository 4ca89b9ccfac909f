//! An HTTP client with a cookie jar.

use std::time::Duration;

use serde_json::Value;
use ureq::http::{Method, Request, Response};
use ureq::{Agent, Body};

/// Longer than any answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(45);

/// A client of one service. Cookies it is given come back with its next requests.
#[derive(Clone, Debug)]
pub struct Browser {
    agent: Agent,
    base: String,
    headers: Vec<(String, String)>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub text: String,
}

impl Browser {
    pub(crate) fn new(address: &str) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(ANSWER_WITHIN))
            // The service closes a connection that is idle for 10 s; one that is older than half of that is not used
            // again, so that no request meets the closing.
            .max_idle_age(Duration::from_secs(5))
            .build();
        Self {
            agent: config.into(),
            base: format!("http://{address}"),
            headers: Vec::new(),
        }
    }

    /// Sends this header with every request from now on.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends a request with a JSON body, or none.
    ///
    /// # Errors
    /// Where no answer came: whether the request was carried out is unknown.
    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, String> {
        let method: Method = method.parse().map_err(|error| format!("{error}"))?;
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        for (name, value) in &self.headers {
            request = request.header(name, value.as_bytes());
        }
        let sent = match body {
            Some(body) => {
                let request = request.header("content-type", "application/json");
                let request = request.body(body.to_string());
                self.agent.run(request.map_err(|error| error.to_string())?)
            }
            None => {
                let request = request.body(());
                self.agent.run(request.map_err(|error| error.to_string())?)
            }
        };
        Answer::read(sent.map_err(|error| error.to_string())?)
    }

    /// Sends a request that must be answered.
    ///
    /// # Panics
    /// Where it is not.
    pub fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.try_send(method, path, body)
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// `GET`.
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None)
    }

    /// `POST` with a JSON body.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, Some(body))
    }

    /// `DELETE`.
    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, None)
    }

    /// The value of a cookie in the jar.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<String> {
        let jar = self.agent.cookie_jar_lock();
        let found = jar.iter().find(|cookie| cookie.name() == name);
        found.map(|cookie| cookie.value().to_owned())
    }
}

impl Answer {
    fn read(answer: Response<Body>) -> Result<Self, String> {
        let (parts, mut body) = answer.into_parts();
        let headers = parts.headers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        });
        Ok(Self {
            status: parts.status.as_u16(),
            headers: headers.collect(),
            text: body.read_to_string().map_err(|error| error.to_string())?,
        })
    }

    /// The same, after checking its status.
    ///
    /// # Panics
    /// Where it has another.
    #[must_use]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// Where it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Whether it was done.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }
}
