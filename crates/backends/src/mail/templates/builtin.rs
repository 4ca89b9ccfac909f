//! The templates that come with the program.

use portcullis_core::language::LanguageTag;
use portcullis_core::mail::MailTemplate;

use super::source::{MailPart, Name};

/// The language that every mail is there in.
pub(super) const LANGUAGE: &str = "en";

/// Language, template, and subject, text and HTML in this order.
type Builtin = (&'static str, &'static str, [&'static str; 3]);

macro_rules! builtin {
    ($($language:literal: $($template:literal),+;)+) => {
        &[$($((
            $language,
            $template,
            [
                include_str!(concat!($language, "/", $template, ".subject")),
                include_str!(concat!($language, "/", $template, ".txt")),
                include_str!(concat!($language, "/", $template, ".html")),
            ],
        ),)+)+]
    };
}

/// One line a mail, in every language: a new mail is added to each.
#[rustfmt::skip]
const BUILTIN: &[Builtin] = builtin! {
    "en":
        "account_closed",
        "address_taken",
        "already_registered",
        "email_change",
        "email_change_requested",
        "email_changed",
        "email_code",
        "magic_link",
        "password_changed",
        "password_reset",
        "verify_email";
    "de":
        "account_closed",
        "address_taken",
        "already_registered",
        "email_change",
        "email_change_requested",
        "email_changed",
        "email_code",
        "magic_link",
        "password_changed",
        "password_reset",
        "verify_email";
};

pub(super) fn sources() -> impl Iterator<Item = (Name, String)> {
    BUILTIN.iter().flat_map(|(language, template, parts)| {
        MailPart::ALL
            .into_iter()
            .zip(parts)
            .filter_map(|(part, source)| {
                let name = Name {
                    tenant: None,
                    language: LanguageTag::parse(language).ok()?,
                    template: MailTemplate::from_stored(template)?,
                    part,
                };
                Some((name, (*source).to_owned()))
            })
    })
}

#[cfg(test)]
pub(super) fn languages() -> std::collections::BTreeSet<&'static str> {
    BUILTIN.iter().map(|(language, ..)| *language).collect()
}
