//! The whole path of one person, over HTTP, with a cookie jar: on every store that the binary can be given, with mail in
//! every way that it travels. A stage is a file; each leaves the person signed in, for the next.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

mod address;
mod api_tokens;
mod closing;
mod email_code;
mod export;
mod importing;
mod joining;
mod magic_link;
mod operator;
mod passwords;
mod sessions;
mod step_up;
mod token_pair;

use portcullis_tests::{Browser, Person, Post, Stores, World};

/// Somebody on their way, and the browser that they are signed in with.
struct Traveller {
    person: Person,
    browser: Browser,
}

impl Traveller {
    /// Another browser of theirs, signed in too.
    fn elsewhere(&self, world: &World) -> Browser {
        let browser = world.browser();
        self.person.enter(&browser);
        browser
    }
}

type Stage = fn(&World, &mut Traveller);

/// In this order. A new flow of people's adds its stage here, before `closing`.
const STAGES: &[Stage] = &[
    sessions::listed_and_ended,
    sessions::signed_out,
    sessions::signed_out_everywhere,
    magic_link::signs_in,
    magic_link::makes_an_account,
    email_code::signs_in,
    importing::brought_over,
    passwords::changed,
    passwords::forgotten,
    address::changed,
    step_up::proves_it_again,
    token_pair::issued_renewed_and_ended,
    api_tokens::made_used_and_revoked,
    export::shows_what_is_kept,
    operator::suspended_and_back,
    operator::unlocked,
    closing::for_good,
];

/// Left out where the machine lacks a store.
fn whole_path(stores: Option<Stores>, post: Post) {
    let Some(stores) = stores else { return };
    let world = World::start(&stores, post);
    let mut ada = joining::sign_up_and_in(&world);
    for stage in STAGES {
        stage(&world, &mut ada);
    }
}

fn check(browser: &Browser) -> u16 {
    browser.send("POST", "/auth/check-auth", None).status
}

// SE-04, SE-05, SE-08, PW-16
#[test]
fn the_whole_path_on_sqlite_with_mail_into_a_folder() {
    whole_path(Stores::sqlite(), Post::Folder);
}

// SE-04, SE-05, SE-08, PW-16
#[test]
fn the_whole_path_on_sqlite_with_mail_by_smtp() {
    whole_path(Stores::sqlite(), Post::SmtpPlain);
}

// SE-04, SE-05, SE-08, PW-16
#[test]
fn the_whole_path_on_sqlite_with_mail_by_smtp_over_tls() {
    whole_path(Stores::sqlite(), Post::SmtpTls);
}

// SE-04, SE-05, SE-08, PW-16
#[test]
fn the_whole_path_on_postgresql_with_mail_into_a_folder() {
    whole_path(Stores::postgres(), Post::Folder);
}

// SE-04, SE-05, SE-08, PW-16
#[test]
fn the_whole_path_on_postgresql_with_mail_by_smtp() {
    whole_path(Stores::postgres(), Post::SmtpPlain);
}

// SE-04, SE-05, SE-08, PW-16
#[test]
fn the_whole_path_on_postgresql_with_mail_by_smtp_over_tls() {
    whole_path(Stores::postgres(), Post::SmtpTls);
}

// SE-04, SE-05, SE-08, PW-16
#[test]
fn the_whole_path_on_postgresql_and_redis_with_mail_into_a_folder() {
    whole_path(Stores::postgres_and_redis(), Post::Folder);
}

// SE-04, SE-05, SE-08, PW-16
#[test]
fn the_whole_path_on_postgresql_and_redis_with_mail_by_smtp() {
    whole_path(Stores::postgres_and_redis(), Post::SmtpPlain);
}

// SE-04, SE-05, SE-08, PW-16
#[test]
fn the_whole_path_on_postgresql_and_redis_with_mail_by_smtp_over_tls() {
    whole_path(Stores::postgres_and_redis(), Post::SmtpTls);
}
