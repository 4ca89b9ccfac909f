//! The scripts that run in Redis, and what they are called with.

use std::time::Duration;

use redis::{Cmd, cmd};

use portcullis_core::store::{KvCheck, KvWrite, Part};
use portcullis_core::time::Timestamp;

use super::row::{self, Keys};

/// How late Redis frees a row: no clock that is wrong by less revives or loses one.
const SLACK: Duration = Duration::from_secs(10 * 60);

/// Rows that have longer to live are kept for ever: purging removes them.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// A script and its name in Redis.
pub(super) struct Script {
    code: &'static str,
    hash: String,
}

/// What a script is called with.
#[derive(Default)]
pub(super) struct Call {
    keys: Vec<Vec<u8>>,
    arguments: Vec<Vec<u8>>,
}

impl Script {
    pub(super) fn new(code: &'static str) -> Self {
        let hash = redis::Script::new(code).get_hash().to_owned();
        Self { code, hash }
    }

    /// By its name, which Redis knows once it has seen the code.
    pub(super) fn by_name(&self, call: &Call) -> Cmd {
        call.with("EVALSHA", &self.hash)
    }

    /// With its code.
    pub(super) fn by_code(&self, call: &Call) -> Cmd {
        call.with("EVAL", self.code)
    }
}

impl Call {
    fn with(&self, command: &str, script: &str) -> Cmd {
        let mut with = cmd(command);
        with.arg(script).arg(self.keys.len());
        for argument in self.keys.iter().chain(&self.arguments) {
            with.arg(argument);
        }
        with
    }

    fn add(&mut self, arguments: impl IntoIterator<Item = Vec<u8>>) {
        self.arguments.extend(arguments);
    }
}

/// What `commit.lua` takes: `now` and the number of checks, then for each check and each write its kind and two values.
pub(super) fn commit(
    keys: &Keys,
    part: Part,
    checks: &[KvCheck],
    writes: &[KvWrite],
    now: Timestamp,
) -> Call {
    let mut call = Call::default();
    call.add([row::sortable(now).to_vec(), text(checks.len())]);
    for check in checks {
        let (key, kind, value) = match check {
            KvCheck::Absent { key } => (key, b"a", Vec::new()),
            KvCheck::Holds { key, value } => (key, b"h", value.clone()),
        };
        call.keys.push(keys.key(part, key));
        call.add([kind.to_vec(), value, Vec::new()]);
    }
    for write in writes {
        match write {
            KvWrite::Put {
                key,
                value,
                deadline,
            } => {
                call.keys.push(keys.key(part, key));
                let row = row::write(value, *deadline);
                call.add([b"p".to_vec(), row, text(time_to_live(*deadline, now))]);
            }
            KvWrite::Delete { key } => {
                call.keys.push(keys.key(part, key));
                call.add([b"d".to_vec(), Vec::new(), Vec::new()]);
            }
        }
    }
    call
}

/// The one command that does what such a commit asks: one row put, whatever was there or where nothing is. It costs Redis
/// a third less than the script, and most commits on the way of a request are of this kind.
///
/// Where nothing must be there, an answer of "not set" says only that Redis still has a row, which may be over: then the
/// script decides.
pub(super) fn plain_put(
    keys: &Keys,
    part: Part,
    checks: &[KvCheck],
    writes: &[KvWrite],
    now: Timestamp,
) -> Option<Cmd> {
    let [
        KvWrite::Put {
            key,
            value,
            deadline,
        },
    ] = writes
    else {
        return None;
    };
    let only_where_absent = match checks {
        [] => false,
        [KvCheck::Absent { key: absent }] if absent == key => true,
        _ => return None,
    };
    let mut set = cmd("SET");
    set.arg(keys.key(part, key))
        .arg(row::write(value, *deadline));
    if only_where_absent {
        set.arg("NX");
    }
    match time_to_live(*deadline, now) {
        0 => {}
        millis => {
            set.arg("PX").arg(text(millis));
        }
    }
    Some(set)
}

/// What `purge.lua` takes: `now`, and the keys of one part.
pub(super) fn purge(keys: Vec<Vec<u8>>, now: Timestamp) -> Call {
    let arguments = vec![row::sortable(now).to_vec()];
    Call { keys, arguments }
}

fn text(number: impl ToString) -> Vec<u8> {
    number.to_string().into_bytes()
}

/// Milliseconds until Redis may free the row, from when it gets it; 0 for never.
fn time_to_live(deadline: Timestamp, now: Timestamp) -> u128 {
    let left = deadline.since(now);
    if left > FOR_EVER {
        return 0;
    }
    left.saturating_add(SLACK).as_micros().div_ceil(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    // FT-17
    #[test]
    fn redis_frees_a_row_after_its_deadline() {
        let now = Timestamp::from_secs(1_767_225_600);
        let lives = |micros| time_to_live(now.plus(Duration::from_micros(micros)), now);
        assert_eq!(lives(0), 600_000);
        assert_eq!(lives(1), 600_001);
        assert_eq!(lives(5_000_000), 605_000);
        assert_eq!(time_to_live(Timestamp::from_micros(i64::MIN), now), 600_000);
        assert_eq!(time_to_live(Timestamp::MAX, now), 0);
        assert_eq!(time_to_live(now, Timestamp::from_micros(i64::MIN)), 0);
    }
}
