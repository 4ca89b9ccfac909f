//! The `portcullis` binary: configuration, wiring, command line. See the crate's README.

mod assemble;
mod cli;
mod command;
mod config;
mod failure;
mod folder;
mod logging;
mod output;
mod serve;
mod stores;
mod when;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let (global, command) = match cli::Cli::parse().into_parts() {
        Ok(parts) => parts,
        Err(error) => error.exit(),
    };
    match command::run(&global, command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.is_silent() {
                output::note(&format!("portcullis: {failure}"));
            }
            failure.code()
        }
    }
}
