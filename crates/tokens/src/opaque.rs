//! Opaque tokens: `<app>_<class>_<id><secret><check>`.
//!
//! | part | characters | what |
//! |---|---|---|
//! | app | 2 to 8 | the application, `pcl` by default: lower-case letters and digits |
//! | class | 3 | [`TokenClass`]: `ses`, `pat`, `rft`, `vfy`, `tkt` |
//! | id | 22 | 128 bits, the key its row is found by |
//! | secret | 43 | 256 bits from the injected entropy |
//! | check | 6 | CRC-32 of everything before it |
//!
//! The last three are base62 (`0-9A-Za-z`) of fixed width, so a token is URL-safe, a double click selects it whole, and
//! secret scanners and the router recognise one without a lookup. The check finds typing errors and false alarms; it
//! proves nothing. Only canonical encodings parse: two different texts are never the same token.

mod base62;
mod checksum;
mod format;
mod lineage;
mod tokens;

pub use format::{FormatError, PresentedToken, TokenClass, TokenFormat, TokenParseError};
pub use tokens::{Minted, Tokens};
