//! Single-use tokens of an application's own: a kind that it names, an address, and what it wants to remember.
//!
//! They have what ours have: a keyed hash at rest, one live token a kind and owner, the owner's epoch, exactly one use,
//! and an event. What the token does is the application's, and so is the mail that brings it: redeem it first and act
//! then; a crash between the two costs a new token.

mod issue;
mod redeem;

pub use issue::{
    IssueRefusal, IssueToken, IssueTokenOutcome, IssuedToken, TOKEN_PAYLOAD_MAX_BYTES,
};
pub use redeem::{RedeemTokenOutcome, RedeemedToken};

use portcullis_core::verification::VerificationToken;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the payload is sealed for, with tenant, id and kind: it opens for no other token.
const PAYLOAD_CONTEXT: &[u8] = b"verification_tokens.payload.custom";

/// What travels with the token, sealed.
#[derive(Serialize, Deserialize)]
struct Carried {
    /// The address as it was given; the row has its canonical form.
    email: String,
    payload: Value,
}

fn sealing(token: &VerificationToken) -> [&[u8]; 4] {
    [
        PAYLOAD_CONTEXT,
        token.tenant.as_bytes(),
        token.id.as_bytes(),
        token.kind.as_str().as_bytes(),
    ]
}
