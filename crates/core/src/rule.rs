//! Pure rules: every decision that does not need a store, in one place each, so that flows, backends and stores agree.

pub mod credential;
pub mod device;
pub mod limit;
pub mod lockout;
pub mod mailed;
pub mod password;
pub mod session;
pub mod sign_up;
