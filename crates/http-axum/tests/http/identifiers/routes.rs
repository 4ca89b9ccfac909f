//! Finding the routes, and what else their bodies need.

use std::fmt;

use axum::http::{Method, header};
use serde_json::{Map, Value};

use crate::app::{Answer, App, Client};

const FORM: &str = "application/x-www-form-urlencoded";

/// What a field of a body is to the walk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    /// It says who somebody is.
    Name,
    /// A password goes there.
    Password,
    /// Neither. No route that takes a name needs it.
    Other,
}

/// Every field of every body. One that is not here fails the walk, so that none names somebody unseen.
const FIELDS: &[(&str, Field)] = &[
    ("email", Field::Name),
    ("identifier", Field::Name),
    ("password", Field::Password),
    ("captcha", Field::Other),
    ("code", Field::Other),
    ("cookies", Field::Other),
    ("current_password", Field::Other),
    ("expires_in_secs", Field::Other),
    ("ip_allowlist", Field::Other),
    // What a session or an API token is called.
    ("name", Field::Other),
    ("new_password", Field::Other),
    ("refresh_token", Field::Other),
    ("return_to", Field::Other),
    ("scopes", Field::Other),
    ("ticket", Field::Other),
    ("token", Field::Other),
];

/// A route that takes a name.
pub(super) struct Route {
    method: Method,
    path: String,
    /// The content types that it takes.
    pub(super) encodings: Vec<String>,
    /// Whether somebody has to be signed in to ask.
    pub(super) needs_session: bool,
    /// Whether it takes a password, and so hashes one.
    pub(super) takes_password: bool,
    names: Vec<String>,
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// All of them, by the document that an app with everything on serves.
pub(super) async fn that_take_a_name() -> Vec<Route> {
    let app = App::new().await;
    let document = app.client().get("/auth/openapi.json").await.json();
    let mut routes = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (verb, operation) in operations.as_object().unwrap() {
            let Some(content) = operation["requestBody"]["content"].as_object() else {
                continue;
            };
            routes.extend(Route::read(&document, (verb, path), operation, content));
        }
    }
    routes
}

impl Route {
    /// `None` where the body names nobody.
    fn read(
        document: &Value,
        (verb, path): (&str, &str),
        operation: &Value,
        content: &Map<String, Value>,
    ) -> Option<Self> {
        let mut route = Self {
            method: verb.to_uppercase().parse().unwrap(),
            path: path.to_owned(),
            encodings: content.keys().cloned().collect(),
            needs_session: !is_public(operation),
            takes_password: false,
            names: Vec::new(),
        };
        let schema = content.values().next().unwrap();
        let reference = schema["schema"]["$ref"].as_str().unwrap();
        let body = document.pointer(reference.trim_start_matches('#')).unwrap();
        let required: Vec<&str> = body["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let mut others = Vec::new();
        for field in body["properties"].as_object().unwrap().keys() {
            let known = FIELDS.iter().find(|(name, _)| name == field);
            let Some((_, known)) = known else {
                panic!("{route} takes `{field}`: say in FIELDS whether it says who somebody is")
            };
            match known {
                Field::Name => route.names.push(field.clone()),
                Field::Password => route.takes_password = true,
                Field::Other if required.contains(&field.as_str()) => others.push(field),
                Field::Other => {}
            }
        }
        if route.names.is_empty() {
            return None;
        }
        assert!(
            others.is_empty(),
            "{route} takes a name and needs {others:?}: the walk has no sample of that"
        );
        Some(route)
    }

    /// Asks about somebody, in one of the encodings.
    pub(super) async fn ask(
        &self,
        client: &mut Client<'_>,
        encoding: &str,
        who: &str,
        password: &str,
    ) -> Answer {
        let mut fields: Vec<_> = self.names.iter().map(|name| (name.as_str(), who)).collect();
        if self.takes_password {
            fields.push(("password", password));
        }
        let body = if encoding == FORM {
            let accept = "text/html".parse().unwrap();
            client.headers.insert(header::ACCEPT, accept);
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            form.extend_pairs(fields).finish()
        } else {
            let text = |(name, value): (&str, &str)| (name.to_owned(), Value::from(value));
            Value::Object(fields.into_iter().map(text).collect()).to_string()
        };
        let body = Some((encoding, body.into_bytes()));
        client.request(self.method.clone(), &self.path, body).await
    }
}

/// Whether nobody has to be signed in: an empty requirement is none.
fn is_public(operation: &Value) -> bool {
    let requirements = operation["security"].as_array().unwrap();
    let is_empty = |requirement: &Value| requirement.as_object().unwrap().is_empty();
    requirements.iter().any(is_empty)
}
