//! What the table says about a route. The router is built from it, so that no policy, limit or check can be forgotten
//! in a handler.

mod table;

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use axum::body::Body;
use axum::routing::MethodFilter;
use portcullis_core::event::AuthEventType;
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use crate::answer::Answer;
use crate::body::{AsksCaptcha, BodyKind, Input};
use crate::call::Call;
use crate::code::Code;
use crate::config::Switch;
use crate::limit::Limits;
use crate::problem::Problem;

pub use table::{HEALTH_ROUTES, ROUTES};

/// A method that a route answers; `GET` includes `HEAD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Verb {
    /// `GET`: changes nothing.
    Get,
    /// `POST`.
    Post,
    /// `PATCH`.
    Patch,
    /// `DELETE`.
    Delete,
}

impl Verb {
    /// As HTTP spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// What `Allow` lists for it.
    pub(crate) const fn allow(self) -> &'static str {
        match self {
            Self::Get => "GET, HEAD",
            other => other.as_str(),
        }
    }

    pub(crate) const fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Patch => MethodFilter::PATCH,
            Self::Delete => MethodFilter::DELETE,
        }
    }

    /// Whether a request from another site is refused.
    #[must_use]
    pub const fn csrf(self) -> Csrf {
        match self {
            Self::Get => Csrf::Safe,
            Self::Post | Self::Patch | Self::Delete => Csrf::Checked,
        }
    }
}

/// Whether a request from another site is refused. It follows from the method: there is no way to switch it off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Csrf {
    /// The method changes nothing.
    Safe,
    /// Refused, also where no credential is needed: signing somebody in or out is a change.
    Checked,
}

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoutePolicy {
    /// Everybody.
    Public,
    /// Everybody without a credential and everybody in a session, but no API token.
    AnonymousOrSession,
    /// Somebody, whatever they came with.
    SignedIn,
    /// Somebody in a session; an API token is refused (SECURITY AK-05).
    Session,
    /// Somebody in a session who proved themselves a short while ago (SECURITY SE-07).
    FreshSession,
}

/// One route.
#[non_exhaustive]
pub struct RouteSpec {
    /// The method.
    pub verb: Verb,
    /// The path below the mount path.
    pub path: &'static str,
    /// What it does.
    pub summary: &'static str,
    /// The flag it is switched by.
    pub switch: Switch,
    /// Who may use it.
    pub policy: RoutePolicy,
    /// How often.
    pub limits: Limits,
    /// What it writes to the audit log when it does what it is for, or refuses to.
    pub events: &'static [AuthEventType],
    /// The body it takes.
    pub body: BodyKind,
    /// When it asks for a CAPTCHA.
    pub captcha: AsksCaptcha,
    /// The status of its success.
    pub status: u16,
    /// The codes of its own, besides those that follow from the rest.
    pub codes: &'static [Code],
    /// Whether it is for browsers too: then whoever accepts HTML gets pages.
    pub pages: Pages,
    pub(crate) input: Option<Shape>,
    pub(crate) output: Option<Shape>,
    pub(crate) run: Run,
}

/// Whether a route has pages for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pages {
    /// JSON alone.
    None,
    /// Pages alone.
    Only,
    /// A page for a form, JSON for JSON.
    ForForms,
}

pub(crate) type Answered<'a> = Pin<Box<dyn Future<Output = Result<Answer, Problem>> + Send + 'a>>;
pub(crate) type Run = for<'a> fn(&'a Call, Body) -> Answered<'a>;

/// The schema of a body or an answer.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) name: fn() -> String,
    pub(crate) collect: fn(&mut Vec<(String, RefOr<Schema>)>),
}

impl Shape {
    pub(crate) const fn of<T: ToSchema>() -> Self {
        Self {
            name: || T::name().into_owned(),
            collect: |schemas| {
                schemas.push((T::name().into_owned(), T::schema()));
                T::schemas(schemas);
            },
        }
    }
}

pub(crate) const fn input<T: Input>() -> (BodyKind, AsksCaptcha, Option<Shape>) {
    (T::KIND, T::CAPTCHA, Some(Shape::of::<T>()))
}

impl RouteSpec {
    /// Whether a request from another site is refused.
    #[must_use]
    pub const fn csrf(&self) -> Csrf {
        self.verb.csrf()
    }
}

impl fmt::Debug for RouteSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} ({:?}, {:?})",
            self.verb.as_str(),
            self.path,
            self.policy,
            self.limits
        )
    }
}
