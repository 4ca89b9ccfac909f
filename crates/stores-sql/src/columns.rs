//! Reading a row column by column, so that a value that breaks its own rules is located.

use portcullis_core::error::StoreError;
use portcullis_core::secret::{Sealed, TokenDigest};
use portcullis_core::time::Timestamp;
use serde::de::DeserializeOwned;

use crate::value::Value;

/// One value of a row, where the driver keeps it.
#[derive(Clone, Copy)]
pub(crate) enum Field<'a> {
    Null,
    Int(i64),
    Text(&'a str),
    Blob(&'a [u8]),
    /// Of a type that no column of ours has, or text that is no UTF-8.
    Foreign,
}

/// A row of any driver.
pub(crate) trait Fields {
    /// The value at a position; [`Field::Foreign`] past the last.
    fn field(&self, index: usize) -> Field<'_>;
}

/// A row that left its connection.
pub(crate) struct Row(pub(crate) Vec<Value>);

impl Fields for Row {
    fn field(&self, index: usize) -> Field<'_> {
        match self.0.get(index) {
            Some(Value::Null) => Field::Null,
            Some(Value::Int(value)) => Field::Int(*value),
            Some(Value::Text(text)) => Field::Text(text),
            Some(Value::Blob(bytes)) => Field::Blob(bytes),
            None => Field::Foreign,
        }
    }
}

/// The columns of a row, taken one after the other in the order of the statement.
pub(crate) struct Columns<'a> {
    row: &'a dyn Fields,
    next: usize,
    table: &'static str,
}

type Taken<T> = Result<T, StoreError>;

impl<'a> Columns<'a> {
    pub(crate) fn new(row: &'a dyn Fields) -> Self {
        Self {
            row,
            next: 0,
            table: "",
        }
    }

    /// The columns that follow belong to this table.
    pub(crate) const fn of(&mut self, table: &'static str) -> &mut Self {
        self.table = table;
        self
    }

    /// Passes over columns that are read already, or not at all.
    pub(crate) const fn skip(&mut self, columns: usize) -> &mut Self {
        self.next = self.next.saturating_add(columns);
        self
    }

    /// Whether the next column holds nothing; it stays the next.
    pub(crate) fn is_null(&self) -> bool {
        matches!(self.row.field(self.next), Field::Null)
    }

    fn field(&mut self) -> Field<'a> {
        let field = self.row.field(self.next);
        self.next = self.next.saturating_add(1);
        field
    }

    /// Takes a column that may be null with `take`, or passes over it.
    fn optional<T>(&mut self, take: impl FnOnce(&mut Self) -> Taken<T>) -> Taken<Option<T>> {
        if self.is_null() {
            self.skip(1);
            return Ok(None);
        }
        take(self).map(Some)
    }

    const fn corrupt(&self, column: &'static str) -> StoreError {
        StoreError::corrupt(self.table, column)
    }

    pub(crate) fn int(&mut self, column: &'static str) -> Taken<i64> {
        match self.field() {
            Field::Int(value) => Ok(value),
            _ => Err(self.corrupt(column)),
        }
    }

    pub(crate) fn flag(&mut self, column: &'static str) -> Taken<bool> {
        Ok(self.int(column)? != 0)
    }

    pub(crate) fn number(&mut self, column: &'static str) -> Taken<u32> {
        let value = self.int(column)?;
        u32::try_from(value).map_err(|_| self.corrupt(column))
    }

    pub(crate) fn time(&mut self, column: &'static str) -> Taken<Timestamp> {
        self.int(column).map(Timestamp::from_micros)
    }

    pub(crate) fn optional_time(&mut self, column: &'static str) -> Taken<Option<Timestamp>> {
        self.optional(|columns| columns.time(column))
    }

    pub(crate) fn optional_number(&mut self, column: &'static str) -> Taken<Option<u32>> {
        self.optional(|columns| columns.number(column))
    }

    pub(crate) fn str(&mut self, column: &'static str) -> Taken<&'a str> {
        match self.field() {
            Field::Text(text) => Ok(text),
            _ => Err(self.corrupt(column)),
        }
    }

    pub(crate) fn text(&mut self, column: &'static str) -> Taken<String> {
        self.str(column).map(str::to_owned)
    }

    pub(crate) fn optional_text(&mut self, column: &'static str) -> Taken<Option<String>> {
        self.optional(|columns| columns.text(column))
    }

    pub(crate) fn blob(&mut self, column: &'static str) -> Taken<&'a [u8]> {
        match self.field() {
            Field::Blob(bytes) => Ok(bytes),
            _ => Err(self.corrupt(column)),
        }
    }

    fn bytes<const N: usize>(&mut self, column: &'static str) -> Taken<[u8; N]> {
        let bytes = self.blob(column)?;
        bytes.try_into().map_err(|_| self.corrupt(column))
    }

    pub(crate) fn id<T>(&mut self, column: &'static str, make: fn([u8; 16]) -> T) -> Taken<T> {
        self.bytes(column).map(make)
    }

    pub(crate) fn optional_id<T>(
        &mut self,
        column: &'static str,
        make: fn([u8; 16]) -> T,
    ) -> Taken<Option<T>> {
        self.optional(|columns| columns.id(column, make))
    }

    /// A text that stands for one of a fixed set of values.
    pub(crate) fn spelled<T>(
        &mut self,
        column: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Taken<T> {
        let text = self.str(column)?;
        read(text).ok_or_else(|| self.corrupt(column))
    }

    pub(crate) fn optional_spelled<T>(
        &mut self,
        column: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Taken<Option<T>> {
        self.optional(|columns| columns.spelled(column, read))
    }

    /// The parser's own error is dropped: it quotes what it read.
    pub(crate) fn json<T: DeserializeOwned>(&mut self, column: &'static str) -> Taken<T> {
        let text = self.str(column)?;
        serde_json::from_str(text).map_err(|_| self.corrupt(column))
    }

    pub(crate) fn optional_json<T: DeserializeOwned>(
        &mut self,
        column: &'static str,
    ) -> Taken<Option<T>> {
        self.optional(|columns| columns.json(column))
    }

    /// Two columns: the hash and the version of its key.
    pub(crate) fn digest(
        &mut self,
        column: &'static str,
        version: &'static str,
    ) -> Taken<TokenDigest> {
        Ok(TokenDigest {
            bytes: self.bytes(column)?,
            key_version: self.number(version)?,
        })
    }

    /// Two columns: the sealed bytes and the version of their key.
    pub(crate) fn sealed(&mut self, column: &'static str, version: &'static str) -> Taken<Sealed> {
        Ok(Sealed {
            bytes: self.blob(column)?.to_vec(),
            key_version: self.number(version)?,
        })
    }

    /// Two columns that are null together.
    pub(crate) fn optional_sealed(
        &mut self,
        column: &'static str,
        version: &'static str,
    ) -> Taken<Option<Sealed>> {
        if self.is_null() {
            self.skip(2);
            return Ok(None);
        }
        self.sealed(column, version).map(Some)
    }
}
