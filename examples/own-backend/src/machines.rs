//! Build machines: each sends `X-Build-Machine: <name>:<secret>`.

use std::collections::HashMap;

use async_trait::async_trait;
use portcullis_http_axum::core::backend::{
    AuthBackend, BackendError, Presented, RequestContext, Verdict,
};
use portcullis_http_axum::core::event::Reason;
use portcullis_http_axum::core::id::UserId;
use portcullis_http_axum::core::principal::{Principal, Subject, Via};
use portcullis_http_axum::core::secret::TokenDigest;
use portcullis_http_axum::core::session::{Assurance, AssuranceLevel};
use portcullis_http_axum::core::time::Timestamp;
use portcullis_http_axum::tokens::OsEntropy;
use portcullis_http_axum::tokens::keys::KeyRings;
use portcullis_http_axum::tokens::opaque::{TokenFormat, Tokens};

const HEADER: &str = "x-build-machine";
/// What a secret is hashed for: its digest is worth nothing elsewhere.
const DOMAIN: &str = "build machine";

/// The machines that are known, by name, with a keyed hash of their secret.
#[derive(Debug)]
pub(crate) struct Machines {
    tokens: Tokens,
    known: HashMap<String, (u64, TokenDigest)>,
}

impl Machines {
    /// One machine.
    ///
    /// The hashes live as long as the program, so their key does too.
    #[expect(
        clippy::expect_used,
        reason = "without randomness an example cannot go on"
    )]
    pub(crate) fn new(name: &str, secret: &str) -> Self {
        let keys = KeyRings::generate(&OsEntropy, Timestamp::UNIX_EPOCH).expect("randomness");
        let tokens = Tokens::new(TokenFormat::default(), keys);
        let digest = tokens.keyed(DOMAIN, &[name.as_bytes(), secret.as_bytes()]);
        Self {
            known: HashMap::from([(name.to_owned(), (1, digest))]),
            tokens,
        }
    }
}

#[async_trait]
impl AuthBackend for Machines {
    fn name(&self) -> &'static str {
        "build_machines"
    }

    /// By the header alone: requests without it are none of our business.
    fn claims(&self, presented: &Presented<'_>) -> bool {
        !presented.request.header_values(HEADER).is_empty()
    }

    async fn authenticate(
        &self,
        presented: &Presented<'_>,
        context: &RequestContext,
    ) -> Result<Verdict, BackendError> {
        let values = presented.request.header_values(HEADER);
        let [value] = values.as_slice() else {
            return Ok(Verdict::Rejected(Reason::MalformedCredential));
        };
        let Some((name, secret)) = std::str::from_utf8(value)
            .ok()
            .and_then(|v| v.split_once(':'))
        else {
            return Ok(Verdict::Rejected(Reason::MalformedCredential));
        };
        let Some((id, digest)) = self.known.get(name) else {
            return Ok(Verdict::Rejected(Reason::UnknownCredential));
        };
        // Compared in constant time: digests have no `==`.
        if !self
            .tokens
            .verify_keyed(DOMAIN, &[name.as_bytes(), secret.as_bytes()], digest)
        {
            return Ok(Verdict::Rejected(Reason::WrongSecret));
        }
        Ok(Verdict::Authenticated(Box::new(Principal {
            subject: Subject::User(UserId::from_integer(*id)),
            handle: name.to_owned(),
            tenant: context.tenant,
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
}
