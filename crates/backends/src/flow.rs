//! The flows: one file a flow, one input struct, one outcome enum, each a method of
//! [`Portcullis`](crate::Portcullis).
//!
//! Every flow decides through the pure rules of core and is safe at every crash point between two store calls. Across
//! families the order is fixed: the event commits first, then the ephemeral effect.

mod admin;
mod api_tokens;
mod close_account;
mod custom_token;
mod email_change;
mod email_code;
mod end_everything;
mod erase;
mod export_account;
mod import_user;
mod magic_link;
mod mailed_link;
mod open_session;
mod outbox;
mod password;
mod profile;
mod renew_session;
mod roles;
mod sessions;
mod sign_in;
mod sign_out;
mod sign_up;
mod spelling;
mod step_up;
mod sweep;
mod token_pair;
mod verify_email;

pub use admin::{AdminOutcome, OpenAccountOutcome, StateChange, UserRecord};
pub use api_tokens::{ApiTokenInfo, CreateApiTokenOutcome, NewApiToken};
pub use close_account::CloseAccountOutcome;
pub use custom_token::{
    IssueRefusal, IssueToken, IssueTokenOutcome, IssuedToken, RedeemTokenOutcome, RedeemedToken,
    TOKEN_PAYLOAD_MAX_BYTES,
};
pub use email_change::{
    ConfirmEmailChange, ConfirmEmailChangeOutcome, RequestEmailChange, RequestEmailChangeOutcome,
};
pub use email_code::{EmailCode, EmailCodeOutcome, EmailCodeSent, SendEmailCode};
pub use end_everything::{ApiTokensToo, EndedEverything};
pub use erase::EraseOutcome;
pub use export_account::{
    AccountExport, ExportedAccount, ExportedApiToken, ExportedEvent, ExportedFactor,
    ExportedIdentifier, ExportedSession,
};
pub use import_user::{ImportOutcome, ImportRefusal, ImportState, ImportUser, PROFILE_MAX_BYTES};
pub use magic_link::{MagicLink, MagicLinkOutcome, SendMagicLink};
pub use open_session::SignedIn;
pub use outbox::MailRetryOutcome;
pub use password::{
    ChangePassword, ChangePasswordOutcome, ForgotPassword, ResetLinkOutcome, ResetPassword,
    ResetPasswordOutcome,
};
pub use profile::{Profile, ProfileIdentifier};
pub use roles::RoleChange;
pub use sessions::SessionInfo;
pub use sign_in::{SignIn, SignInOutcome};
pub(crate) use sweep::{Sweep, Swept};

pub use crate::passwords::IDENTIFIER_MAX_BYTES;
pub use sign_up::{SignUp, SignUpOutcome};
pub use step_up::{StepUp, StepUpOutcome};
pub use token_pair::{RefreshOutcome, RefreshRequest, TokenOutcome, TokenPair, TokenRequest};
pub use verify_email::{ResendOutcome, ResendVerification, VerifyEmail, VerifyEmailOutcome};
