//! Clocks that jump.

use std::time::Duration;

use portcullis_backends::core::time::Timestamp;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Where a clock that shows `now` may find itself next.
pub(crate) fn jumps(now: Timestamp) -> [Timestamp; 10] {
    [
        now.plus(SECOND),
        now.minus(SECOND),
        now.plus(HOUR),
        now.minus(HOUR),
        now.plus(DAY),
        now.minus(DAY),
        Timestamp::UNIX_EPOCH,
        Timestamp::UNIX_EPOCH.minus(SECOND),
        // The first second that 32 bits do not hold, and the last one with a year of four digits.
        Timestamp::from_secs(1 << 31),
        Timestamp::from_secs(253_402_300_799),
    ]
}
