//! The handlers, one file a concern. They find policy, limits, body and check against other sites done.

pub(crate) mod account;
pub(crate) mod api_tokens;
pub(crate) mod email_change;
pub(crate) mod email_code;
pub(crate) mod health;
pub(crate) mod magic_link;
pub(crate) mod password;
pub(crate) mod profile;
pub(crate) mod sessions;
pub(crate) mod sign_in;
pub(crate) mod sign_up;
pub(crate) mod step_up;
pub(crate) mod tokens;
pub(crate) mod verify;
