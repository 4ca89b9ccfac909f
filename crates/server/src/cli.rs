//! The command line: what can be asked, not how it is done.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgAction, ArgGroup, Args, CommandFactory, Parser, Subcommand, ValueEnum};
use portcullis_core::id::MailId;
use portcullis_core::role::RoleName;

use crate::cli::parse::{event_type, status};
use crate::when::Moment;

mod parse;
#[cfg(test)]
mod tests;

const AFTER_HELP: &str = "\
Exit codes: 0 done, 1 failure, 2 wrong usage or configuration, 3 not found, 4 refused by the rules, \
5 store unavailable.
Settings come from portcullis.toml (or --config) and PORTCULLIS_* variables; `portcullis config reference` lists them.";

const EVERYWHERE: &str = "Everywhere";

/// Authentication service: sign-up, sign-in, sessions and API tokens.
#[derive(Parser)]
#[command(name = "portcullis", version, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(flatten)]
    serve: Serve,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What every command understands. It has no `Debug`: URLs may hold passwords.
#[derive(Clone, Args)]
pub(crate) struct Global {
    /// Read settings from this file [default: portcullis.toml, where there is one]
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Keep database, keys and mail here, whatever the settings say
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "FOLDER")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Keep people here, whatever the settings say: sqlite:PATH or postgres://HOST/DATABASE
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "URL")]
    pub(crate) database: Option<String>,
    /// Keep sessions, tickets and limits here, whatever the settings say: redis://HOST
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "URL")]
    pub(crate) ephemeral: Option<String>,
    /// Answer in JSON on standard output
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the service (also what happens without a command)
    Serve(Serve),
    /// Create or update the database's tables
    Migrate {
        /// Only say what would be done
        #[arg(long)]
        plan: bool,
    },
    /// Manage the key files
    #[command(subcommand)]
    Keys(Keys),
    /// Manage people
    #[command(subcommand)]
    User(User),
    /// Manage API tokens of people
    #[command(subcommand)]
    Token(Token),
    /// Read the audit log
    #[command(subcommand)]
    Audit(Audit),
    /// Look after mail that waits or could not be delivered
    #[command(subcommand)]
    Outbox(Outbox),
    /// About the settings
    #[command(subcommand)]
    Config(Config),
    /// Print the OpenAPI document of the HTTP interface
    Openapi,
}

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Serve {
    /// Listen here, whatever the settings say; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// Count no requests: for benchmarks, and on loopback only
    #[arg(long, hide = true)]
    pub(crate) without_limits: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Make the key files; an existing one is never overwritten
    Init,
    /// List every key: version, age, whether it is in use; never the key itself
    List,
    /// Add a new newest key; the older ones go on verifying. A running service takes it up by itself
    Rotate {
        /// Only the keys for this [default: all]
        purpose: Option<Ring>,
    },
    /// End a key for good: whatever was made under it is refused from then on
    Retire {
        /// What the key is for
        purpose: Ring,
        /// Its version, as `keys list` has it
        version: u32,
    },
}

/// What keys are for, by the names that `keys list` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Ring {
    /// Sessions, API tokens, links, refresh tokens
    TokenPepper,
    /// Passwords
    PasswordPepper,
    /// What waits encrypted: mail, sign-ups
    Sealing,
    /// Tokens inside HTML forms
    FormToken,
    /// Signatures of access tokens
    AccessTokens,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Print every setting with its default and environment name, as Markdown
    Reference,
    /// Read the settings, say what is wrong with them, and do nothing else
    Check,
}

/// Whom a command is about.
#[derive(Debug, Args)]
pub(crate) struct Who {
    /// An id, an e-mail address or a user name
    #[arg(value_name = "WHO")]
    pub(crate) who: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Create a person; the password is the first line of standard input
    Create {
        /// Their e-mail address, which counts as proved
        email: String,
    },
    /// List people by id
    List {
        /// Only those after this id
        #[arg(long, value_name = "ID")]
        after: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
    /// Show one person
    Show(Who),
    /// Refuse everything of theirs, at once
    Suspend {
        #[command(flatten)]
        who: Who,
        /// Why, for operators
        #[arg(long)]
        reason: Option<String>,
        /// Until when: 2030-01-31 or 2030-01-31T12:00:00Z [default: until activated]
        #[arg(long, value_name = "TIME")]
        until: Option<Moment>,
    },
    /// Let them in again, or for the first time
    Activate(Who),
    /// End what they are signed in with: sessions, refresh and access tokens, links in mail
    #[command(group = ArgGroup::new("whom").required(true))]
    SignOut {
        /// An id, an e-mail address or a user name
        #[arg(value_name = "WHO", group = "whom")]
        who: Option<String>,
        /// Everybody in every tenant, as after a restore; needs --yes
        #[arg(long, group = "whom")]
        all: bool,
        /// Revoke their API tokens too, which otherwise go on
        #[arg(long)]
        api_tokens: bool,
        /// Do it to everybody
        #[arg(long)]
        yes: bool,
    },
    /// Forget their failed sign-ins
    Unlock(Who),
    /// Give them a role; it counts at their next request
    GrantRole {
        #[command(flatten)]
        who: Who,
        /// A name of lower-case letters, digits and `_`, `-`, `.`, `:`
        role: RoleName,
    },
    /// Take a role from them; it is missed at their next request
    RevokeRole {
        #[command(flatten)]
        who: Who,
        /// The role
        role: RoleName,
    },
    /// Print what is kept about one person as JSON, without secrets
    Export(Who),
    /// Erase what is kept about one person, at once and for good
    Erase {
        #[command(flatten)]
        who: Who,
        /// Do it; without, only what would happen is said
        #[arg(long)]
        yes: bool,
    },
    /// Bring people over from another system, with their password hashes
    Import(Import),
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// CSV with a header, or one JSON object a line; `-` is standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// What the file is [default: what its name ends with]
    #[arg(long, value_enum)]
    pub(crate) format: Option<ImportFormat>,
    /// Write nothing, and say what would become of each line
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Stop at the first refused line; what is under way is finished
    #[arg(long)]
    pub(crate) strict: bool,
    /// The tenant they come into, by its slug [default: the default tenant]
    #[arg(long, value_name = "SLUG")]
    pub(crate) tenant: Option<String>,
    /// A file with the pepper that the other system added to bcrypt or argon2
    #[arg(long, value_name = "FILE")]
    pub(crate) pepper_file: Option<PathBuf>,
}

/// What a file of people is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ImportFormat {
    Csv,
    Jsonl,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Create an API token and print it, once
    Create {
        #[command(flatten)]
        who: Who,
        /// What to call it
        #[arg(long)]
        name: String,
        /// What it may do; may be repeated
        #[arg(long = "scope", value_name = "SCOPE", required = true)]
        scopes: Vec<String>,
        /// When it ends [default: never, where the policy allows that]
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..))]
        expires_in_days: Option<u32>,
        /// Address or network it may be used from; may be repeated [default: anywhere]
        #[arg(long = "ip", value_name = "NETWORK", action = ArgAction::Append)]
        networks: Vec<String>,
    },
    /// List a person's live tokens, newest first
    List(Who),
    /// Revoke one token of a person
    Revoke {
        #[command(flatten)]
        who: Who,
        /// The token's id
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Outbox {
    /// List mail that waits or is dead, by id; what is in it stays sealed
    List {
        /// Only mail that is not tried again
        #[arg(long)]
        dead: bool,
        /// Only what comes after this id
        #[arg(long, value_name = "ID")]
        after: Option<MailId>,
        /// At most so many
        #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Try mail again now, as if it were new
    #[command(group = ArgGroup::new("which").required(true))]
    Retry {
        /// The mail's id
        #[arg(value_name = "ID", group = "which")]
        id: Option<MailId>,
        /// All mail that is dead
        #[arg(long, group = "which")]
        all: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Print events, newest first
    Query(AuditQuery),
}

#[derive(Debug, Args)]
pub(crate) struct AuditQuery {
    /// Only about this person: id, e-mail address or user name
    #[arg(long, value_name = "WHO")]
    pub(crate) user: Option<String>,
    /// Only of this type
    #[arg(long = "type", value_name = "TYPE", value_parser = event_type(), hide_possible_values = true)]
    pub(crate) kind: Option<String>,
    /// Only with this end
    #[arg(long, value_parser = status())]
    pub(crate) status: Option<String>,
    /// From this time on: 2030-01-31 or 2030-01-31T12:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<Moment>,
    /// Up to and without this time
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<Moment>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
}

impl Cli {
    /// Which command was asked for; none is `serve`.
    pub(crate) fn into_parts(self) -> Result<(Global, Command), clap::Error> {
        let before = self.serve;
        let command = match self.command {
            None => Command::Serve(before),
            Some(Command::Serve(after)) => Command::Serve(Serve {
                listen: after.listen.or(before.listen),
                without_limits: after.without_limits || before.without_limits,
            }),
            Some(_) if before.listen.is_some() || before.without_limits => {
                return Err(Self::command().error(
                    ErrorKind::ArgumentConflict,
                    "--listen is an option of `serve` only",
                ));
            }
            Some(command) => command,
        };
        Ok((self.global, command))
    }
}
