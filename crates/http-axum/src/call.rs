//! One request to one of our routes, on its way to the handler.

use std::future::Future;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use portcullis_backends::captcha::CaptchaOutcome;
use portcullis_backends::{Portcullis, Settings};
use portcullis_core::backend::RequestContext;
use portcullis_core::principal::Principal;

use crate::answer::Answer;
use crate::body::{self, AsksCaptcha, Input};
use crate::code::Code;
use crate::config::RoutesConfig;
use crate::limit::{Counted, InProcess, Named, Per};
use crate::metrics::RouteCounts;
use crate::problem::Problem;
use crate::return_to::ReturnTo;
use crate::route::RouteSpec;
use crate::serve;

/// What the routes of one router share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) portcullis: Portcullis,
    pub(crate) config: RoutesConfig,
    pub(crate) openapi: OnceLock<Bytes>,
    pub(crate) counts: Arc<RouteCounts>,
    pub(crate) in_process: InProcess,
}

/// One request, past the checks that the table asks for.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) shared: Arc<Shared>,
    pub(crate) spec: &'static RouteSpec,
    pub(crate) parts: Parts,
    pub(crate) context: Arc<RequestContext>,
    /// Who asks, where the policy asked for somebody.
    pub(crate) principal: Option<Principal>,
}

impl Call {
    pub(crate) fn portcullis(&self) -> &Portcullis {
        &self.shared.portcullis
    }

    pub(crate) fn settings(&self) -> &Settings {
        self.shared.portcullis.settings()
    }

    /// Who asks. On a route whose policy lets nobody else in there is always somebody.
    pub(crate) fn principal(&self) -> Result<&Principal, Problem> {
        let nobody = || Problem::new(Code::Unauthenticated);
        self.principal.as_ref().ok_or_else(nobody)
    }

    /// The id at the end of the path. What is no id names nothing, as an id that nobody has.
    pub(crate) fn id<I: FromStr>(&self) -> Result<I, Problem> {
        let path = self.parts.uri.path();
        let last = path.rsplit('/').next().unwrap_or_default();
        last.parse().map_err(|_| Problem::new(Code::NotFound))
    }

    /// Where to send a browser afterwards.
    pub(crate) fn return_to(&self, target: &str) -> Result<ReturnTo, Problem> {
        let allowed = &self.shared.config.allowed_origins;
        ReturnTo::parse(self.settings(), allowed, target)
            .map_err(|error| Problem::new(Code::InvalidBody).with_detail(error.to_string()))
    }

    /// Whether it is a browser that wants pages, on a route that has them.
    pub(crate) fn is_for_people(&self) -> bool {
        serve::takes_a_page(self.spec, &self.parts.headers)
    }

    /// Takes one more from the limits by identifier, for somebody whom the body does not name.
    pub(crate) async fn take_for(&self, identifier: &str) -> Result<(), Problem> {
        let limits = &self.spec.limits;
        let named = Named {
            identifier: Some(identifier),
            ..Named::default()
        };
        self.counted().take(limits, Per::Identifier, named).await
    }

    /// Lets nobody further whom the CAPTCHA holds up.
    async fn pass_captcha<I: Input>(&self, input: &I) -> Result<(), Problem> {
        let portcullis = self.portcullis();
        let asks = match I::CAPTCHA {
            AsksCaptcha::Never => false,
            AsksCaptcha::Always => portcullis.has_captcha(),
            AsksCaptcha::AtSignIn => portcullis.has_captcha_at_sign_in(),
        };
        if !asks {
            return Ok(());
        }
        let outcome = portcullis.check_captcha(input.captcha(), &self.context);
        match outcome.await? {
            CaptchaOutcome::Passed => Ok(()),
            CaptchaOutcome::Required => Err(Problem::new(Code::CaptchaRequired)),
        }
    }

    /// What there is without the body.
    fn named(&self) -> Named<'_> {
        Named {
            person: self.principal.as_ref().map(Principal::user),
            ..Named::default()
        }
    }

    fn counted(&self) -> Counted<'_> {
        Counted {
            portcullis: self.portcullis(),
            mode: self.shared.config.limits,
            context: &self.context,
            in_process: &self.shared.in_process,
        }
    }
}

/// Runs a handler that takes no body, within the route's limits. A body that came all the same is read and dropped: left
/// where it is, an empty one in chunks would make the server close the connection without saying so.
pub(crate) async fn plain<'a, F>(
    call: &'a Call,
    body: Body,
    handler: impl FnOnce(&'a Call) -> F,
) -> Result<Answer, Problem>
where
    F: Future<Output = Result<Answer, Problem>>,
{
    let (counted, limits) = (call.counted(), &call.spec.limits);
    let named = call.named();
    for per in [Per::Address, Per::Person, Per::Everybody] {
        counted.take(limits, per, named).await?;
    }
    body::drop_unread(body).await;
    handler(call).await
}

/// Reads the body and runs the handler, within the route's limits: the address first, so that whoever is over it costs
/// nothing but the look-up, then the CAPTCHA, so that a robot uses up nobody's, then the identifier, the person and the
/// token, then everybody.
pub(crate) async fn with_body<'a, I, F>(
    call: &'a Call,
    body: Body,
    handler: impl FnOnce(&'a Call, I) -> F,
) -> Result<Answer, Problem>
where
    I: Input,
    F: Future<Output = Result<Answer, Problem>>,
{
    let (counted, limits) = (call.counted(), &call.spec.limits);
    counted.take(limits, Per::Address, call.named()).await?;
    let input = body::read::<I>(&call.parts.headers, body).await?;
    call.pass_captcha(&input).await?;
    let named = Named {
        identifier: input.identifier(),
        token: input.token(),
        ..call.named()
    };
    for per in [Per::Identifier, Per::Person, Per::Token, Per::Everybody] {
        counted.take(limits, per, named).await?;
    }
    let answer = handler(call, input).await?;
    if answer.gives_back {
        counted.refund(limits).await;
    }
    Ok(answer)
}
