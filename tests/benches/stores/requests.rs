//! Authenticated requests on a store, without HTTP: `Portcullis::authenticate`.

use std::sync::Arc;

use portcullis_backends::core::backend::{Credential, Presented, RequestContext};
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::net::ClientInfo;
use portcullis_backends::core::secret::{Password, SecretText};
use portcullis_backends::core::store::IdentityStore;
use portcullis_backends::flow::{
    CreateApiTokenOutcome, NewApiToken, OpenAccountOutcome, SignIn, SignInOutcome,
};
use portcullis_backends::tokens::OsEntropy;
use portcullis_backends::tokens::keys::KeyRings;
use portcullis_backends::{Authentication, Builder, Portcullis};
use portcullis_core::api_token::{IpAllowlist, Scopes};
use portcullis_core::id::UserId;
use portcullis_core::time::Timestamp;
use portcullis_testing::{CapturedMailbox, CountingHasher, NoRequest};

use crate::measure::Table;

const COUNT: u64 = 2_000;
pub(crate) const ADA: &str = "ada@bench.example.com";
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// An instance with Ada in it.
pub(crate) async fn instance<S: IdentityStore>(builder: Builder<S>) -> (Portcullis, UserId) {
    let keys = KeyRings::generate(&OsEntropy, Timestamp::UNIX_EPOCH).unwrap();
    let builder = builder
        .keys(keys)
        .public_url("https://auth.example.com")
        .mailer(CapturedMailbox::new())
        .hasher(Arc::new(CountingHasher::new()))
        .without_workers();
    let portcullis = builder.build().await.unwrap();
    let email = Identifier::email(ADA).unwrap();
    let password = Password::new(PASSWORD).unwrap();
    let tenant = portcullis.default_tenant();
    let opened = portcullis.admin_open_account(tenant, email, password).await;
    let OpenAccountOutcome::Opened { user } = opened.unwrap() else {
        panic!("no account")
    };
    (portcullis, user)
}

pub(crate) fn context(portcullis: &Portcullis) -> RequestContext {
    let client = ClientInfo::new(Some([192, 0, 2, 1].into()), Some("bench"), Some("r1"));
    RequestContext {
        tenant: portcullis.default_tenant(),
        client,
    }
}

pub(crate) async fn authenticated(
    portcullis: &Portcullis,
    credential: Credential<'_>,
    context: &RequestContext,
) {
    let presented = Presented {
        credential: Some(credential),
        request: &NoRequest,
    };
    let answer = portcullis.authenticate(&presented, context).await.unwrap();
    assert!(matches!(answer, Authentication::Authenticated(_)));
}

/// A session's and an API token's request.
pub(crate) async fn measure<S: IdentityStore>(table: &Table, builder: Builder<S>, name: &str) {
    let (portcullis, user) = instance(builder).await;
    let context = context(&portcullis);
    let cookie = session(&portcullis, &context).await;
    let token = api_token(&portcullis, user).await;
    let (portcullis, context) = (&portcullis, &context);
    table
        .alone(&format!("{name}: session"), COUNT, async |_| {
            authenticated(portcullis, Credential::Cookie(cookie.expose()), context).await;
        })
        .await;
    table
        .alone(&format!("{name}: API token"), COUNT, async |_| {
            authenticated(portcullis, Credential::Bearer(token.expose()), context).await;
        })
        .await;
}

async fn session(portcullis: &Portcullis, context: &RequestContext) -> SecretText {
    let sign_in = SignIn {
        identifier: ADA.to_owned(),
        password: Password::new(PASSWORD).unwrap(),
        replaces: None,
    };
    match portcullis.sign_in(sign_in, context).await.unwrap() {
        SignInOutcome::SignedIn(signed_in) => signed_in.cookie,
        other => panic!("{other:?}"),
    }
}

async fn api_token(portcullis: &Portcullis, user: UserId) -> SecretText {
    let new = NewApiToken {
        name: "bench".to_owned(),
        scopes: Scopes::new(["deploy".parse().unwrap()]).unwrap(),
        ip_allowlist: IpAllowlist::default(),
        expires_in: None,
    };
    let tenant = portcullis.default_tenant();
    match portcullis.admin_create_api_token(tenant, user, new).await {
        Ok(CreateApiTokenOutcome::Created { token, .. }) => token,
        other => panic!("{other:?}"),
    }
}
