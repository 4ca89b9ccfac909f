//! Forms (`application/x-www-form-urlencoded`), read strictly: a text that is no UTF-8 is refused instead of replaced,
//! and a name that comes twice is refused instead of picked.

use serde::de::value::{Error, MapDeserializer, StringDeserializer};
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

/// One field's value. Empty stands for absent where the field is optional: browsers send fields that nobody filled in.
pub(crate) struct Value(String);

impl Value {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Names and values in order; `None` for what is no UTF-8 after decoding.
pub(crate) fn parse(body: &[u8]) -> Option<Vec<(String, Value)>> {
    let text = |bytes: &[u8]| String::from_utf8(decode(bytes)).ok();
    body.split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let at = pair
                .iter()
                .position(|byte| *byte == b'=')
                .unwrap_or(pair.len());
            let (name, value) = pair.split_at_checked(at)?;
            let value = value.strip_prefix(b"=").unwrap_or_default();
            Some((text(name)?, Value(text(value)?)))
        })
        .collect()
}

/// `+` and `%XX` undone (WHATWG URL, section 5.1). A percent sign that starts no byte stands for itself.
pub(crate) fn decode(bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        decoded.push(match (first, after) {
            (b'+', _) => b' ',
            (b'%', [high, low, remaining @ ..]) => match byte(*high, *low) {
                Some(byte) => {
                    rest = remaining;
                    byte
                }
                None => b'%',
            },
            (other, _) => other,
        });
    }
    decoded
}

fn byte(high: u8, low: u8) -> Option<u8> {
    let digit = |c: u8| {
        char::from(c)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    Some((digit(high)? << 4) | digit(low)?)
}

/// Fills a type from the fields; the type itself refuses those it does not know and those that come twice.
pub(crate) fn deserialize<T: DeserializeOwned>(fields: Vec<(String, Value)>) -> Result<T, Error> {
    T::deserialize(MapDeserializer::new(fields.into_iter()))
}

impl<'de> IntoDeserializer<'de, Error> for Value {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Value {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_empty() {
            visitor.visit_none()
        } else {
            visitor.visit_some(StringDeserializer::new(self.0))
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
