//! `openapi`.

use crate::failure::Failure;
use crate::output::print;

pub(super) fn run() -> Result<(), Failure> {
    let document = portcullis_http_axum::openapi();
    let json = serde_json::to_string_pretty(&document).map_err(std::io::Error::from);
    print(&json.map_err(|error| Failure::output(&error))?)
}
