//! What is expected of an answer.

use portcullis_core::along::{Refusal, Write};
use portcullis_core::api_token::ApiToken;
use portcullis_core::refresh::RefreshFamily;
use portcullis_core::session::Session;
use portcullis_core::store::WriteResult;
use portcullis_core::verification::VerificationToken;

/// The value of a write that must be applied.
#[track_caller]
pub(super) fn applied<T: std::fmt::Debug>(write: WriteResult<T>) -> T {
    match write.unwrap() {
        Write::Applied(value) => value,
        Write::Refused(refusal) => panic!("refused: {refusal}"),
    }
}

/// Why a write was refused that must be.
#[track_caller]
pub(super) fn refused<T: std::fmt::Debug>(write: WriteResult<T>) -> Refusal {
    match write.unwrap() {
        Write::Applied(value) => panic!("applied: {value:?}"),
        Write::Refused(refusal) => refusal,
    }
}

/// How many of the writes were applied; the others must be refused for the reason given.
#[track_caller]
pub(super) fn winners<T: std::fmt::Debug>(writes: Vec<WriteResult<T>>, others: Refusal) -> usize {
    let mut winners = 0;
    for write in writes {
        match write.unwrap() {
            Write::Applied(_) => winners += 1,
            Write::Refused(refusal) => assert_eq!(refusal, others),
        }
    }
    winners
}

/// Digests have no equality on purpose; tests may look.
#[track_caller]
pub(super) fn assert_same_token(stored: &VerificationToken, given: &VerificationToken) {
    assert_eq!(format!("{stored:?}"), format!("{given:?}"));
    assert_eq!(stored.payload, given.payload);
    assert!(stored.digest.matches(&given.digest), "another digest");
}

#[track_caller]
pub(super) fn assert_same_api_token(stored: &ApiToken, given: &ApiToken) {
    assert_eq!(format!("{stored:?}"), format!("{given:?}"));
    assert!(stored.digest.matches(&given.digest), "another digest");
}

#[track_caller]
pub(super) fn assert_same_session(stored: &Session, given: &Session) {
    assert_eq!(format!("{stored:?}"), format!("{given:?}"));
    assert!(stored.digest.matches(&given.digest), "another digest");
}

#[track_caller]
pub(super) fn assert_same_family(stored: &RefreshFamily, given: &RefreshFamily) {
    assert_eq!(format!("{stored:?}"), format!("{given:?}"));
    assert!(stored.current.matches(&given.current), "another digest");
    if let (Some(stored), Some(given)) = (&stored.spent, &given.spent) {
        assert!(stored.digest.matches(&given.digest), "another digest");
        assert_eq!(stored.successor, given.successor);
    }
}
