//! What our stores cost beside the drivers under them: `cargo xtask bench --stores`.
//!
//! Each row does the same by our trait and by the driver as one would by hand, in alternating rounds of one run. Times are
//! never compared across runs. In one process the CPU time of all threads counts, since a shared machine gives wall time
//! away; across the network, and to the disk, wall time does.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench prints, and ends where something fails"
)]

mod access_tokens;
mod measure;
mod people;
mod postgres;
mod redis;
mod requests;
mod sqlite;

use measure::Table;

/// One thread, as a request has one: what is spawned is run by it as well.
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut table = Table::default();
    sqlite::compare(&mut table).await;
    match std::env::var("PORTCULLIS_POSTGRES") {
        Ok(url) => postgres::compare(&mut table, &url).await,
        Err(_) => println!("PostgreSQL: left out, PORTCULLIS_POSTGRES is not set"),
    }
    match std::env::var("PORTCULLIS_REDIS") {
        Ok(url) => redis::compare(&mut table, &url).await,
        Err(_) => println!("Redis: left out, PORTCULLIS_REDIS is not set"),
    }
    access_tokens::compare(&mut table).await;
    if table.missed > 0 {
        println!("\n{} MISSED", table.missed);
        std::process::exit(1);
    }
}
