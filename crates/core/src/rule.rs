//! Pure rules: every decision that does not need a store, in one place each, so that flows, backends and stores agree.

pub mod credential;
pub mod device;
pub mod limit;
pub mod lockout;
pub mod mailed;
pub mod password;
pub mod session;
pub mod sign_up;

use std::time::Duration;

/// How far the clocks of two machines of one service may be apart. What is further ahead of `now` than its rule can make it
/// was made by a clock that was wrong, and counts as over.
pub const CLOCK_SKEW: Duration = Duration::from_secs(5 * 60);
