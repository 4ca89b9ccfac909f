//! What a failure of Redis means.

use redis::{ErrorKind, RedisError};

use portcullis_core::error::{StoreError, StoreErrorKind};

/// What was asked for, which decides what an answer that does not come may mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    ToRead,
    ToWrite,
}

/// Answers that say that nothing was done: the server is not ready, not the primary, full, or not ours.
const REFUSALS: [&str; 20] = [
    "ASK",
    "BUSY",
    "CLUSTERDOWN",
    "CROSSSLOT",
    "DENIED",
    "EXECABORT",
    "LOADING",
    "MASTERDOWN",
    "MISCONF",
    "MOVED",
    "NOAUTH",
    "NOGOODSLAVE",
    "NOPERM",
    "NOREPLICAS",
    "NOSCRIPT",
    "OOM",
    "READONLY",
    "TRYAGAIN",
    "UNKILLABLE",
    "WRONGPASS",
];

/// The failure of a call that was sent.
pub(super) fn sent(error: RedisError, asked: Asked) -> StoreError {
    let refused = || error.code().is_some_and(|code| REFUSALS.contains(&code));
    let kind = if holds_something_else(&error) {
        StoreErrorKind::Corrupt
    } else if asked == Asked::ToRead || refused() {
        StoreErrorKind::Unavailable
    } else {
        StoreErrorKind::Indeterminate
    };
    StoreError::new(kind).with_source(error)
}

/// The failure of a call that was never sent.
pub(super) fn unsent(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable).with_source(error)
}

/// A key of ours is not a string, or no row of ours: the scripts stop at it before they write.
fn holds_something_else(error: &RedisError) -> bool {
    error.code() == Some("WRONGTYPE")
        || error
            .detail()
            .is_some_and(|detail| detail.contains("data string too short"))
}

/// Whether the connection that failed is of no more use: broken, out of step, or to a server that changed its role.
pub(super) fn ends_the_connection(error: &RedisError) -> bool {
    error.is_unrecoverable_error()
        || matches!(error.kind(), ErrorKind::Io if !error.is_timeout())
        || matches!(error.code(), Some("READONLY" | "NOAUTH"))
}

#[cfg(test)]
mod tests {
    use std::io;

    use redis::{ServerErrorKind, Value, from_redis_value};

    use super::*;

    // FT-13
    #[test]
    fn only_an_unanswered_write_is_of_unknown_fate() {
        let unanswered = [
            RedisError::from(io::Error::from(io::ErrorKind::TimedOut)),
            RedisError::from(io::Error::from(io::ErrorKind::BrokenPipe)),
            RedisError::from(io::Error::from(io::ErrorKind::UnexpectedEof)),
            RedisError::from((ErrorKind::Server(ServerErrorKind::ResponseError), "odd")),
            RedisError::from(from_redis_value::<u64>(Value::Nil).unwrap_err()),
        ];
        for error in unanswered {
            let read = sent(error.clone(), Asked::ToRead);
            assert_eq!(read.kind(), StoreErrorKind::Unavailable, "{error}");
            let written = sent(error, Asked::ToWrite);
            assert_eq!(written.kind(), StoreErrorKind::Indeterminate);
        }
        for kind in [
            ServerErrorKind::BusyLoading,
            ServerErrorKind::ReadOnly,
            ServerErrorKind::MasterDown,
            ServerErrorKind::NoPerm,
            ServerErrorKind::NoScript,
        ] {
            let error = RedisError::from((ErrorKind::Server(kind), "refused"));
            let written = sent(error, Asked::ToWrite);
            assert_eq!(written.kind(), StoreErrorKind::Unavailable, "{kind:?}");
        }
    }
}
