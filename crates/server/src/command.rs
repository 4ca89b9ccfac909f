//! What each command does. One file a command.

mod audit;
mod config;
mod keys;
mod migrate;
mod openapi;
mod operator;
mod outbox;
mod password;
mod token;
mod user;

use std::io;

use tokio::runtime::{Builder, Runtime};

use crate::cli::{Command, Global};
use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::output::Format;
use crate::{logging, serve};
use operator::Operator;

/// Does what was asked.
pub(crate) fn run(global: &Global, command: Command) -> Result<(), Failure> {
    let format = Format::new(global.json);
    match command {
        Command::Serve(asked) => {
            let config = Config::load(global, asked.listen)?;
            serve::run(&config, asked.without_limits, format)
        }
        Command::Openapi => openapi::run(),
        Command::Config(asked) => config::run(&asked, global, format),
        Command::Keys(asked) => keys::run(&asked, &quietly(global)?, format),
        Command::Migrate { plan } => {
            let config = quietly(global)?;
            runtime()?.block_on(migrate::run(plan, &config, format))
        }
        Command::User(asked) => {
            let config = quietly(global)?;
            runtime()?.block_on(async {
                let operator = Operator::open(&config, format).await?;
                user::run(asked, &operator).await
            })
        }
        Command::Token(asked) => {
            let config = quietly(global)?;
            runtime()?.block_on(async {
                let operator = Operator::open(&config, format).await?;
                token::run(asked, &operator).await
            })
        }
        Command::Outbox(asked) => {
            let config = quietly(global)?;
            runtime()?.block_on(async {
                let operator = Operator::open(&config, format).await?;
                outbox::run(asked, &operator).await
            })
        }
        Command::Audit(asked) => {
            let config = quietly(global)?;
            runtime()?.block_on(async {
                let operator = Operator::open(&config, format).await?;
                audit::run(asked, &operator).await
            })
        }
    }
}

/// The settings, for a command that logs errors only.
fn quietly(global: &Global) -> Result<Config, Failure> {
    let config = Config::load(global, None)?;
    logging::start_quiet(&config)?;
    Ok(config)
}

fn runtime() -> Result<Runtime, Failure> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| no_runtime(&error))
}

pub(crate) fn no_runtime(error: &io::Error) -> Failure {
    Failure::caused(
        Exit::Failure,
        "the system gives no threads or timers",
        error,
    )
}
