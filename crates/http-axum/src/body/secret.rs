//! A field that is never printed.

use std::borrow::Cow;
use std::fmt;

use portcullis_core::secret::{Password, SecretText};
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::code::Code;
use crate::problem::Problem;

/// A password or token as it came: redacted from its first moment, wiped when dropped.
#[derive(Debug)]
pub(crate) struct SecretField(SecretText);

impl SecretField {
    pub(crate) const fn text(&self) -> &SecretText {
        &self.0
    }

    pub(crate) fn into_text(self) -> SecretText {
        self.0
    }

    /// The password that was typed. The refusal depends on its length alone.
    pub(crate) fn password(&self, field: &'static str) -> Result<Password, Problem> {
        Password::new(self.0.expose())
            .map_err(|error| Problem::new(Code::InvalidBody).with_field(field, error.to_string()))
    }
}

impl<'de> Deserialize<'de> for SecretField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_string(Secret)
    }
}

/// Says of what it does not take that it is no text, and not what it is.
struct Secret;

impl Visitor<'_> for Secret {
    type Value = SecretField;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<SecretField, E> {
        Ok(SecretField(SecretText::new(text)))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<SecretField, E> {
        Ok(SecretField(SecretText::new(text)))
    }
}

impl PartialSchema for SecretField {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)))
            .write_only(true)
            .into()
    }
}

impl ToSchema for SecretField {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Secret")
    }
}
