#![doc = include_str!("../README.md")]

/// The pages of the cookbook that this crate's code is in, so that they compile.
#[cfg(doctest)]
mod cookbook {
    #[doc = include_str!("../../../docs/cookbook/mount-the-routes.md")]
    mod mount_the_routes {}
    #[doc = include_str!("../../../docs/cookbook/protect-a-form.md")]
    mod protect_a_form {}
}

mod answer;
mod body;
mod call;
mod client;
mod code;
mod config;
mod cookie;
mod cors;
mod credential;
mod csrf;
mod extract;
mod form_token;
mod handler;
mod headers;
mod limit;
mod metrics;
mod openapi;
mod page;
mod policy;
mod problem;
mod reply;
mod request_id;
mod resolve;
mod return_to;
mod route;
mod routes;
mod serve;
mod unwind;
mod view;

pub use body::{AsksCaptcha, BodyKind};
pub use code::Code;
pub use config::{LimitMode, RoutesConfig, Switch};
pub use csrf::{CsrfLayer, CsrfService, OriginError, csrf_layer};
pub use extract::{Auth, MaybeAuth, PageAuth, Require, SessionAuth, TokenAuth};
pub use form_token::{CheckedForm, FORM_TOKEN_FIELD, FormToken};
pub use limit::{Limits, Per, RouteLimit, WithoutStore};
pub use openapi::openapi;
pub use policy::{
    AnyOf, CheckError, Denied, Fresh, HasRole, HasScope, InSession, Policy, RoleType, ScopeName,
    SignedIn, WithApiToken,
};
pub use problem::{FieldError, Problem};
pub use request_id::{REQUEST_ID, RequestId};
pub use return_to::{ReturnTo, ReturnToError};
pub use route::{Csrf, HEALTH_ROUTES, Pages, ROUTES, RoutePolicy, RouteSpec, Verb};
pub use routes::{health_routes, routes, routes_with};
pub use view::ForBackends;

// What signatures here name, so that an application needs this crate and a store crate.
pub use portcullis_backends as backends;
pub use portcullis_backends::{
    Authentication, BuildError, Builder, FlowError, Portcullis, Settings,
};
pub use portcullis_core as core;
pub use portcullis_core::principal::{Principal, Subject, Via};
pub use portcullis_tokens as tokens;
pub use portcullis_tokens::keys::KeyRings;
