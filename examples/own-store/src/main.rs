//! A shop with customers in a table of its own, under a number of its own; portcullis keeps passwords, sessions and the
//! audit log in a database beside it.

mod customers;

use std::path::Path;

use axum::{Router, routing::get};
use portcullis_http_axum::backends::{Builder, Portcullis, mail::EmlFolder};
use portcullis_http_axum::core::store::Split;
use portcullis_http_axum::{Auth, routes};
use portcullis_stores_sql::{SqliteOptions, SqliteStore};

use customers::Customers;

type Failure = Box<dyn std::error::Error>;

async fn me(Auth(principal): Auth) -> String {
    let number = principal.user().to_integer().unwrap_or_default();
    format!("Customer {number}: {}\n", principal.handle)
}

fn app(portcullis: Portcullis) -> Router {
    Router::new()
        .route("/me", get(me))
        .merge(routes(&portcullis))
        .with_state(portcullis)
}

/// The customers from the shop's database, everything else in ours.
async fn builder(
    customers: Customers,
    folder: &Path,
) -> Result<Builder<Split<Customers, SqliteStore>>, Failure> {
    let options = SqliteOptions::new(folder.join("portcullis.db")).create_if_missing();
    let accounts = SqliteStore::open(options)?;
    accounts.migrate().await?;
    let builder = Portcullis::builder(Split::new(customers, accounts))
        .public_url("http://127.0.0.1:3000")
        .ephemeral_keys(); // for this run; a service loads its own with .keys(KeyRings::load(path)?)
    Ok(builder)
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    // For this run, as its keys are.
    let folder = std::env::temp_dir().join(format!("own-store-{}", std::process::id()));
    std::fs::create_dir(&folder)?;
    let customers = Customers::open(&folder.join("shop.db"))?;
    let mail = EmlFolder::new(folder.join("mail"), "own-store <no-reply@localhost>")?;
    let builder = builder(customers, &folder).await?;
    let app = app(builder.mailer(mail).build().await?)
        .into_make_service_with_connect_info::<std::net::SocketAddr>();
    Ok(axum::serve(tokio::net::TcpListener::bind("127.0.0.1:3000").await?, app).await?)
}

#[cfg(test)]
mod tests;
