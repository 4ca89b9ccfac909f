//! An app whose build machines come with a header of their own, beside people with sessions and API tokens.

mod machines;

use std::sync::Arc;

use axum::{Router, routing::get};
use portcullis_http_axum::backends::{Portcullis, mail::EmlFolder};
use portcullis_http_axum::{Auth, routes};
use portcullis_stores_kv::MemoryStore;

use machines::Machines;

async fn whoami(Auth(principal): Auth) -> String {
    format!("{}\n", principal.handle)
}

fn app(portcullis: Portcullis) -> Router {
    Router::new()
        .route("/whoami", get(whoami))
        .merge(routes(&portcullis))
        .with_state(portcullis)
}

async fn portcullis(machines: Machines) -> Result<Portcullis, Box<dyn std::error::Error>> {
    let portcullis = Portcullis::builder(MemoryStore::new())
        .public_url("http://127.0.0.1:3000")
        .ephemeral_keys() // for this run; a service loads its own with .keys(KeyRings::load(path)?)
        .mailer(EmlFolder::new(
            std::env::temp_dir(),
            "own-backend <no-reply@localhost>",
        )?)
        .backend(Arc::new(machines))
        .build()
        .await?;
    Ok(portcullis)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let secret = std::env::var("BUILD_MACHINE_SECRET")
        .map_err(|_| "set BUILD_MACHINE_SECRET to what the machines send as X-Build-Machine")?;
    let app = app(portcullis(Machines::new("build-1", &secret)).await?)
        .into_make_service_with_connect_info::<std::net::SocketAddr>();
    Ok(axum::serve(tokio::net::TcpListener::bind("127.0.0.1:3000").await?, app).await?)
}

#[cfg(test)]
mod tests;
