//! For every route the requests that do what it is for, and some that it refuses, with all that comes before each. The
//! walks over the table share them: a route without one fails every walk.

mod done;
mod events;
mod refused;

use axum::http::{HeaderValue, Method, header};
use portcullis_backends::Builder;
use portcullis_backends::core::policy::PolicyOverrides;
use portcullis_http_axum::{ROUTES, RouteSpec, Switch, Verb};
use portcullis_stores_kv::MemoryStore;
use portcullis_testing::{FaultStore, Faults};
use serde_json::Value;

use crate::app::{Answer, App, Client};

pub(crate) use events::Left;

pub(crate) const NEW: &str = "lovelace@example.com";
pub(crate) const NEW_PASSWORD: &str = "a battery of staple horses";
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

macro_rules! samples {
    (done { $($done:ident = $verb:ident $path:literal,)+ } refused { $($refused:ident = $status:literal $v:ident $p:literal,)+ }) => {
        /// One request. A new route has its own here; what comes before it stands in `done` or `refused`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Sample {
            $($done,)+
            $($refused,)+
        }

        impl Sample {
            const DONE: &'static [Self] = &[$(Self::$done,)+];
            const REFUSED: &'static [Self] = &[$(Self::$refused,)+];

            const fn place(self) -> (Verb, &'static str) {
                match self {
                    $(Self::$done => (Verb::$verb, $path),)+
                    $(Self::$refused => (Verb::$v, $p),)+
                }
            }

            /// What a refusal is answered with; `None` where the route does what it is for.
            const fn refusal(self) -> Option<u16> {
                match self {
                    $(Self::$done => None,)+
                    $(Self::$refused => Some($status),)+
                }
            }
        }
    };
}

samples! {
    done {
        SignUp = Post "/signup",
        SendLink = Post "/signup/send_link",
        SignUpPage = Get "/signup/verify",
        Verify = Post "/signup/verify",
        VerifyElsewhere = Post "/signup/verify",
        SignIn = Post "/sign-in",
        SignInAgain = Post "/sign-in",
        SignInWithAnOldHash = Post "/sign-in",
        SendMagicLink = Post "/magic-link/send",
        MagicLinkPage = Get "/magic-link/verify",
        MagicLink = Post "/magic-link/verify",
        MagicLinkAgain = Post "/magic-link/verify",
        MagicLinkUnproved = Post "/magic-link/verify",
        MagicLinkNew = Post "/magic-link/verify",
        SendCode = Post "/email-code/send",
        Code = Post "/email-code/verify",
        CodeAgain = Post "/email-code/verify",
        Logout = Post "/logout",
        LogoutOfNobody = Post "/logout",
        LogoutWithAnAccessToken = Post "/logout",
        LogoutAll = Post "/logout/all",
        CheckAuth = Post "/check-auth",
        CheckAuthWithAnApiToken = Post "/check-auth",
        CheckAuthWithAnAccessToken = Post "/check-auth",
        StepUp = Post "/step-up",
        ChangePassword = Post "/password/change",
        Forgot = Post "/password/forgot",
        CheckResetLink = Post "/password/verify_token",
        ResetPage = Get "/password/reset",
        Reset = Post "/password/reset",
        ChangeEmail = Post "/email/change/request",
        ChangeEmailPage = Get "/email/change/confirm",
        ConfirmEmail = Post "/email/change/confirm",
        Profile = Get "/profile",
        ProfileWithAnApiToken = Get "/profile",
        Close = Post "/account/close",
        Export = Get "/account/export",
        Sessions = Get "/sessions",
        EndOtherSessions = Delete "/sessions",
        RenameSession = Patch "/sessions/{id}",
        EndSession = Delete "/sessions/{id}",
        ApiTokens = Get "/api-tokens",
        NewApiToken = Post "/api-tokens",
        RevokeApiTokens = Delete "/api-tokens",
        RevokeApiToken = Delete "/api-tokens/{id}",
        Tokens = Post "/token",
        TokensInCookies = Post "/token",
        TokensWithAnOldHash = Post "/token",
        Refresh = Post "/refresh",
        RefreshByCookie = Post "/refresh",
        Jwks = Get "/jwks.json",
        OpenApi = Get "/openapi.json",
    }
    refused {
        SignUpTaken = 202 Post "/signup",
        SendLinkToSomebodyProved = 202 Post "/signup/send_link",
        SendLinkToNobody = 202 Post "/signup/send_link",
        VerifyTwice = 400 Post "/signup/verify",
        SignInWrong = 401 Post "/sign-in",
        SignInOfNobody = 401 Post "/sign-in",
        SendMagicLinkToNobody = 202 Post "/magic-link/send",
        MagicLinkTwice = 400 Post "/magic-link/verify",
        SendCodeToNobody = 202 Post "/email-code/send",
        CodeWrong = 400 Post "/email-code/verify",
        StepUpWrong = 403 Post "/step-up",
        ChangePasswordWrong = 403 Post "/password/change",
        ForgotByNobody = 202 Post "/password/forgot",
        CheckUsedResetLink = 400 Post "/password/verify_token",
        ResetTwice = 400 Post "/password/reset",
        ChangeEmailTaken = 202 Post "/email/change/request",
        ConfirmEmailTwice = 400 Post "/email/change/confirm",
        TokensWrong = 401 Post "/token",
        RefreshSpent = 400 Post "/refresh",
        RefreshEnded = 400 Post "/refresh",
    }
}

impl Sample {
    /// What every served route is for, in the order of the table.
    pub(crate) fn done() -> Vec<Self> {
        for route in ROUTES {
            let name = format!("{} {}", route.verb.as_str(), route.path);
            let has_one = Self::DONE.iter().any(|sample| sample.is_of(route));
            assert!(
                has_one,
                "{name} has no sample: give it a variant of `Sample` and say in `done` what comes before it"
            );
        }
        Self::that_are_served(Self::DONE)
    }

    /// What routes refuse for reasons of their own.
    pub(crate) fn refused() -> Vec<Self> {
        Self::that_are_served(Self::REFUSED)
    }

    fn that_are_served(all: &[Self]) -> Vec<Self> {
        let served = |sample: &&Self| {
            cfg!(feature = "jwt")
                || (sample.route().switch != Switch::Tokens && !sample.takes_an_access_token())
        };
        all.iter().filter(served).copied().collect()
    }

    fn takes_an_access_token(self) -> bool {
        matches!(
            self,
            Self::LogoutWithAnAccessToken | Self::CheckAuthWithAnAccessToken
        )
    }

    pub(crate) fn is_of(self, route: &RouteSpec) -> bool {
        self.place() == (route.verb, route.path)
    }

    pub(crate) fn route(self) -> &'static RouteSpec {
        let found = ROUTES.iter().find(|route| self.is_of(route));
        found.unwrap_or_else(|| panic!("{self:?} is of no route"))
    }

    /// What it is answered with, in JSON.
    pub(crate) fn status(self) -> u16 {
        self.refusal().unwrap_or(self.route().status)
    }

    /// Codes sign in; links make accounts where the sample needs it.
    pub(crate) fn policy(self) -> PolicyOverrides {
        PolicyOverrides {
            email_code: Some(true),
            magic_link_sign_up: Some(matches!(self, Self::MagicLinkNew | Self::MagicLinkUnproved)),
            ..Default::default()
        }
    }

    /// The app that it is made on.
    pub(crate) async fn app(self) -> App {
        self.app_with(|builder| builder).await
    }

    /// The same, with something else besides.
    pub(crate) async fn app_with(
        self,
        change: impl FnOnce(Builder<MemoryStore>) -> Builder<MemoryStore>,
    ) -> App {
        let with_policy = |builder: Builder<MemoryStore>| builder.policy(self.policy());
        App::with(|builder| change(with_policy(builder)), |router, _| router).await
    }

    /// The same, on a store that fails on demand.
    pub(crate) async fn app_that_fails(self) -> (App, Faults) {
        let faults = std::cell::OnceCell::new();
        let app = App::on(
            |store| {
                let store = FaultStore::new(store);
                let _first = faults.set(store.faults().clone());
                store
            },
            |builder| builder.policy(self.policy()),
            |router, _| router,
        );
        let app = app.await;
        let faults = faults.into_inner();
        (app, faults.unwrap())
    }

    /// Everything before the request; then who makes it, and with what.
    pub(crate) async fn prepare(self, app: &App) -> Asked<'_> {
        match self.refusal() {
            None => done::prepare(self, app).await,
            Some(_) => refused::prepare(self, app).await,
        }
    }

    fn by<'a>(self, client: Client<'a>, body: Option<Value>) -> Asked<'a> {
        let (verb, path) = self.place();
        Asked {
            client,
            method: verb.as_str().parse().unwrap(),
            path: format!("/auth{path}"),
            body,
        }
    }
}

/// A request that is ready to be made.
pub(crate) struct Asked<'a> {
    pub(crate) client: Client<'a>,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
}

impl Asked<'_> {
    fn of(mut self, id: &str) -> Self {
        self.path = self.path.replace("{id}", id);
        self
    }

    fn with_query(mut self, query: &str) -> Self {
        self.path = format!("{}?{query}", self.path);
        self
    }

    /// The credential goes in a header, and no cookie with it.
    pub(crate) fn bearing(mut self, token: &str) -> Self {
        self.client.jar.clear();
        let value = format!("Bearer {token}").parse().unwrap();
        self.client.headers.insert(header::AUTHORIZATION, value);
        self
    }

    pub(crate) async fn send(&mut self) -> Answer {
        let body = self.body.as_ref().map(|body| body.to_string().into_bytes());
        let body = body.map(|body| ("application/json", body));
        self.client
            .request(self.method.clone(), &self.path, body)
            .await
    }

    /// As a browser sends a form, which wants a page.
    pub(crate) async fn send_form(&mut self) -> Answer {
        let html = HeaderValue::from_static("text/html");
        self.client.headers.insert(header::ACCEPT, html);
        let body = self.body.as_ref().map(|body| {
            let fields = body.as_object().unwrap().iter();
            let fields = fields.map(|(name, value)| (name, value.as_str().unwrap()));
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            (FORM, form.extend_pairs(fields).finish().into_bytes())
        });
        self.client
            .request(self.method.clone(), &self.path, body)
            .await
    }
}
