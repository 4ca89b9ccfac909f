//! What a caller who is known must be or have.

use std::future::Future;
use std::marker::PhantomData;

use portcullis_backends::{FlowError, Portcullis};
use portcullis_core::event::Reason;
use portcullis_core::principal::{Principal, Via};

use crate::code::Code;
use crate::problem::Problem;

/// What a caller must be or have, for [`Require`](crate::Require). Tuples ask for all of theirs, in order.
///
/// ```
/// use portcullis_http_axum::core::event::Reason;
/// use portcullis_http_axum::core::principal::Principal;
/// use portcullis_http_axum::{CheckError, Denied, Policy, Portcullis};
///
/// /// Staff, by the domain of their address.
/// pub struct Staff;
///
/// impl Policy for Staff {
///     async fn check(principal: &Principal, _: &Portcullis) -> Result<(), CheckError> {
///         if principal.handle.ends_with("@example.com") {
///             Ok(())
///         } else {
///             Err(Denied::new(Reason::CredentialClass).into())
///         }
///     }
/// }
/// ```
pub trait Policy: 'static {
    /// Lets the caller through, or says why not.
    ///
    /// # Errors
    /// [`CheckError::Denied`] for "no", [`CheckError::Failed`] where it could not be decided.
    fn check(
        principal: &Principal,
        portcullis: &Portcullis,
    ) -> impl Future<Output = Result<(), CheckError>> + Send;
}

/// A caller who is known may not do it. It is answered with 403 and noted in the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    code: Code,
    reason: Reason,
    scope: Option<&'static str>,
}

impl Denied {
    /// A denial by a policy of the application's own, with the code `forbidden`. The reason is for the audit log.
    #[must_use]
    pub const fn new(reason: Reason) -> Self {
        Self {
            code: Code::Forbidden,
            reason,
            scope: None,
        }
    }

    /// The credential lacks a scope.
    #[must_use]
    pub const fn missing_scope(scope: &'static str) -> Self {
        Self {
            code: Code::MissingScope,
            reason: Reason::MissingScope,
            scope: Some(scope),
        }
    }

    /// The sign-in is not recent enough.
    #[must_use]
    pub const fn step_up() -> Self {
        Self {
            code: Code::StepUpRequired,
            reason: Reason::NotFresh,
            scope: None,
        }
    }

    /// A credential of this class may not do it.
    #[must_use]
    pub const fn credential() -> Self {
        Self {
            code: Code::CredentialNotAllowed,
            reason: Reason::CredentialClass,
            scope: None,
        }
    }

    /// What the audit log says.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// What the answer says.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        let problem = Self::new(denied.code);
        match denied.scope {
            Some(scope) => problem.with_scope(scope),
            None => problem,
        }
    }
}

/// Why a policy does not let somebody through.
#[derive(Debug)]
#[non_exhaustive]
pub enum CheckError {
    /// No.
    Denied(Denied),
    /// It could not be decided: 503, never 403 and never access.
    Failed(FlowError),
}

impl From<Denied> for CheckError {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl From<FlowError> for CheckError {
    fn from(error: FlowError) -> Self {
        Self::Failed(error)
    }
}

/// Anybody who is known.
#[derive(Clone, Copy, Debug)]
pub struct SignedIn;

impl Policy for SignedIn {
    async fn check(_: &Principal, _: &Portcullis) -> Result<(), CheckError> {
        Ok(())
    }
}

/// Somebody in a session: a person at a browser, not a program with a token of theirs.
#[derive(Clone, Copy, Debug)]
pub struct InSession;

impl Policy for InSession {
    async fn check(principal: &Principal, _: &Portcullis) -> Result<(), CheckError> {
        match principal.via {
            Via::Session(_) => Ok(()),
            _ => Err(Denied::credential().into()),
        }
    }
}

/// Somebody who signed in a while ago, in a session or with an access token; not a long-lived API token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interactive;

impl Policy for Interactive {
    async fn check(principal: &Principal, _: &Portcullis) -> Result<(), CheckError> {
        match principal.via {
            Via::Session(_) | Via::AccessToken(_) => Ok(()),
            _ => Err(Denied::credential().into()),
        }
    }
}

/// A program with an API token.
#[derive(Clone, Copy, Debug)]
pub struct WithApiToken;

impl Policy for WithApiToken {
    async fn check(principal: &Principal, _: &Portcullis) -> Result<(), CheckError> {
        match principal.via {
            Via::ApiToken(_) => Ok(()),
            _ => Err(Denied::credential().into()),
        }
    }
}

/// Somebody who proved themselves a short while ago: within `session.fresh_within` of their tenant's policy, five
/// minutes where nothing else is set (SECURITY SE-07). A program's token never counts. Reads the policy from the store.
#[derive(Clone, Copy, Debug)]
pub struct Fresh;

impl Policy for Fresh {
    async fn check(principal: &Principal, portcullis: &Portcullis) -> Result<(), CheckError> {
        let within = portcullis
            .policy(principal.tenant)
            .await?
            .session
            .fresh_within;
        if principal.is_fresh(within, portcullis.now()) {
            Ok(())
        } else {
            Err(Denied::step_up().into())
        }
    }
}

/// The name of a scope, as a type; [`scope!`](crate::scope) makes one.
pub trait ScopeName: 'static {
    /// The scope, to the letter (RFC 6749 section 3.3).
    const SCOPE: &'static str;
}

/// Somebody whose credential may be used for a scope. A session is not limited to scopes and may be used for all.
#[derive(Clone, Copy, Debug)]
pub struct HasScope<S>(PhantomData<fn() -> S>);

impl<S: ScopeName> Policy for HasScope<S> {
    async fn check(principal: &Principal, _: &Portcullis) -> Result<(), CheckError> {
        if principal.has_scope(S::SCOPE) {
            Ok(())
        } else {
            Err(Denied::missing_scope(S::SCOPE).into())
        }
    }
}

/// Names a scope as a type: `scope!(pub Deploy = "deploy:write");`
#[macro_export]
macro_rules! scope {
    ($(#[$meta:meta])* $visibility:vis $name:ident = $scope:literal) => {
        $(#[$meta])*
        #[doc = concat!("The scope `", $scope, "`.")]
        #[derive(Clone, Copy, Debug)]
        $visibility struct $name;

        impl $crate::ScopeName for $name {
            const SCOPE: &'static str = $scope;
        }
    };
}

/// The name of a role, as a type; [`role!`](crate::role) makes one.
pub trait RoleType: 'static {
    /// The role, to the letter.
    const ROLE: &'static str;
}

/// Somebody who has a role, by a credential that carries roles: a session, or a token that is not limited to scopes. It
/// is read with the credential, so a role that is taken is missed at the next request (SECURITY SE-12).
#[derive(Clone, Copy, Debug)]
#[doc(alias = "require_roles")]
pub struct HasRole<R>(PhantomData<fn() -> R>);

impl<R: RoleType> Policy for HasRole<R> {
    async fn check(principal: &Principal, _: &Portcullis) -> Result<(), CheckError> {
        if principal.has_role(R::ROLE) {
            Ok(())
        } else {
            Err(Denied::new(Reason::MissingRole).into())
        }
    }
}

/// Names a role as a type: `role!(pub Admin = "admin");`
#[macro_export]
macro_rules! role {
    ($(#[$meta:meta])* $visibility:vis $name:ident = $role:literal) => {
        $(#[$meta])*
        #[doc = concat!("The role `", $role, "`.")]
        #[derive(Clone, Copy, Debug)]
        $visibility struct $name;

        impl $crate::RoleType for $name {
            const ROLE: &'static str = $role;
        }
    };
}

/// Somebody whom one of two policies lets through, asked in order; denied as by the last. More than two are nested.
#[derive(Clone, Copy, Debug)]
pub struct AnyOf<A, B>(PhantomData<fn() -> (A, B)>);

impl<A: Policy, B: Policy> Policy for AnyOf<A, B> {
    async fn check(principal: &Principal, portcullis: &Portcullis) -> Result<(), CheckError> {
        match A::check(principal, portcullis).await {
            Err(CheckError::Denied(_)) => B::check(principal, portcullis).await,
            // Passed, or not decided: a failure is not an answer.
            decided => decided,
        }
    }
}

macro_rules! all_of {
    ($($policy:ident),+) => {
        impl<$($policy: Policy),+> Policy for ($($policy,)+) {
            async fn check(principal: &Principal, portcullis: &Portcullis) -> Result<(), CheckError> {
                $($policy::check(principal, portcullis).await?;)+
                Ok(())
            }
        }
    };
}

all_of!(A);
all_of!(A, B);
all_of!(A, B, C);
all_of!(A, B, C, D);
