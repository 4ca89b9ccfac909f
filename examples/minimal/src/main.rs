//! An axum app with routes of its own, guarded by sign-in, scope and freshness.
use axum::{Router, routing::get};
use portcullis_http_axum::backends::{Portcullis, mail::EmlFolder};
use portcullis_http_axum::{Auth, Fresh, HasScope, Require, routes, scope};
use portcullis_stores_kv::MemoryStore;
scope!(Deploy = "deploy:write");

async fn me(Auth(me): Auth) -> String {
    format!("Hello, {}!\n", me.handle)
}
async fn deploy(Require(who, ..): Require<HasScope<Deploy>>) -> String {
    format!("Deployed for {}.\n", who.handle)
}
async fn danger(Require(who, ..): Require<Fresh>) -> String {
    format!("{} proved themselves a moment ago.\n", who.handle)
}

fn app(portcullis: Portcullis) -> Router {
    Router::new()
        .route("/me", get(me))
        .route("/deploy", get(deploy))
        .route("/danger", get(danger))
        .merge(routes(&portcullis))
        .with_state(portcullis)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let portcullis = Portcullis::builder(MemoryStore::new())
        .public_url("http://127.0.0.1:3000")
        .ephemeral_keys() // for this run; a service loads its own with .keys(KeyRings::load(path)?)
        .mailer(EmlFolder::new("mail", "minimal <no-reply@localhost>")?)
        .build()
        .await?;
    let app = app(portcullis).into_make_service_with_connect_info::<std::net::SocketAddr>();
    Ok(axum::serve(tokio::net::TcpListener::bind("127.0.0.1:3000").await?, app).await?)
}

#[cfg(test)]
mod tests;
