//! JSON objects in which no member stands twice.
//!
//! RFC 8259 leaves open what a repeated name means, so two readers may see two different tokens (RFC 8725 section 2.4).

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::JwtRejection;

/// Said by [`Unique`] to [`object`], through an error type that carries text alone.
const TWICE: &str = "a member stands twice";

/// Reads one JSON object of distinct members, at every depth, and nothing behind it.
pub(super) fn object(bytes: &[u8]) -> Result<Map<String, Value>, JwtRejection> {
    let text = str::from_utf8(bytes).map_err(|_| JwtRejection::Malformed)?;
    // A pass of its own: what the second pass builds has forgotten the repetition.
    let mut scan = serde_json::Deserializer::from_str(text);
    Unique.deserialize(&mut scan).map_err(|error| {
        if error.is_data() && error.to_string().starts_with(TWICE) {
            JwtRejection::DuplicateMember
        } else {
            JwtRejection::Malformed
        }
    })?;
    serde_json::from_str(text).map_err(|_| JwtRejection::Malformed)
}

/// Any JSON value, looked through and forgotten.
#[derive(Clone, Copy)]
struct Unique;

impl<'de> DeserializeSeed<'de> for Unique {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        // Names are compared as they read, not as they are escaped.
        while let Some(name) = map.next_key::<String>()? {
            if !seen.insert(name) {
                return Err(A::Error::custom(TWICE));
            }
            map.next_value_seed(self)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        while sequence.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}
