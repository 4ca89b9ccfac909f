//! Why a token is refused.

/// Why a text is not an access token of this instance at this moment.
///
/// For the audit log alone: whoever presented it gets one answer whatever the reason. Nothing of the token is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum JwtRejection {
    /// Longer than [`JWT_MAX_BYTES`](super::JWT_MAX_BYTES).
    #[error("longer than any token")]
    TooLong,
    /// Not three segments of canonical base64url, the first two of them JSON objects.
    #[error("not a token")]
    Malformed,
    /// A member stands twice in one JSON object.
    #[error("a member stands twice")]
    DuplicateMember,
    /// The header lacks `alg`, `kid` or `typ`, or has more than these.
    #[error("a header that no token of ours has")]
    Header,
    /// `typ` is not that of an access token.
    #[error("not of the access token type")]
    Type,
    /// No key in use has this `kid`.
    #[error("signed with an unknown or retired key")]
    UnknownKey,
    /// The key is for another algorithm.
    #[error("not the algorithm of its key")]
    Algorithm,
    /// The signature is not the key's, or the text was changed.
    #[error("the signature does not match")]
    Signature,
    /// A claim that every token has is not there.
    #[error("without `{0}`")]
    MissingClaim(&'static str),
    /// A claim is of the wrong type, out of range or not in the one spelling, or may not be there.
    #[error("`{0}` is malformed")]
    Claim(&'static str),
    /// Another issuer's token.
    #[error("of another issuer")]
    Issuer,
    /// A token for another audience.
    #[error("for another audience")]
    Audience,
    /// It ends before it begins, or lives longer than any token.
    #[error("a lifetime that no token has")]
    Lifetime,
    /// Made later than now.
    #[error("issued in the future")]
    IssuedInFuture,
    /// Not to be used yet.
    #[error("not valid yet")]
    NotYetValid,
    /// Its time is over.
    #[error("expired")]
    Expired,
}
