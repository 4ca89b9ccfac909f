//! The command line as people see it.

use std::fmt::Write as _;

use clap::{CommandFactory as _, Parser as _};

use super::{Cli, Command};

fn parse(line: &str) -> Result<Command, clap::Error> {
    let words = std::iter::once("portcullis").chain(line.split_whitespace());
    Cli::try_parse_from(words)
        .and_then(Cli::into_parts)
        .map(|(_, command)| command)
}

/// The help of a command and of everything below it.
fn collect(command: &mut clap::Command, path: &str, pages: &mut String) {
    let _ = writeln!(pages, "$ {path} --help\n{}", command.render_long_help());
    let below: Vec<String> = command
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .filter(|name| name != "help")
        .collect();
    for name in below {
        if let Some(command) = command.find_subcommand_mut(&name) {
            collect(command, &format!("{path} {name}"), pages);
        }
    }
}

#[test]
fn the_definition_holds_together() {
    Cli::command().debug_assert();
}

#[test]
fn the_help_pages_are_as_recorded() {
    let mut command = Cli::command().term_width(100);
    command.build();
    let mut pages = String::new();
    collect(&mut command, "portcullis", &mut pages);
    insta::assert_snapshot!("help", pages);
}

#[test]
fn no_command_is_serve() {
    for line in [
        "",
        "serve",
        "--listen 127.0.0.1:0",
        "serve --listen 127.0.0.1:0",
    ] {
        let Command::Serve(serve) = parse(line).unwrap() else {
            panic!("{line}");
        };
        assert_eq!(serve.listen.is_some(), line.contains("--listen"), "{line}");
    }
}

#[test]
fn listen_is_an_option_of_serve_only() {
    assert_eq!(
        parse("--listen 127.0.0.1:0 user list")
            .unwrap_err()
            .exit_code(),
        2
    );
    assert_eq!(
        parse("--without-limits user list").unwrap_err().exit_code(),
        2
    );
    assert_eq!(
        parse("user list --listen 127.0.0.1:0")
            .unwrap_err()
            .exit_code(),
        2
    );
}

#[test]
fn what_cannot_be_meant_is_wrong_usage() {
    for line in [
        "user",
        "user list --limit 0",
        "user suspend ada --until tomorrow",
        "token create ada --name x",
        "token create ada --name x --scope a --expires-in-days 0",
        "audit query --type signin",
        "audit query --limit 1001",
        "audit query --status maybe",
        "keys overwrite",
    ] {
        assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
    }
}
