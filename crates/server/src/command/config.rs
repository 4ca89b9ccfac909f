//! `config reference` and `config check`.

use serde_json::json;

use crate::cli;
use crate::config::{Config, reference};
use crate::failure::Failure;
use crate::output::{Format, print};

pub(super) fn run(
    asked: &cli::Config,
    global: &cli::Global,
    format: Format,
) -> Result<(), Failure> {
    match asked {
        cli::Config::Reference => print(&reference()),
        cli::Config::Check => {
            Config::load(global, None)?;
            format.print(&json!({ "valid": true }), |_| {
                "the settings are valid".to_owned()
            })
        }
    }
}
