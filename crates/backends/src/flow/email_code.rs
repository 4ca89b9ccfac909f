//! Signing in with a code in a mail: one factor (AAL1), exactly once, and only where it was asked for.
//!
//! A code has too few digits to stand alone. Whoever asks gets a ticket, whose secret the mail does not have, and types
//! the code beside it: five tries a ticket, and every try counts for the address as well, so that asking again buys no
//! more guesses (SECURITY OT-12). Behind the ticket is a token of the security family, which the newer one supersedes
//! and which the sign-in uses up in the write that has its event.
//!
//! Whoever has no account, or may not sign in, gets a ticket like everybody's, for a code that nobody is sent and a
//! token that nobody made.

mod send;
mod ticket;
mod verify;

pub use send::{EmailCodeSent, SendEmailCode};
pub use verify::{EmailCode, EmailCodeOutcome};
