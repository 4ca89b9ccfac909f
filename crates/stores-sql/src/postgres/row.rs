//! Values on their way to PostgreSQL and back, always in its binary form.

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{
    PgArgumentBuffer, PgArguments, PgRow, PgTypeInfo, PgValueFormat, PgValueRef, Postgres,
};
use sqlx::{Arguments, Encode, Row as _, Type, ValueRef};

use crate::columns::{Field, Fields, Row};
use crate::value::Value;

/// Null of no type: the server takes the type from where it stands.
struct Untyped;

impl Type<Postgres> for Untyped {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(0))
    }
}

impl Encode<'_, Postgres> for Untyped {
    fn encode_by_ref(&self, _buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Ok(IsNull::Yes)
    }
}

/// The values of a statement, in the order of its places.
pub(super) fn arguments(values: &[Value]) -> Result<PgArguments, sqlx::Error> {
    let mut arguments = PgArguments::default();
    for value in values {
        match value {
            Value::Null => arguments.add(Untyped),
            Value::Int(value) => arguments.add(*value),
            Value::Text(text) => arguments.add(text.as_str()),
            Value::Blob(bytes) => arguments.add(bytes.as_slice()),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

// From `pg_type.dat`, where they never change.
const BOOL: u32 = 16;
const BYTEA: u32 = 17;
const INT8: u32 = 20;
const INT4: u32 = 23;
const TEXT: u32 = 25;

impl Fields for PgRow {
    fn field(&self, index: usize) -> Field<'_> {
        let value = self.try_get_raw(index).ok();
        value
            .and_then(|value| field(&value))
            .unwrap_or(Field::Foreign)
    }
}

fn field<'r>(value: &PgValueRef<'r>) -> Option<Field<'r>> {
    if value.is_null() {
        return Some(Field::Null);
    }
    if value.format() != PgValueFormat::Binary {
        return None;
    }
    let Oid(kind) = value.type_info().oid()?;
    let bytes = value.as_bytes().ok()?;
    Some(match kind {
        BYTEA => Field::Blob(bytes),
        TEXT => Field::Text(std::str::from_utf8(bytes).ok()?),
        INT8 => Field::Int(i64::from_be_bytes(bytes.try_into().ok()?)),
        INT4 => Field::Int(i32::from_be_bytes(bytes.try_into().ok()?).into()),
        BOOL => Field::Int(i64::from(bytes != [0])),
        _ => return None,
    })
}

/// The row, apart from the message it came in. A foreign value becomes null, which no column that must hold something
/// takes.
pub(super) fn own(row: &PgRow) -> Row {
    let values = (0..row.columns().len()).map(|index| match row.field(index) {
        Field::Null | Field::Foreign => Value::Null,
        Field::Int(value) => Value::Int(value),
        Field::Text(text) => Value::Text(text.to_owned()),
        Field::Blob(bytes) => Value::Blob(bytes.to_owned()),
    });
    Row(values.collect())
}
