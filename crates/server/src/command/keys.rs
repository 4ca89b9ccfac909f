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
            let access = folder::access_keys(config)?.map(|_| &config.access_tokens.keys);
            let made = json!({ "keys": config.keys, "access_tokens_keys": access });
            format.print(&made, |_| {
                let file = config.keys.display();
                let mut text =
                    format!("{file} was made; keep a copy of it apart from the database");
                if let Some(file) = access {
                    let file = file.display();
                    text.push_str(&format!("\n{file} signs access tokens; it needs no copy"));
                }
                text
            })
        }
    }
}
