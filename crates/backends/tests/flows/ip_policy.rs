//! From where people may come: asked of everybody at every way in, and on every request.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use portcullis_backends::Authentication;
use portcullis_backends::core::along::Along;
use portcullis_backends::core::api_token::{IpAllowlist, Scopes};
use portcullis_backends::core::backend::{
    AuthBackend, BackendError, Credential, Presented, RequestContext, Verdict,
};
use portcullis_backends::core::event::Reason;
use portcullis_backends::core::id::TenantId;
use portcullis_backends::core::identifier::Identifier;
use portcullis_backends::core::net::{ClientInfo, Networks};
use portcullis_backends::core::policy::PolicyOverrides;
use portcullis_backends::core::principal::Principal;
use portcullis_backends::core::secret::{Password, SecretText};
use portcullis_backends::core::state::EntityState;
use portcullis_backends::core::store::AccountStore as _;
use portcullis_backends::flow::{
    CreateApiTokenOutcome, ForgotPassword, MagicLink, MagicLinkOutcome, NewApiToken,
    OpenAccountOutcome, ResendVerification, ResetPassword, ResetPasswordOutcome, SendMagicLink,
    SignIn, SignInOutcome, SignUp, SignUpOutcome, VerifyEmail, VerifyEmailOutcome,
};

use crate::harness::{ADA, Harness, PASSWORD};

const NEW: &str = "new@example.com";
const OUTSIDE: [Option<&str>; 3] = [Some("198.51.100.1"), Some("::ffff:198.51.100.1"), None];

/// Where [`Harness::context`] comes from.
fn inside() -> PolicyOverrides {
    PolicyOverrides {
        ip_allow: Some(Networks::parse(["192.0.2.0/24"]).unwrap()),
        ..Default::default()
    }
}

fn from(h: &Harness, ip: Option<&str>) -> RequestContext {
    let ip = ip.map(|ip| ip.parse::<IpAddr>().unwrap());
    RequestContext {
        tenant: h.portcullis.default_tenant(),
        client: ClientInfo::new(ip, Some("test"), None),
    }
}

fn email(text: &str) -> Identifier {
    Identifier::email(text).unwrap()
}

async fn signs_in_from(h: &Harness, who: &str, ip: Option<&str>) -> bool {
    let input = SignIn {
        identifier: who.to_owned(),
        password: Password::new(PASSWORD).unwrap(),
        replaces: None,
    };
    let outcome = h.portcullis.sign_in(input, &from(h, ip)).await.unwrap();
    matches!(outcome, SignInOutcome::SignedIn(_))
}

async fn presents(h: &Harness, credential: Credential<'_>, ip: Option<&str>) -> Authentication {
    h.present_from(Some(credential), &from(h, ip))
        .await
        .unwrap()
}

async fn api_token(h: &Harness, principal: &Principal) -> SecretText {
    let new = NewApiToken {
        name: "x".to_owned(),
        scopes: Scopes::new(["a".parse().unwrap()]).unwrap(),
        ip_allowlist: IpAllowlist::default(),
        expires_in: None,
    };
    let context = h.context();
    let made = h.portcullis.create_api_token(principal, new, &context);
    match made.await.unwrap() {
        CreateApiTokenOutcome::Created { token, .. } => token,
        other => panic!("{other:?}"),
    }
}

async fn last_reason(h: &Harness) -> Option<Reason> {
    h.events().await.remove(0).reason
}

// TH-01, TH-02
#[tokio::test]
async fn a_sign_in_from_elsewhere_is_refused_like_any_other_after_one_hash() {
    let h = Harness::new().await;
    h.person(ADA).await;
    h.set_policy(inside()).await;
    for ip in OUTSIDE {
        for who in [ADA, "nobody@example.com"] {
            h.advance(3600 * 24);
            let hashes = h.hasher.hashes();
            assert!(!signs_in_from(&h, who, ip).await, "{who} {ip:?}");
            assert_eq!(h.hasher.hashes() - hashes, 1);
            assert_eq!(last_reason(&h).await, Some(Reason::AddressNotAllowed));
        }
    }
    assert!(signs_in_from(&h, ADA, Some("192.0.2.200")).await);
    assert!(signs_in_from(&h, ADA, Some("::ffff:192.0.2.200")).await);
}

// SE-05
#[tokio::test]
async fn credentials_count_only_from_where_the_tenant_says_and_still_cost_one_read() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let ada = h.sign_in(ADA).await;
    let cookie = Credential::Cookie(ada.cookie.expose());
    let token = api_token(&h, &ada.principal).await;
    let bearer = Credential::Bearer(token.expose());
    h.set_policy(PolicyOverrides {
        ip_deny: Some(Networks::parse(["192.0.2.7"]).unwrap()),
        ..inside()
    })
    .await;
    h.advance(1);
    for ip in OUTSIDE.into_iter().chain([Some("192.0.2.7")]) {
        assert_eq!(presents(&h, cookie, ip).await, Authentication::Anonymous);
        assert_eq!(presents(&h, bearer, ip).await, Authentication::Rejected);
    }
    assert_eq!(last_reason(&h).await, Some(Reason::AddressNotAllowed));
    for credential in [cookie, bearer] {
        let calls = h.store.calls();
        let answer = presents(&h, credential, Some("192.0.2.1")).await;
        assert!(matches!(answer, Authentication::Authenticated(_)));
        assert_eq!(h.store.calls() - calls, 1);
    }
}

// TH-01
#[tokio::test]
async fn what_is_asked_for_from_elsewhere_sends_nothing_and_does_not_say_so() {
    let h = Harness::new().await;
    h.person(ADA).await;
    h.sign_up("pending@example.com", PASSWORD).await;
    h.portcullis.run_due().await.unwrap();
    h.set_policy(inside()).await;
    let mails = h.mailbox.all().len();
    let context = from(&h, OUTSIDE[0]);
    let p = &h.portcullis;
    for who in [ADA, NEW, "pending@example.com"] {
        let hashes = h.hasher.hashes();
        let sign_up = SignUp {
            email: email(who),
            password: Password::new(PASSWORD).unwrap(),
        };
        let signed_up = p.sign_up(sign_up, &context).await.unwrap();
        assert!(matches!(signed_up, SignUpOutcome::Accepted { .. }));
        assert_eq!(h.hasher.hashes() - hashes, 1, "{who}");
        let (again, link) = (
            ResendVerification { email: email(who) },
            SendMagicLink { email: email(who) },
        );
        p.resend_verification(again, &context).await.unwrap();
        p.send_magic_link(link, &context).await.unwrap();
        let forgot = ForgotPassword { email: email(who) };
        p.forgot_password(forgot, &context).await.unwrap();
    }
    p.run_due().await.unwrap();
    assert_eq!(h.mailbox.all().len(), mails);
    let tenant = p.default_tenant();
    assert!(p.admin_find_user(tenant, NEW).await.unwrap().is_none());
}

// TH-10
#[tokio::test]
async fn a_link_that_is_opened_elsewhere_does_nothing_and_works_where_it_may() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let browser = h.sign_up(NEW, PASSWORD).await;
    let proof = h.mailed_token(NEW).await;
    let reset = h.reset_link(ADA).await;
    h.advance(1);
    let send = SendMagicLink { email: email(ADA) };
    let sent = h.portcullis.send_magic_link(send, &h.context()).await;
    sent.unwrap();
    let magic = h.mailed_token(ADA).await;
    h.set_policy(inside()).await;
    let opened = async |ip: Option<&str>| {
        let (p, context) = (&h.portcullis, from(&h, ip));
        let verify = VerifyEmail {
            token: proof.clone(),
            browser: Some(browser.clone()),
            password: None,
        };
        let link = MagicLink {
            token: magic.clone(),
            replaces: None,
        };
        let new = ResetPassword {
            token: reset.clone(),
            password: Password::new("a battery of staple horses").unwrap(),
        };
        let verified = p.verify_email(verify, &context).await.unwrap();
        let signed_in = p.sign_in_with_magic_link(link, &context).await.unwrap();
        let was_reset = p.reset_password(new, &context).await.unwrap();
        [
            matches!(verified, VerifyEmailOutcome::Verified { .. }),
            matches!(signed_in, MagicLinkOutcome::SignedIn(_)),
            matches!(was_reset, ResetPasswordOutcome::Reset { .. }),
        ]
    };
    for ip in OUTSIDE {
        assert_eq!(opened(ip).await, [false; 3], "{ip:?}");
    }
    assert_eq!(opened(Some("192.0.2.1")).await, [true; 3]);
}

#[tokio::test]
async fn the_operator_is_not_locked_out() {
    let h = Harness::new().await;
    let nowhere = PolicyOverrides {
        ip_deny: Some(Networks::parse(["0.0.0.0/0", "::/0"]).unwrap()),
        ..Default::default()
    };
    h.set_policy(nowhere).await;
    let (tenant, password) = (
        h.portcullis.default_tenant(),
        Password::new(PASSWORD).unwrap(),
    );
    let opened = h
        .portcullis
        .admin_open_account(tenant, email(ADA), password);
    assert!(matches!(
        opened.await.unwrap(),
        OpenAccountOutcome::Opened { .. }
    ));
    assert!(!signs_in_from(&h, ADA, Some("192.0.2.1")).await);
    h.set_policy(PolicyOverrides::default()).await;
    assert!(signs_in_from(&h, ADA, None).await);
}

/// Knows everybody who brings its word, as whoever was signed in before.
#[derive(Debug)]
struct Own(Principal);

#[async_trait]
impl AuthBackend for Own {
    fn name(&self) -> &'static str {
        "own"
    }

    fn claims(&self, presented: &Presented<'_>) -> bool {
        matches!(presented.credential, Some(Credential::Bearer("own")))
    }

    async fn authenticate(
        &self,
        _: &Presented<'_>,
        _: &RequestContext,
    ) -> Result<Verdict, BackendError> {
        Ok(Verdict::Authenticated(Box::new(self.0.clone())))
    }
}

#[tokio::test]
async fn whomever_an_adopters_own_backend_knows_comes_from_where_the_tenant_says_too() {
    let first = Harness::new().await;
    first.person(ADA).await;
    let principal = first.sign_in(ADA).await.principal.clone();
    let store = first.store.clone();
    let builder = portcullis_backends::Portcullis::builder(store.clone());
    let own = Arc::new(Own(principal));
    let h = Harness::on(builder, store, |b| b.backend(own)).await;
    let word = SecretText::new("own");
    let bearer = Credential::Bearer(word.expose());
    let answer = presents(&h, bearer, OUTSIDE[0]).await;
    assert!(matches!(answer, Authentication::Authenticated(_)));
    h.set_policy(inside()).await;
    first.advance(10);
    h.advance(10);
    let answer = presents(&h, bearer, OUTSIDE[0]).await;
    assert_eq!(answer, Authentication::Rejected);
    assert_eq!(last_reason(&h).await, Some(Reason::AddressNotAllowed));
    let answer = presents(&h, bearer, Some("192.0.2.1")).await;
    assert!(matches!(answer, Authentication::Authenticated(_)));
}

// TH-10
#[tokio::test]
async fn an_adopters_own_backend_lets_nobody_into_another_tenant_or_one_that_is_suspended() {
    let first = Harness::new().await;
    first.person(ADA).await;
    let principal = first.sign_in(ADA).await.principal.clone();
    let elsewhere = Principal {
        tenant: TenantId::from_bytes([7; 16]),
        ..principal.clone()
    };
    for (who, state, lets_in) in [
        (&elsewhere, EntityState::Active, false),
        (&principal, EntityState::Active, true),
        (&principal, EntityState::Suspended, false),
        (&principal, EntityState::Terminated, false),
    ] {
        let store = first.store.clone();
        let builder = portcullis_backends::Portcullis::builder(store.clone());
        let own = Arc::new(Own(who.clone()));
        let h = Harness::on(builder, store, |b| b.backend(own)).await;
        let tenant = h.portcullis.default_tenant();
        let mut security = h.store.tenant_security(tenant).await.unwrap().unwrap();
        security.status.state = state;
        let set = h.store.set_tenant_security(&security, Along::default());
        assert!(set.await.unwrap().applied().is_some());
        let answer = h.present(Some(Credential::Bearer("own"))).await.unwrap();
        let is_in = matches!(answer, Authentication::Authenticated(_));
        assert_eq!(is_in, lets_in, "{state:?}: {answer:?}");
    }
}
