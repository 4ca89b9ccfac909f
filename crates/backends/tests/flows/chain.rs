//! The chain of backends.

use std::sync::Arc;

use async_trait::async_trait;
use portcullis_backends::core::backend::{
    AuthBackend, BackendError, Credential, Presented, RequestContext, Verdict,
};
use portcullis_backends::core::error::StoreErrorKind;
use portcullis_backends::core::event::Reason;
use portcullis_backends::core::id::{TenantId, UserId};
use portcullis_backends::core::principal::{Principal, Subject, Via};
use portcullis_backends::core::session::{Assurance, AssuranceLevel};
use portcullis_backends::core::time::Timestamp;
use portcullis_backends::{Authentication, FlowError};

use portcullis_backends::tokens::opaque::TokenClass;

use crate::harness::{ADA, Harness};

/// Says the same to every bearer token that begins with its prefix.
#[derive(Debug)]
struct Fixed(&'static str, fn() -> Result<Verdict, BackendError>);

#[async_trait]
impl AuthBackend for Fixed {
    fn name(&self) -> &'static str {
        "fixed"
    }

    fn claims(&self, presented: &Presented<'_>) -> bool {
        presented
            .credential
            .is_some_and(|c| c.is_explicit() && c.expose().starts_with(self.0))
    }

    async fn authenticate(
        &self,
        _: &Presented<'_>,
        context: &RequestContext,
    ) -> Result<Verdict, BackendError> {
        let mut verdict = (self.1)()?;
        if let Verdict::Authenticated(principal) = &mut verdict {
            principal.tenant = context.tenant;
        }
        Ok(verdict)
    }
}

fn machine() -> Result<Verdict, BackendError> {
    Ok(Verdict::Authenticated(Box::new(Principal {
        subject: Subject::User(UserId::from_integer(7)),
        handle: "machine".to_owned(),
        tenant: TenantId::from_integer(1),
        via: Via::Other,
        assurance: Assurance {
            level: AssuranceLevel::Aal1,
            factors: Vec::new(),
            at: Timestamp::UNIX_EPOCH,
        },
        scopes: None,
        roles: Default::default(),
        actor: None,
    })))
}

fn not_mine() -> Result<Verdict, BackendError> {
    Ok(Verdict::NotMine)
}

fn rejected() -> Result<Verdict, BackendError> {
    Ok(Verdict::Rejected(Reason::WrongSecret))
}

fn failing() -> Result<Verdict, BackendError> {
    Err(BackendError::new("down"))
}

#[tokio::test]
async fn a_foreign_bearer_token_never_starves_a_later_backend() {
    let h = Harness::with(|b| b.backend(Arc::new(Fixed("foreign", machine)))).await;
    for text in ["foreign", "foreign.jwt.like", "foreign_pcl_pat_"] {
        let answer = h.present(Some(Credential::Bearer(text))).await.unwrap();
        assert!(
            matches!(answer, Authentication::Authenticated(p) if p.handle == "machine"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn the_first_backend_that_knows_decides() {
    type Answer = fn() -> Result<Verdict, BackendError>;
    let chains: [(&[Answer], _); 4] = [
        (&[not_mine, machine], "yes"),
        (&[rejected, machine], "no"),
        (&[failing, machine], "undecided"),
        (&[not_mine, not_mine], "no"),
    ];
    for (verdicts, expected) in chains {
        let h = Harness::with(|builder| {
            verdicts.iter().fold(builder, |builder, verdict| {
                builder.backend(Arc::new(Fixed("x", *verdict)))
            })
        })
        .await;
        let answer = match h.present(Some(Credential::Bearer("x"))).await {
            Ok(Authentication::Authenticated(_)) => "yes",
            Ok(Authentication::Rejected) => "no",
            Ok(Authentication::Anonymous) => "nobody",
            Err(FlowError::Unavailable(_)) => "undecided",
            Err(other) => panic!("{other}"),
        };
        assert_eq!(answer, expected);
    }
}

#[tokio::test]
async fn a_header_that_nobody_claims_is_rejected_and_a_dead_cookie_is_anonymous() {
    let h = Harness::new().await;
    let present = async |credential| h.present(credential).await.unwrap();
    assert_eq!(present(None).await, Authentication::Anonymous);
    assert_eq!(
        present(Some(Credential::Bearer("foreign"))).await,
        Authentication::Rejected
    );
    assert_eq!(
        present(Some(Credential::ApiKey(""))).await,
        Authentication::Rejected
    );
    let long = "x".repeat(8192);
    for cookie in ["", "foreign", "pcl_ses_", long.as_str()] {
        assert_eq!(
            present(Some(Credential::Cookie(cookie))).await,
            Authentication::Anonymous
        );
    }
    h.person(ADA).await;
    let session = h.sign_in(ADA).await.cookie;
    // A session token belongs into the cookie and nowhere else.
    assert_eq!(
        present(Some(Credential::Bearer(session.expose()))).await,
        Authentication::Rejected
    );
}

#[tokio::test]
async fn a_dead_cookie_does_not_keep_a_later_backend_from_being_asked() {
    #[derive(Debug)]
    struct OwnHeader;

    #[async_trait]
    impl AuthBackend for OwnHeader {
        fn name(&self) -> &'static str {
            "own_header"
        }

        fn claims(&self, _: &Presented<'_>) -> bool {
            true
        }

        async fn authenticate(
            &self,
            presented: &Presented<'_>,
            context: &RequestContext,
        ) -> Result<Verdict, BackendError> {
            Fixed("", machine).authenticate(presented, context).await
        }
    }
    let h = Harness::with(|b| b.backend(Arc::new(OwnHeader))).await;
    let answer = h.present(Some(Credential::Cookie("dead"))).await.unwrap();
    assert!(matches!(answer, Authentication::Authenticated(p) if p.handle == "machine"));
}

// LG-06
#[tokio::test]
async fn a_store_outage_is_an_error_and_never_an_answer() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let cookie = h.sign_in(ADA).await.cookie;
    for kind in [
        StoreErrorKind::Unavailable,
        StoreErrorKind::Corrupt,
        StoreErrorKind::Indeterminate,
    ] {
        h.store.fail_next(kind);
        let answer = h.present(Some(Credential::Cookie(cookie.expose()))).await;
        assert!(matches!(answer, Err(FlowError::Unavailable(_))), "{kind:?}");
    }
}

#[tokio::test]
async fn resolving_a_credential_is_one_store_call() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let cookie = h.sign_in(ADA).await.cookie;
    let before = h.store.calls();
    h.present(Some(Credential::Cookie(cookie.expose())))
        .await
        .unwrap();
    assert_eq!(h.store.calls() - before, 1);
}

// AK-03
#[tokio::test]
async fn a_miss_computes_as_many_digests_as_a_hit_with_the_wrong_secret() {
    let h = Harness::new().await;
    h.person(ADA).await;
    let real = h.sign_in(ADA).await.cookie;
    let forged = h
        .portcullis
        .tokens()
        .parse(TokenClass::Session, real.expose())
        .unwrap();
    let format = h.portcullis.tokens().format();
    let wrong_secret = format.encode(forged.class(), forged.id(), &[7; 32]);
    let unknown = format.encode(forged.class(), [9; 16], &[7; 32]);
    let unknown_api_token = format.encode(TokenClass::ApiToken, [9; 16], &[7; 32]);
    let mut counts = Vec::new();
    for credential in [
        Credential::Cookie(real.expose()),
        Credential::Cookie(wrong_secret.expose()),
        Credential::Cookie(unknown.expose()),
        Credential::Bearer(unknown_api_token.expose()),
    ] {
        let before = h.portcullis.tokens().digests_computed();
        h.present(Some(credential)).await.unwrap();
        counts.push(h.portcullis.tokens().digests_computed() - before);
    }
    assert_eq!(counts, [1, 1, 1, 1]);
}

// AZ-02
#[tokio::test]
async fn a_credential_counts_in_its_own_tenant_only() {
    use portcullis_backends::core::api_token::{IpAllowlist, Scopes};
    use portcullis_backends::core::secret::Password;
    use portcullis_backends::flow::{
        CreateApiTokenOutcome, NewApiToken, VerifyEmail, VerifyEmailOutcome,
    };
    let h = Harness::new().await;
    h.person(ADA).await;
    let signed_in = h.sign_in(ADA).await;
    let new = NewApiToken {
        name: "x".to_owned(),
        scopes: Scopes::new(["a".parse().unwrap()]).unwrap(),
        ip_allowlist: IpAllowlist::default(),
        expires_in: None,
    };
    let made = h
        .portcullis
        .create_api_token(&signed_in.principal, new, &h.context())
        .await
        .unwrap();
    let CreateApiTokenOutcome::Created { token, .. } = made else {
        panic!("not made")
    };
    h.sign_up("bob@example.com", crate::harness::PASSWORD).await;
    let link = h.mailed_token("bob@example.com").await;
    let mut elsewhere = h.context();
    elsewhere.tenant = TenantId::from_integer(99);
    let cookie = Some(Credential::Cookie(signed_in.cookie.expose()));
    assert_eq!(
        h.present_from(cookie, &elsewhere).await.unwrap(),
        Authentication::Anonymous
    );
    let bearer = Some(Credential::Bearer(token.expose()));
    assert_eq!(
        h.present_from(bearer, &elsewhere).await.unwrap(),
        Authentication::Rejected
    );
    let password = Some(Password::new(crate::harness::PASSWORD).unwrap());
    let input = VerifyEmail {
        token: link,
        browser: None,
        password,
    };
    let outcome = h.portcullis.verify_email(input, &elsewhere).await.unwrap();
    assert_eq!(outcome, VerifyEmailOutcome::Rejected);
}
