//! Running a script to its end.

use std::time::{Duration, Instant};

use portcullis_core::error::{StoreError, StoreErrorKind};
use tokio::time::sleep;

use super::fault::{Refused, Trouble};
use super::held::Held;
use super::row::own;
use super::turns;
use crate::columns::Row;
use crate::script::{Did, Done, Expect, Failure, Otherwise, Script, ScriptFault, Statement, Step};

/// The most tries of a script.
const TRIES: u32 = 6;
/// After so long no other try begins.
const LONGEST: Duration = Duration::from_secs(5);
/// The longest pause before the second try; it doubles with each one after.
const PAUSE: Duration = Duration::from_millis(16);

/// How a try ended that committed nothing, or may have.
enum End {
    /// The connection was of no use from the start.
    NotBegun(StoreError),
    /// Another transaction was in the way.
    InTheWay(Refused),
    Failed(Failure),
}

impl From<StoreError> for End {
    fn from(error: StoreError) -> Self {
        Self::Failed(Failure::Store(error))
    }
}

/// Tries until the script is committed or has failed for good.
pub(super) async fn to_the_end(mut held: Held, script: Script) -> Result<Done, Failure> {
    let began = Instant::now();
    let mut tries = 0;
    let mut replaced = false;
    loop {
        match once(&mut held, &script).await {
            Ok(done) => return Ok(done),
            Err(End::Failed(failure)) => return Err(failure),
            Err(End::NotBegun(error)) if replaced => return Err(error.into()),
            Err(End::NotBegun(_)) => {
                replaced = true;
                let engine = held.engine.clone();
                // First, so that its place in the pool is free.
                drop(held);
                held = engine.take().await?;
            }
            Err(End::InTheWay(refused)) => {
                tries += 1;
                if tries >= TRIES || began.elapsed() >= LONGEST || !held.sound {
                    tracing::warn!(tries, %refused, "write given up");
                    return Err(refused.into_store_error().into());
                }
                let number = held.engine.counters.count_retry();
                tracing::debug!(tries, %refused, "write tried again");
                sleep(pause(tries, number)).await;
            }
        }
    }
}

/// Somewhere between nothing and the longest pause, so that those who met do not meet again.
fn pause(tries: u32, number: u64) -> Duration {
    let longest = PAUSE.saturating_mul(1 << tries.min(6));
    let longest = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX);
    // splitmix64: numbers in a row give values far apart.
    let mut mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    Duration::from_micros((mixed ^ (mixed >> 31)).checked_rem(longest).unwrap_or(0))
}

async fn once(held: &mut Held, script: &Script) -> Result<Done, End> {
    held.sound = false;
    match script.steps() {
        [step] if held.engine.autocommit && turns::needs_none(script) => alone(held, step).await,
        _ => transact(held, script).await,
    }
}

/// One statement, which the server commits with its answer.
async fn alone(held: &mut Held, step: &Step) -> Result<Done, End> {
    let mut done = Done::default();
    match perform(held, step).await {
        Ok(did) if step.is_met(&did) => done.push(did),
        // Our statements go by a key. One that does not, and does too much, has done it for good.
        Ok(did) if did.changed > 0 => {
            let fault = ScriptFault::Guard(step.name);
            return Err(StoreError::new(StoreErrorKind::Indeterminate)
                .with_source(fault)
                .into());
        }
        Ok(_) => {
            let failure = explain(held, step).await;
            held.sound = !matches!(failure, Err(Trouble::Lost(_)));
            return Err(End::Failed(
                failure.unwrap_or_else(|trouble| trouble.into_store_error().into()),
            ));
        }
        Err(Trouble::Refused(refused)) => {
            held.sound = true;
            return Err(refusal(step, refused));
        }
        Err(lost) => return Err(lost.of_commit().into()),
    }
    held.sound = true;
    Ok(done)
}

async fn transact(held: &mut Held, script: &Script) -> Result<Done, End> {
    let engine = held.engine.clone();
    let steps = match held.run(&engine.begin).await {
        Ok(()) => perform_all(held, script).await,
        Err(Trouble::Lost(error)) => return Err(End::NotBegun(error)),
        Err(refused) => Err(Stop::Trouble(refused)),
    };
    let stop = match steps {
        Ok(done) => return commit(held, done).await,
        Err(Stop::Trouble(Trouble::Lost(error))) => return Err(error.into()),
        Err(stop) => stop,
    };
    // Whatever the end, nothing is committed: a connection that cannot even say so is closed.
    held.sound = held.run("ROLLBACK").await.is_ok();
    Err(match stop {
        Stop::Failed(failure) => End::Failed(failure),
        Stop::Refused(step, refused) => refusal(step, refused),
        Stop::Trouble(Trouble::Refused(refused)) if refused.is_worth_another_try() => {
            End::InTheWay(refused)
        }
        Stop::Trouble(trouble) => trouble.into_store_error().into(),
    })
}

async fn commit(held: &mut Held, done: Done) -> Result<Done, End> {
    match held.run("COMMIT").await {
        Ok(()) => {
            held.sound = true;
            Ok(done)
        }
        Err(Trouble::Refused(refused)) => {
            held.sound = true;
            Err(if refused.is_worth_another_try() {
                End::InTheWay(refused)
            } else {
                refused.into_store_error().into()
            })
        }
        // It may be on the disk.
        Err(lost) => Err(lost.of_commit().into()),
    }
}

/// Why the steps went no further; the transaction is still open.
enum Stop<'a> {
    Failed(Failure),
    /// The server refused a step.
    Refused(&'a Step, Refused),
    /// What is no step of the script failed, or the connection did.
    Trouble(Trouble),
}

impl From<Trouble> for Stop<'_> {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

/// Every step in order, up to the first that ends the script.
async fn perform_all<'a>(held: &mut Held, script: &'a Script) -> Result<Done, Stop<'a>> {
    let mut taken_by_a_step = turns::taken_by_first_step(script);
    if taken_by_a_step.is_none() {
        turns::take(held, &script.turns).await?;
    }
    let mut done = Done::default();
    for step in script.steps() {
        let did = match perform(held, step).await {
            Ok(did) => did,
            Err(Trouble::Refused(refused)) => return Err(Stop::Refused(step, refused)),
            Err(lost) => return Err(Stop::Trouble(lost)),
        };
        if !step.is_met(&did) {
            return Err(Stop::Failed(explain(held, step).await?));
        }
        if let Some(user) = taken_by_a_step.take()
            && did.changed == 0
        {
            turns::take_without_account(held, user).await?;
        }
        done.push(did);
    }
    Ok(done)
}

async fn perform(held: &mut Held, step: &Step) -> Result<Did, Trouble> {
    let Statement { sql, values } = &step.statement;
    let mut did = Did {
        name: step.name,
        changed: 0,
        rows: Vec::new(),
    };
    match step.expect {
        Expect::Rows | Expect::OneRow => {
            did.rows = held.rows(sql, values).await?.iter().map(own).collect();
        }
        Expect::Exactly(_) | Expect::Any => did.changed = held.execute(sql, values).await?,
    }
    Ok(did)
}

/// What it means that the server refused a step.
fn refusal(step: &Step, refused: Refused) -> End {
    if refused.is_duplicate() {
        End::Failed(step.duplicate())
    } else if refused.is_worth_another_try() {
        End::InTheWay(refused)
    } else {
        refused.into_store_error().into()
    }
}

/// Why the step's guard failed, as the same transaction sees it.
async fn explain(held: &mut Held, step: &Step) -> Result<Failure, Trouble> {
    let why: Vec<Row> = match &step.otherwise {
        Otherwise::Explain(Statement { sql, values }, _) => {
            held.rows(sql, values).await?.iter().map(own).collect()
        }
        Otherwise::Fault | Otherwise::Refuse(_) => Vec::new(),
    };
    Ok(step.guard_failed(&why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_differ() {
        let pauses: std::collections::BTreeSet<_> = (0..100).map(|n| pause(1, n)).collect();
        assert!(pauses.len() > 90);
        assert!(pauses.iter().all(|pause| *pause < PAUSE * 2));
        assert!((0..100).any(|n| pause(5, n) > PAUSE * 16));
    }
}
