//! One line, and the person it stands for.

use std::fmt::Write as _;

use portcullis_backends::flow::{ImportState, ImportUser};
use portcullis_core::identifier::Identifier;
use portcullis_core::secret::SecretText;
use portcullis_core::text::printable;
use portcullis_tokens::password::ForeignHash;
use serde_json::{Map, Value};

use crate::when::Moment;

/// Why a line is refused. Never what stands in it: a field may hold a password.
pub(super) type Reason = String;

const CLEAR_TEXT: &str = "passwords in clear text are not imported: give their hashes as password_hash, or leave them out";

/// What a line may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Email,
    Username,
    Verified,
    PasswordHash,
    Name,
    Phone,
    Profile,
    CreatedAt,
    State,
}

impl Column {
    const ALL: [(&'static str, Self); 9] = [
        ("email", Self::Email),
        ("username", Self::Username),
        ("verified", Self::Verified),
        ("password_hash", Self::PasswordHash),
        ("name", Self::Name),
        ("phone", Self::Phone),
        ("profile", Self::Profile),
        ("created_at", Self::CreatedAt),
        ("state", Self::State),
    ];

    fn of_name(name: &str) -> Result<Self, Reason> {
        if ["password", "cleartext", "plaintext", "clear_password"].contains(&name) {
            return Err(CLEAR_TEXT.to_owned());
        }
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        let found = found.map(|(_, column)| *column).ok_or_else(|| {
            let mut sentence = format!("unknown: `{}`; known are", printable(name, 40));
            for (known, _) in Self::ALL {
                // Writing to a String cannot fail.
                let _written = write!(sentence, " {known}");
            }
            sentence
        })?;
        Ok(found)
    }

    /// The columns that a header names.
    pub(super) fn of_header<'a>(names: impl Iterator<Item = &'a str>) -> Result<Vec<Self>, Reason> {
        let mut columns = Vec::new();
        for name in names {
            let column = Self::of_name(name.trim())?;
            if columns.contains(&column) {
                return Err(format!("the header has `{}` twice", name.trim()));
            }
            columns.push(column);
        }
        if columns.contains(&Self::Email) || columns.contains(&Self::Username) {
            Ok(columns)
        } else {
            Err("the header has neither `email` nor `username`".to_owned())
        }
    }
}

/// What a line says; what it leaves out or empty is `None`.
#[derive(Default)]
pub(super) struct Row {
    email: Option<String>,
    username: Option<String>,
    verified: bool,
    password_hash: Option<SecretText>,
    name: Option<String>,
    phone: Option<String>,
    profile: Map<String, Value>,
    created_at: Option<String>,
    state: Option<String>,
}

impl Row {
    pub(super) fn of_fields(columns: &[Column], record: &csv::ByteRecord) -> Result<Self, Reason> {
        let mut row = Self::default();
        for (column, field) in columns.iter().zip(record) {
            let text = str::from_utf8(field).map_err(|_| "not UTF-8".to_owned())?;
            if !text.is_empty() {
                row.set(*column, text)?;
            }
        }
        Ok(row)
    }

    pub(super) fn of_json(line: &[u8]) -> Result<Self, Reason> {
        let fields: Map<String, Value> =
            serde_json::from_slice(line).map_err(|_| "not a JSON object".to_owned())?;
        let mut row = Self::default();
        for (name, value) in fields {
            let column = Column::of_name(&name)?;
            match (column, value) {
                (_, Value::Null) => {}
                (Column::Verified, Value::Bool(verified)) => row.verified = verified,
                (Column::Profile, Value::Object(profile)) => row.profile = profile,
                // A Keycloak credential may stand as it is.
                (Column::PasswordHash, credential @ Value::Object(_)) => {
                    row.password_hash = Some(SecretText::new(credential.to_string()));
                }
                (Column::Verified | Column::Profile, _) => {
                    return Err(format!("{name}: of another JSON type"));
                }
                (column, Value::String(text)) if !text.is_empty() => row.set(column, &text)?,
                (_, Value::String(_)) => {}
                _ => return Err(format!("{name}: of another JSON type")),
            }
        }
        Ok(row)
    }

    fn set(&mut self, column: Column, text: &str) -> Result<(), Reason> {
        let owned = || Some(text.to_owned());
        match column {
            Column::Email => self.email = owned(),
            Column::Username => self.username = owned(),
            Column::Name => self.name = owned(),
            Column::Phone => self.phone = owned(),
            Column::CreatedAt => self.created_at = owned(),
            Column::State => self.state = owned(),
            Column::PasswordHash => self.password_hash = Some(SecretText::new(text)),
            Column::Verified => {
                self.verified = match text.to_ascii_lowercase().as_str() {
                    "true" | "t" | "yes" | "1" => true,
                    "false" | "f" | "no" | "0" => false,
                    _ => return Err("verified: neither true nor false".to_owned()),
                }
            }
            Column::Profile => {
                self.profile = serde_json::from_str(text)
                    .map_err(|_| "profile: not a JSON object".to_owned())?;
            }
        }
        Ok(())
    }

    /// The person, where there is one in it.
    pub(super) fn into_person(self, pepper: Option<&SecretText>) -> Result<ImportUser, Reason> {
        let mut identifiers = Vec::with_capacity(2);
        if let Some(email) = &self.email {
            identifiers.push(Identifier::email(email).map_err(|error| format!("email: {error}"))?);
        }
        if let Some(name) = &self.username {
            let name = Identifier::username(name);
            identifiers.push(name.map_err(|error| format!("username: {error}"))?);
        }
        let mut profile = self.profile;
        for (key, value) in [("name", self.name), ("phone", self.phone)] {
            if let Some(value) = value {
                profile.insert(key.to_owned(), Value::String(value));
            }
        }
        let created_at = match self.created_at {
            Some(text) => {
                let moment: Result<Moment, _> = text.parse();
                Some(moment.map_err(|error| format!("created_at: {error}"))?.0)
            }
            None => None,
        };
        let state = match self.state.as_deref() {
            None | Some("active") => ImportState::Active,
            Some("suspended") => ImportState::Suspended,
            Some(_) => return Err("state: neither active nor suspended".to_owned()),
        };
        let password = match &self.password_hash {
            Some(text) => {
                Some(foreign(text, pepper).map_err(|error| format!("password_hash: {error}"))?)
            }
            None => None,
        };
        Ok(ImportUser {
            identifiers,
            verified: self.verified,
            password,
            profile: Value::Object(profile),
            created_at,
            state,
        })
    }
}

fn foreign(
    text: &SecretText,
    pepper: Option<&SecretText>,
) -> Result<ForeignHash, portcullis_tokens::password::ForeignRefusal> {
    let foreign = ForeignHash::parse(text.expose().trim())?;
    match pepper {
        Some(pepper) => foreign.with_pepper(pepper.clone()),
        None => Ok(foreign),
    }
}
