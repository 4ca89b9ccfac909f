//! Extractors: what a handler asks for is what is enforced.
//!
//! Each needs `Portcullis: FromRef<S>` of the router's state and nothing else: no layer has to be there, so none can be
//! forgotten. A request is resolved once, however many of them its handler has.

mod page;

use std::fmt;
use std::marker::PhantomData;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use portcullis_backends::Portcullis;
use portcullis_core::principal::Principal;

pub use page::PageAuth;

use crate::policy::{CheckError, InSession, Policy, WithApiToken};
use crate::problem::Problem;
use crate::resolve::Resolved;

/// Somebody, whatever they came with. Anonymous is 401.
///
/// ```
/// use portcullis_http_axum::Auth;
///
/// async fn greet(Auth(principal): Auth) -> String {
///     format!("Hello, {}!", principal.handle)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Auth(pub Principal);

/// Somebody or nobody. A credential in a header of its own that nobody accepts is 401 here too; a session cookie that
/// is over is nobody.
#[derive(Clone, Debug)]
#[doc(alias = "get_optional_user_any")]
pub struct MaybeAuth(pub Option<Principal>);

/// Somebody in a session: a person at a browser. An API token is 403.
#[derive(Clone, Debug)]
pub struct SessionAuth(pub Principal);

/// A program with an API token. A session is 403.
#[derive(Clone, Debug)]
pub struct TokenAuth(pub Principal);

/// Somebody whom a [`Policy`] lets through; anybody else is 403.
///
/// ```
/// use portcullis_http_axum::{AnyOf, Fresh, HasRole, HasScope, Require, role, scope};
///
/// scope!(pub Deploy = "deploy:write");
///
/// async fn deploy(Require(principal, ..): Require<HasScope<Deploy>>) -> String {
///     principal.handle
/// }
///
/// async fn delete_everything(Require(principal, ..): Require<(Fresh, HasScope<Deploy>)>) -> String {
///     principal.handle
/// }
///
/// role!(pub Admin = "admin");
/// role!(pub Support = "support");
///
/// async fn look(Require(principal, ..): Require<AnyOf<HasRole<Admin>, HasRole<Support>>>) -> String {
///     principal.handle
/// }
/// ```
#[doc(alias = "require_roles")]
pub struct Require<P>(pub Principal, pub PhantomData<fn() -> P>);

impl<P> Clone for Require<P> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}

impl<P> fmt::Debug for Require<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Require").field(&self.0).finish()
    }
}

impl<S> FromRequestParts<S> for Auth
where
    Portcullis: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let resolved = Resolved::of(parts, &Portcullis::from_ref(state)).await?;
        Ok(Self(resolved.principal()?.clone()))
    }
}

impl<S> FromRequestParts<S> for MaybeAuth
where
    Portcullis: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let resolved = Resolved::of(parts, &Portcullis::from_ref(state)).await?;
        Ok(Self(resolved.optional()?.cloned()))
    }
}

impl<S> FromRequestParts<S> for SessionAuth
where
    Portcullis: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let portcullis = Portcullis::from_ref(state);
        allowed::<InSession>(parts, &portcullis, "SessionAuth")
            .await
            .map(Self)
    }
}

impl<S> FromRequestParts<S> for TokenAuth
where
    Portcullis: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let portcullis = Portcullis::from_ref(state);
        allowed::<WithApiToken>(parts, &portcullis, "TokenAuth")
            .await
            .map(Self)
    }
}

impl<S, P> FromRequestParts<S> for Require<P>
where
    Portcullis: FromRef<S>,
    S: Send + Sync,
    P: Policy,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let portcullis = Portcullis::from_ref(state);
        // The audit log takes names that live for ever; the type says which policy it was.
        let name = std::any::type_name::<P>();
        let principal = allowed::<P>(parts, &portcullis, name).await?;
        Ok(Self(principal, PhantomData))
    }
}

/// Somebody whom the policy lets through; `place` is what the audit log calls where they were denied.
pub(crate) async fn allowed<P: Policy>(
    parts: &mut Parts,
    portcullis: &Portcullis,
    place: &'static str,
) -> Result<Principal, Problem> {
    let resolved = Resolved::of(parts, portcullis).await?;
    let principal = resolved.principal()?;
    match P::check(principal, portcullis).await {
        Ok(()) => Ok(principal.clone()),
        Err(CheckError::Denied(denied)) => Err(resolved.deny(principal, denied, place).await),
        Err(CheckError::Failed(error)) => Err(Problem::from(error).with_request_id(resolved.id())),
    }
}

#[cfg(test)]
mod tests;
