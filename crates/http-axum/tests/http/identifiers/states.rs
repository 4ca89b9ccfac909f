//! Somebody in every state.

use axum::http::StatusCode;
use portcullis_backends::core::along::Along;
use portcullis_backends::core::entity::User;
use portcullis_backends::core::factor::FactorKind;
use portcullis_backends::core::id::UserId;
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::state::EntityState;
use portcullis_backends::core::store::{FactorStore as _, IdentityAdmin as _};
use portcullis_backends::flow::{ImportOutcome, ImportState, ImportUser};
use serde_json::json;

use super::WRONG;
use crate::app::App;

/// What somebody can be to us. Nobody has the first name.
pub(crate) const STATES: [&str; 10] = [
    "unknown",
    "erased",
    "in-the-directory",
    "candidate",
    "pending",
    "active",
    "passwordless",
    "suspended",
    "terminated",
    "closed",
];

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

pub(crate) fn address(state: &str) -> String {
    format!("{state}@example.com")
}

/// One account in each state, at its address. No limit remembers how they came there.
pub(crate) async fn everybody(app: &App) {
    close(app, "erased").await;
    app.advance(30 * DAY);
    let purged = app.portcullis.run_purge().await.unwrap();
    assert_eq!(purged.erased, 1);
    close(app, "closed").await;
    know(app).await;
    import(app).await;
    let signed_up = app.client().sign_up(&address("pending")).await;
    signed_up.expect(StatusCode::ACCEPTED);
    for state in ["active", "passwordless", "suspended", "terminated"] {
        app.client().register(&address(state)).await;
    }
    app.set_state(&address("suspended"), EntityState::Suspended)
        .await;
    app.set_state(&address("terminated"), EntityState::Terminated)
        .await;
    forget_password(app).await;
    app.portcullis.run_due().await.unwrap();
    app.advance(HOUR);
}

/// Every name is tried so often that the next try has to wait.
pub(super) async fn lock_out(app: &App) {
    for state in STATES {
        for _ in 0..5 {
            let refused = app.client().sign_in_with(&address(state), WRONG).await;
            refused.expect(StatusCode::UNAUTHORIZED);
        }
    }
}

async fn close(app: &App, state: &str) {
    let mut owner = app.signed_in(&address(state)).await;
    let closed = owner.post_empty("/auth/account/close").await;
    closed.expect(StatusCode::NO_CONTENT);
    app.portcullis.run_due().await.unwrap();
}

/// A customer of the application who never signed up.
async fn know(app: &App) {
    let customer = User {
        id: UserId::from_integer(42),
        tenant: app.portcullis.default_tenant(),
        identifiers: vec![Identifier::email(&address("in-the-directory")).unwrap()],
        profile: json!({}),
        created_at: app.portcullis.now(),
    };
    app.store.create_user(&customer).await.unwrap();
}

/// Somebody of another system that had no proof of their address.
async fn import(app: &App) {
    let import = ImportUser {
        identifiers: vec![Identifier::email(&address("candidate")).unwrap()],
        verified: false,
        password: None,
        profile: json!({}),
        created_at: None,
        state: ImportState::Active,
    };
    let tenant = app.portcullis.default_tenant();
    let imported = app.portcullis.import_user(tenant, import).await.unwrap();
    assert!(matches!(imported, ImportOutcome::Imported { .. }));
}

async fn forget_password(app: &App) {
    let tenant = app.portcullis.default_tenant();
    let user = app.user_id(&address("passwordless")).await;
    let kind = FactorKind::Password;
    let removed = app
        .store
        .remove_factor(tenant, user, kind, Along::default());
    assert!(removed.await.unwrap().applied().is_some());
}
