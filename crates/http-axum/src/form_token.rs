//! Tokens for the application's own HTML forms, bound to the session they were made in (SECURITY HT-05).
//!
//! The check of `Origin` and `Sec-Fetch-Site` holds already; a form token besides holds where a browser sends neither,
//! and where another application shares the origin.

use std::fmt;

use axum::extract::{FromRef, FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use portcullis_backends::Portcullis;
use portcullis_core::entropy::{Entropy, EntropyError, random_bytes};
use portcullis_core::id::SessionId;
use portcullis_core::principal::{Principal, Via};
use portcullis_core::secret::TokenDigest;
use portcullis_tokens::opaque::Tokens;
use serde::de::DeserializeOwned;

use crate::body::form;
use crate::code::Code;
use crate::extract::SessionAuth;
use crate::problem::Problem;

/// The name of the hidden field.
pub const FORM_TOKEN_FIELD: &str = "form_token";

/// What the digests are made for.
const DOMAIN: &str = "form token";
const RANDOM_BYTES: usize = 16;
/// Version, random bytes and digest, in hexadecimal digits.
const LENGTH: usize = 8 + 2 * RANDOM_BYTES + 64;

/// A token for a form of this session, to be put into a hidden field called [`FORM_TOKEN_FIELD`]. Each is another text;
/// all of them are good as long as the session is. Somebody without a session is refused as by
/// [`SessionAuth`].
///
/// ```
/// use portcullis_http_axum::{CheckedForm, FormToken};
///
/// async fn page(token: FormToken) -> String {
///     format!(r#"<form method="post"><input type="hidden" name="form_token" value="{token}"></form>"#)
/// }
///
/// #[derive(serde::Deserialize)]
/// struct Rename { name: String }
///
/// async fn rename(CheckedForm(principal, Rename { name }): CheckedForm<Rename>) -> String {
///     format!("{} is now called {name}", principal.handle)
/// }
/// ```
#[derive(Clone)]
pub struct FormToken(String);

impl FormToken {
    fn mint(
        tokens: &Tokens,
        session: SessionId,
        entropy: &dyn Entropy,
    ) -> Result<Self, EntropyError> {
        let random = random_bytes::<RANDOM_BYTES>(entropy)?;
        let digest = tokens.keyed(DOMAIN, &[session.as_bytes(), &random]);
        let mut text = format!("{:08x}", digest.key_version);
        for byte in random.iter().chain(&digest.bytes) {
            use fmt::Write as _;
            // Writing to a String cannot fail.
            let _written = write!(text, "{byte:02x}");
        }
        Ok(Self(text))
    }

    fn is_good(tokens: &Tokens, session: SessionId, text: &str) -> bool {
        let Some((version, random, bytes)) = read(text) else {
            return false;
        };
        let stored = TokenDigest {
            bytes,
            key_version: version,
        };
        tokens.verify_keyed(DOMAIN, &[session.as_bytes(), &random], &stored)
    }
}

fn read(text: &str) -> Option<(u32, [u8; RANDOM_BYTES], [u8; 32])> {
    // Of one spelling: a sign or a capital letter is none of ours.
    let ours = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != LENGTH || !text.bytes().all(ours) {
        return None;
    }
    let (version, rest) = text.split_at_checked(8)?;
    let mut bytes = [0; RANDOM_BYTES + 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(rest.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    let random = *bytes.first_chunk()?;
    let digest = *bytes.last_chunk()?;
    Some((u32::from_str_radix(version, 16).ok()?, random, digest))
}

impl fmt::Display for FormToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for FormToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FormToken([redacted])")
    }
}

impl<S> FromRequestParts<S> for FormToken
where
    Portcullis: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let SessionAuth(principal) = SessionAuth::from_request_parts(parts, state).await?;
        let portcullis = Portcullis::from_ref(state);
        let session = session_of(&principal)?;
        let minted = Self::mint(portcullis.tokens(), session, portcullis.entropy());
        minted.map_err(|error| portcullis_backends::FlowError::from(error).into())
    }
}

/// A form of somebody in a session, with a token that [`FormToken`] made for that session. Fields that come twice are
/// refused, and more than 64 KiB.
///
/// Refused with `cross_site_request` where the token is missing or another session's, whatever else the form holds.
#[derive(Clone, Debug)]
pub struct CheckedForm<T>(pub Principal, pub T);

impl<T, S> FromRequest<S> for CheckedForm<T>
where
    T: DeserializeOwned,
    Portcullis: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let SessionAuth(principal) = SessionAuth::from_request_parts(&mut parts, state).await?;
        let session = session_of(&principal)?;
        let mut fields = crate::body::read_form(&parts.headers, body).await?;
        let portcullis = Portcullis::from_ref(state);
        let tokens: Vec<_> = fields
            .extract_if(.., |(name, _)| name == FORM_TOKEN_FIELD)
            .collect();
        let [(_, token)] = tokens.as_slice() else {
            return Err(refused());
        };
        if !FormToken::is_good(portcullis.tokens(), session, token.as_str()) {
            return Err(refused());
        }
        let form = form::deserialize(fields).map_err(|_| {
            Problem::new(Code::InvalidBody)
                .with_detail("a field is missing, unknown, repeated or of another type")
        })?;
        Ok(Self(principal, form))
    }
}

fn session_of(principal: &Principal) -> Result<SessionId, Problem> {
    match principal.via {
        Via::Session(id) => Ok(id),
        _ => Err(Problem::new(Code::CredentialNotAllowed)),
    }
}

fn refused() -> Problem {
    Problem::new(Code::CrossSiteRequest).with_detail(
        "the form's token is missing, or belongs to another session; open the page again",
    )
}
