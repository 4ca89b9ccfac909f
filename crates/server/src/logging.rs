//! Logs: to standard error, as text or JSON, filtered by target.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::config::{Config, LogFormat};
use crate::failure::Failure;

/// Wins over the setting.
const VARIABLE: &str = "RUST_LOG";
/// Commands that end say what went wrong by themselves.
const OF_COMMANDS: &str = "error";

/// For the service.
pub(crate) fn start(config: &Config) -> Result<(), Failure> {
    init(&config.log, config.log_format)
}

/// For every other command.
pub(crate) fn start_quiet(config: &Config) -> Result<(), Failure> {
    init(OF_COMMANDS, config.log_format)
}

fn init(default: &str, format: LogFormat) -> Result<(), Failure> {
    let filter = match std::env::var(VARIABLE) {
        Ok(filter) if !filter.is_empty() => filter,
        _ => default.to_owned(),
    };
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| Failure::usage(format!("{VARIABLE}: {error}")))?;
    let logs = fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    let started = match format {
        LogFormat::Text => logs.try_init(),
        LogFormat::Json => logs.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| Failure::usage(format!("log: {error}")))
}
