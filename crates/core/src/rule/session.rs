//! Session deadlines.

use std::time::Duration;

use crate::policy::SessionPolicy;
use crate::session::{Session, SessionTouch};
use crate::time::Timestamp;

/// Last use is kept to this precision, so that reading requests write nothing most of the time.
pub const TOUCH_INTERVAL: Duration = Duration::from_secs(60);

/// Idle and absolute deadline of a session opened at `now`.
#[must_use]
pub fn deadlines(policy: &SessionPolicy, now: Timestamp) -> (Timestamp, Timestamp) {
    let absolute = now.plus(policy.absolute);
    (now.plus(policy.idle).min(absolute), absolute)
}

/// The touch that a use at `now` calls for; `None` within [`TOUCH_INTERVAL`] of the last.
#[must_use]
pub fn touch(session: &Session, now: Timestamp) -> Option<SessionTouch> {
    if now.since(session.seen_at) < TOUCH_INTERVAL {
        return None;
    }
    Some(SessionTouch {
        id: session.id,
        seen_at: now,
        idle_deadline: slid(session, now),
    })
}

/// The idle deadline of a session that is used at `now`, or goes on under another id then. The idle time is
/// the one the session was opened with, so that no policy is read on the way of a request.
#[must_use]
pub fn slid(session: &Session, now: Timestamp) -> Timestamp {
    let idle = session.idle_deadline.since(session.seen_at);
    now.plus(idle).min(session.absolute_deadline)
}
