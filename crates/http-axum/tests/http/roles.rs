//! Roles: what an app's own routes ask for, and operators give and take.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use portcullis_backends::Portcullis;
use portcullis_backends::core::event::{AuthEventType, Reason};
use portcullis_backends::flow::{AdminOutcome, RoleChange};
use portcullis_http_axum::{AnyOf, HasRole, HasScope, Require, role, scope};

use crate::app::{ADA, App, with_token};

role!(pub(crate) Admin = "admin");
role!(pub(crate) Support = "support");
scope!(pub(crate) Look = "look");

fn own_routes(router: Router, portcullis: &Portcullis) -> Router {
    let own = Router::new()
        .route("/admin", get(async |_: Require<HasRole<Admin>>| "admin"))
        .route(
            "/either",
            get(async |_: Require<AnyOf<HasRole<Admin>, HasRole<Support>>>| "either"),
        )
        .route(
            "/role-or-scope",
            get(async |_: Require<AnyOf<HasRole<Admin>, HasScope<Look>>>| "either"),
        )
        .with_state(portcullis.clone());
    router.merge(own)
}

async fn app() -> App {
    App::with(|builder| builder, own_routes).await
}

async fn change(
    app: &App,
    make: fn(portcullis_backends::core::role::RoleName) -> RoleChange,
    role: &str,
) {
    let (tenant, user) = (app.portcullis.default_tenant(), app.user_id(ADA).await);
    let change = make(role.parse().unwrap());
    let changed = app.portcullis.admin_change_role(tenant, user, change);
    assert_eq!(changed.await.unwrap(), AdminOutcome::Done);
}

// SE-12
#[tokio::test]
async fn a_role_counts_and_is_missed_at_the_next_request() {
    let app = app().await;
    let mut ada = app.signed_in(ADA).await;
    ada.get("/admin").await.expect(StatusCode::FORBIDDEN);
    change(&app, RoleChange::Grant, "admin").await;
    ada.get("/admin").await.expect(StatusCode::OK);
    let caller = ada.post_empty("/auth/check-auth").await;
    assert_eq!(caller.expect(StatusCode::OK).json()["roles"][0], "admin");
    change(&app, RoleChange::Revoke, "admin").await;
    app.advance(61);
    let denied = ada.get("/admin").await.expect(StatusCode::FORBIDDEN);
    assert_eq!(denied.code(), "forbidden");
    let event = app.events().await.remove(0);
    assert_eq!(
        (event.kind, event.reason),
        (AuthEventType::AccessDenied, Some(Reason::MissingRole))
    );
}

#[tokio::test]
async fn a_token_with_scopes_carries_no_role_of_its_owner() {
    let app = app().await;
    let mut ada = app.signed_in(ADA).await;
    change(&app, RoleChange::Grant, "admin").await;
    let token = ada.api_token(&["look"]).await;
    let asked = async |path: &str| {
        let bearer = format!("Bearer {token}");
        let method = axum::http::Method::GET;
        with_token(&app, "authorization", &bearer, method, path).await
    };
    asked("/admin").await.expect(StatusCode::FORBIDDEN);
    asked("/either").await.expect(StatusCode::FORBIDDEN);
    asked("/role-or-scope").await.expect(StatusCode::OK);
}

#[tokio::test]
async fn either_of_two_policies_is_enough() {
    let app = app().await;
    let mut ada = app.signed_in(ADA).await;
    app.client()
        .get("/either")
        .await
        .expect(StatusCode::UNAUTHORIZED);
    ada.get("/either").await.expect(StatusCode::FORBIDDEN);
    for role in ["admin", "support"] {
        change(&app, RoleChange::Grant, role).await;
        ada.get("/either").await.expect(StatusCode::OK);
        change(&app, RoleChange::Revoke, role).await;
    }
    ada.get("/either").await.expect(StatusCode::FORBIDDEN);
}
