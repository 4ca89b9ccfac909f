//! The one table of problem codes: what programs may rely on when a request is refused.

use axum::http::StatusCode;

macro_rules! codes {
    ($(#[doc = $meaning:literal] $variant:ident = $status:ident $text:literal $title:literal,)+) => {
        /// Why a request was refused. The spelling is stable; titles and details are for people and may change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $meaning] $variant,)+
        }

        impl Code {
            /// Every code, by status.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable spelling.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The status it is answered with.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)+ }
            }

            /// A short sentence for people.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }

            /// When it is answered.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning.trim_ascii(),)+ }
            }
        }
    };
}

codes! {
    /// The body or a header is not well-formed.
    MalformedRequest = BAD_REQUEST "malformed_request" "The request cannot be read",
    /// Two credentials that contradict each other; none of them was tried.
    ConflictingCredentials = BAD_REQUEST "conflicting_credentials" "More than one credential",
    /// The link from the mail is unknown, used, superseded or expired; which of them is not said.
    InvalidLink = BAD_REQUEST "invalid_link" "The link does not work",
    /// The code from the mail is wrong, used, superseded, expired or was tried too often, or was asked for elsewhere; which of them is not said.
    InvalidCode = BAD_REQUEST "invalid_code" "The code does not work",
    /// The refresh token is unknown, spent, ended or expired, or was to be widened; which of them is not said.
    InvalidGrant = BAD_REQUEST "invalid_grant" "The refresh token is not accepted",
    /// No credential, and one is needed.
    Unauthenticated = UNAUTHORIZED "unauthenticated" "Sign in first",
    /// The credential that was presented is not accepted.
    CredentialRejected = UNAUTHORIZED "credential_rejected" "The credential is not accepted",
    /// Sign-in was refused; the reason is in the audit log only.
    InvalidCredentials = UNAUTHORIZED "invalid_credentials" "Identifier or password is wrong",
    /// The current password does not match. It counts as a failed sign-in.
    CurrentPasswordRefused = FORBIDDEN "current_password_refused" "The current password is wrong",
    /// A browser sent it from another site, or from an origin that is not allowed.
    CrossSiteRequest = FORBIDDEN "cross_site_request" "Refused from another site",
    /// The request needs `captcha`, what the CAPTCHA's widget made, and has none or one that is no good any more.
    CaptchaRequired = FORBIDDEN "captcha_required" "Show that you are a person",
    /// The credential lacks the scope named in `WWW-Authenticate`.
    MissingScope = FORBIDDEN "missing_scope" "The credential lacks a scope",
    /// The sign-in is not recent enough: `POST step-up` with the password, or sign in again, and repeat the request.
    StepUpRequired = FORBIDDEN "step_up_required" "Prove again that it is you",
    /// A credential of this class may not do this, such as an API token where a session is needed.
    CredentialNotAllowed = FORBIDDEN "credential_not_allowed" "Not with this credential",
    /// Nobody signs up here by themselves. It is said to everybody, whoever has the address.
    SignUpClosed = FORBIDDEN "sign_up_closed" "Sign-up is closed",
    /// Accounts come by invitation only. It is said to everybody, whoever has the address.
    SignUpInviteOnly = FORBIDDEN "sign_up_invite_only" "Sign-up is by invitation",
    /// Addresses of this domain are not taken, whoever has them.
    EmailDomainRefused = FORBIDDEN "email_domain_refused" "Addresses of this domain are not taken",
    /// The caller is known and may not do this.
    Forbidden = FORBIDDEN "forbidden" "Not allowed",
    /// There is nothing here, or nothing of the caller's.
    NotFound = NOT_FOUND "not_found" "Not found",
    /// The path does not take this method; `Allow` names those it takes.
    MethodNotAllowed = METHOD_NOT_ALLOWED "method_not_allowed" "Method not allowed",
    /// The caller has as many as the policy allows.
    LimitReached = CONFLICT "limit_reached" "Limit reached",
    /// The body is over the bound of the route.
    PayloadTooLarge = PAYLOAD_TOO_LARGE "payload_too_large" "The body is too large",
    /// The body is of a type or encoding that the route does not take.
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" "Unsupported media type",
    /// A field is missing, unknown, repeated, of another type or out of bounds; `errors` names it where it is known.
    InvalidBody = UNPROCESSABLE_ENTITY "invalid_body" "The body does not fit",
    /// The new password breaks the rules that `errors` names.
    PasswordRefused = UNPROCESSABLE_ENTITY "password_refused" "The password is not acceptable",
    /// The link works, but in this browser only together with a new password. It is not used up.
    PasswordRequired = UNPROCESSABLE_ENTITY "password_required" "A password is needed",
    /// Too many requests; `Retry-After` says when there is room again.
    RateLimited = TOO_MANY_REQUESTS "rate_limited" "Too many requests",
    /// The password was set too short a time ago; `Retry-After` says when it may be changed. A link from the mail sets a new one all the same.
    PasswordChangedRecently = TOO_MANY_REQUESTS "password_changed_recently" "The password was changed a short time ago",
    /// A header is over its bound.
    HeaderTooLarge = REQUEST_HEADER_FIELDS_TOO_LARGE "header_too_large" "A header is too large",
    /// Something broke. The log has more under the request id.
    Internal = INTERNAL_SERVER_ERROR "internal" "Internal error",
    /// It could not be decided now; `Retry-After` says when to try again.
    Unavailable = SERVICE_UNAVAILABLE "unavailable" "Try again later",
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn table() -> String {
        let mut table = String::from("| status | code | when |\n|---|---|---|\n");
        for code in Code::ALL {
            let (status, text, meaning) = (code.status().as_u16(), code.as_str(), code.meaning());
            writeln!(table, "| {status} | `{text}` | {meaning} |").unwrap();
        }
        table
    }

    #[test]
    fn the_readme_has_the_table_of_codes() {
        let table = table();
        assert!(
            include_str!("../README.md").contains(&table),
            "README.md needs this table:\n{table}"
        );
    }

    #[test]
    fn codes_are_told_apart_by_their_spelling_and_sorted_by_status() {
        let mut seen = std::collections::BTreeSet::new();
        for code in Code::ALL {
            assert!(seen.insert(code.as_str()), "{code:?}");
            assert!(
                code.as_str()
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b == b'_')
            );
            assert!(code.status().is_client_error() || code.status().is_server_error());
        }
        let statuses = Code::ALL.iter().map(|code| code.status());
        assert!(statuses.is_sorted());
    }
}
