//! Words that options take.

use clap::builder::PossibleValuesParser;
use portcullis_core::event::{AuthEventStatus, AuthEventType};

/// One of the types of audit event.
pub(super) fn event_type() -> PossibleValuesParser {
    PossibleValuesParser::new(AuthEventType::ALL.iter().map(|kind| kind.as_str()))
}

/// `success` or `failure`.
pub(super) fn status() -> PossibleValuesParser {
    PossibleValuesParser::new(AuthEventStatus::ALL.iter().map(|status| status.as_str()))
}
