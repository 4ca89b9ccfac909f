//! `keys init`.

use serde_json::json;

use crate::cli::Keys;
use crate::config::Config;
use crate::failure::Failure;
use crate::folder;
use crate::output::Format;

pub(super) fn run(asked: &Keys, config: &Config, format: Format) -> Result<(), Failure> {
    match asked {
        Keys::Init => {
            folder::make_keys(config)?;
            format.print(&json!({ "keys": config.keys }), |_| {
                let file = config.keys.display();
                format!("{file} was made; keep a copy of it apart from the database")
            })
        }
    }
}
