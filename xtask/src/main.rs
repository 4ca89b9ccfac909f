//! The project's own tools. `cargo xtask` lists the commands; each has a file of its name.
//!
//! A gate is a pure function from data (the workspace graph, the tree's texts) to violations, so
//! that it can be fed a broken tree, and runs both by command and as a test of this crate.
#![expect(
    clippy::print_stdout,
    reason = "a command-line tool reports on standard output"
)]
#![expect(
    clippy::print_stderr,
    reason = "a command-line tool complains on standard error"
)]

mod api;
mod bench;
mod check;
mod choose;
mod conformance;
mod deny;
mod docs;
mod features;
mod generated;
mod layers;
mod lint;
mod openapi;
mod process;
mod routes;
mod services;
mod size;
mod test;
mod tidy;
mod tree;
mod violation;
mod workspace;

use std::process::ExitCode;

use process::{Outcome, USAGE};

/// One word after `cargo xtask`.
struct Command {
    name: &'static str,
    help: &'static str,
    /// Takes what follows the name; gives the exit code.
    run: fn(&[String]) -> Outcome,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "test",
        help: "every test [--long] [-p crate] [cargo test's arguments]",
        run: test::run,
    },
    Command {
        name: "check",
        help: "every gate but the tests, and a table of them",
        run: check::run,
    },
    Command {
        name: "conformance",
        help: "what each store passes of the suite [--list] [--store names]",
        run: conformance::run,
    },
    Command {
        name: "services",
        help: "servers for tests, found or started [mariadb] [stop]",
        run: services::run,
    },
    Command {
        name: "api",
        help: "the public API of each crate, against docs/api [--bless]",
        run: api::run,
    },
    Command {
        name: "openapi",
        help: "what the binary prints, against docs/openapi.json [--bless]",
        run: openapi::run,
    },
    Command {
        name: "choose",
        help: "what each crate brings along, against docs/adopting [--bless]",
        run: choose::run,
    },
    Command {
        name: "bless",
        help: "every generated file anew: api, openapi, choose, routes",
        run: check::bless,
    },
    Command {
        name: "routes",
        help: "the route table, against its golden file [--bless]",
        run: routes::run,
    },
    Command {
        name: "bench",
        help: "what a request costs, as ratios within one run; release [--stores]",
        run: bench::run,
    },
    Command {
        name: "lint",
        help: "formatting, clippy per package, then `features`",
        run: lint::run,
    },
    Command {
        name: "features",
        help: "each library crate with no, each and every feature",
        run: features::run,
    },
    Command {
        name: "layers",
        help: "dependency edges, inside and out, against the design",
        run: layers::run,
    },
    Command {
        name: "size",
        help: "lengths of source files",
        run: size::run,
    },
    Command {
        name: "tidy",
        help: "banned words, links, cited tests, security rows [--ids]",
        run: tidy::run,
    },
    Command {
        name: "docs",
        help: "API docs without warnings, and the examples",
        run: docs::run,
    },
    Command {
        name: "deny",
        help: "licences, bans and sources of dependencies [--install]",
        run: deny::run,
    },
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(name) = arguments.next() else {
        println!("{}", listing());
        return ExitCode::SUCCESS;
    };
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        eprintln!("no command `{name}`\n\n{}", listing());
        return ExitCode::from(USAGE);
    };
    let arguments: Vec<String> = arguments.collect();
    match (command.run)(&arguments) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn listing() -> String {
    let lines = COMMANDS
        .iter()
        .map(|command| format!("  {:<11} {}", command.name, command.help));
    format!(
        "cargo xtask <command>\n{}",
        lines.collect::<Vec<_>>().join("\n")
    )
}
