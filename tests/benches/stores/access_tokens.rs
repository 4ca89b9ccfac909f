//! Access tokens: `Portcullis::authenticate`, and the same check and read as one would write them.
//!
//! By hand: `jsonwebtoken` with issuer, audience and times checked, then the family from the same store, then its state
//! and epoch. Once with tokens that come again, which ours remembers, and once with more of them than it remembers.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use portcullis_backends::Portcullis;
use portcullis_backends::core::backend::{Credential, RequestContext};
use portcullis_backends::core::secret::{Password, SecretText};
use portcullis_backends::flow::{RefreshOutcome, RefreshRequest, TokenOutcome, TokenRequest};
use portcullis_backends::tokens::OsEntropy;
use portcullis_backends::tokens::jwt::{JwtAlgorithm, JwtKeys};
use portcullis_core::clock::{Clock as _, SystemClock};
use portcullis_core::id::RefreshFamilyId;
use portcullis_core::store::RefreshStore;
use portcullis_stores_sql::{SqliteOptions, SqliteStore};
use serde_json::Value;

use crate::measure::{By, Table};
use crate::requests::{ADA, PASSWORD, authenticated, context, instance};

const COUNT: u64 = 6_000;
/// More than the memory of verified tokens holds.
const MANY: u64 = 6_000;
/// Only a secret that could be random is taken.
const SECRET: &[u8] = &[
    0x9d, 0x04, 0xe1, 0x77, 0x3b, 0xc8, 0x52, 0xaf, 0x16, 0xf0, 0x8a, 0x2d, 0x61, 0xb5, 0x0e, 0xd3,
    0x49, 0x9c, 0x27, 0xfa, 0x80, 0x35, 0xce, 0x6b, 0x12, 0xe7, 0xa4, 0x58, 0x03, 0xbd, 0x71, 0xd6,
];

pub(crate) async fn compare(table: &mut Table) {
    table.head("access tokens on SQLite");
    for algorithm in [JwtAlgorithm::EdDsa, JwtAlgorithm::Hs256] {
        one(table, algorithm).await;
    }
}

async fn one(table: &mut Table, algorithm: JwtAlgorithm) {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions::new(folder.path().join("portcullis.db"));
    let store = SqliteStore::open(options.create_if_missing()).unwrap();
    store.migrate().await.unwrap();
    let keys = match algorithm {
        JwtAlgorithm::Hs256 => JwtKeys::hs256(SECRET).unwrap(),
        _ => JwtKeys::generate(algorithm, &OsEntropy, SystemClock.now()).unwrap(),
    };
    let builder = Portcullis::builder(store.clone()).access_tokens(keys);
    let (portcullis, _) = instance(builder).await;
    let context = context(&portcullis);
    let tokens = tokens(&portcullis, &context).await;
    let by_hand = &ByHand::new(&portcullis, algorithm, &store);
    let (portcullis, context) = (&portcullis, &context);
    for (name, some) in [
        ("each again and again", tokens.get(..10).unwrap()),
        ("more than remembered", tokens.as_slice()),
    ] {
        let pick = |number: u64| {
            let index = usize::try_from(number).unwrap() % some.len();
            some.get(index).unwrap().expose()
        };
        table
            .row(
                &format!("{algorithm}, {name}"),
                COUNT,
                Some((0.8, By::Cpu)),
                async |number| {
                    authenticated(portcullis, Credential::Bearer(pick(number)), context).await;
                },
                async |number| assert!(by_hand.is_accepted(pick(number)).await),
            )
            .await;
    }
}

/// Of one family, as its client gets them: each with the refresh token of the one before.
async fn tokens(portcullis: &Portcullis, context: &RequestContext) -> Vec<SecretText> {
    let request = TokenRequest {
        identifier: ADA.to_owned(),
        password: Password::new(PASSWORD).unwrap(),
        scopes: None,
    };
    let TokenOutcome::Issued(mut pair) = portcullis.issue_tokens(request, context).await.unwrap()
    else {
        panic!("no tokens")
    };
    let mut tokens = Vec::new();
    for _ in 0..MANY {
        let token = pair.refresh.clone();
        let request = RefreshRequest {
            token,
            scopes: None,
        };
        let refreshed = portcullis.refresh_tokens(request, context).await.unwrap();
        let RefreshOutcome::Refreshed(next) = refreshed else {
            panic!("refused")
        };
        tokens.push(pair.access);
        pair = next;
    }
    tokens
}

struct ByHand<'a> {
    key: DecodingKey,
    validation: Validation,
    store: &'a SqliteStore,
}

impl<'a> ByHand<'a> {
    fn new(portcullis: &Portcullis, algorithm: JwtAlgorithm, store: &'a SqliteStore) -> Self {
        let (key, algorithm) = match algorithm {
            JwtAlgorithm::Hs256 => (DecodingKey::from_secret(SECRET), Algorithm::HS256),
            _ => {
                let jwks = portcullis.jwks().unwrap();
                let x = jwks.pointer("/keys/0/x").and_then(Value::as_str).unwrap();
                (
                    DecodingKey::from_ed_components(x).unwrap(),
                    Algorithm::EdDSA,
                )
            }
        };
        let mut validation = Validation::new(algorithm);
        let url = portcullis.settings().public_url().as_str();
        validation.set_issuer(&[url]);
        validation.set_audience(&[url]);
        validation.validate_nbf = true;
        Self {
            key,
            validation,
            store,
        }
    }

    async fn is_accepted(&self, token: &str) -> bool {
        let decoded = jsonwebtoken::decode::<Value>(token, &self.key, &self.validation);
        let claims = decoded.unwrap().claims;
        let family = claims.get("family").and_then(Value::as_str).unwrap();
        let family = BASE64_URL_SAFE_NO_PAD.decode(family).unwrap();
        let id = RefreshFamilyId::from_bytes(family.try_into().unwrap());
        let Some(resolved) = self.store.resolve_family(id).await.unwrap() else {
            return false;
        };
        let epoch = claims.get("epoch").and_then(Value::as_u64).unwrap();
        let now = SystemClock.now();
        u64::from(resolved.family.epoch.0) == epoch
            && resolved.family.epoch == resolved.subject.epoch
            && resolved.family.ended_at.is_none()
            && resolved.family.absolute_deadline > now
    }
}
