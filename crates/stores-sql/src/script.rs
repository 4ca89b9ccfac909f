//! A write as data: statements with bound values, each with what it must change or return, run in one transaction.
//!
//! A script is written out before anything runs, so that a driver can retry it whole, batch it, and finish it after its
//! caller has gone. What a guard decides is decided inside the statement, in its predicate; a guard that fails rolls
//! the whole script back.
//!
//! A script says whose it is, see [`Turns`]. SQLite's `BEGIN IMMEDIATE` makes all scripts take turns anyway; engines with
//! row locks make those of one person take turns.

use portcullis_core::along::Refusal;
use portcullis_core::error::{StoreError, StoreErrorKind};
use portcullis_core::id::{ApiTokenId, SessionId, TenantId, UserId, VerificationTokenId};

use crate::columns::Row;
use crate::value::Value;

/// SQL with `?` and the values that go there.
///
/// The text is written once for every engine, as SQLite takes it; the others' drivers translate it. What stands in
/// `/*! .. */` is for engines with row locks; SQLite takes it for a comment.
pub(crate) struct Statement {
    pub(crate) sql: &'static str,
    pub(crate) values: Vec<Value>,
}

/// What a step must do for the script to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    /// Change so many rows.
    Exactly(u64),
    /// Change as many rows as it may.
    Any,
    /// Return rows, however many.
    Rows,
    /// Return one row.
    OneRow,
}

/// What the rows of an explaining statement mean.
pub(crate) type Reading = fn(&[Row]) -> Result<Refusal, StoreError>;

/// What it means that a guard failed.
pub(crate) enum Otherwise {
    /// It cannot: the store breaks a rule of its own.
    Fault,
    /// The write is refused.
    Refuse(Refusal),
    /// The write is refused, and this statement, run in the same transaction, says why.
    Explain(Statement, Reading),
}

/// One statement of a script.
pub(crate) struct Step {
    /// What it does, for errors.
    pub(crate) name: &'static str,
    pub(crate) statement: Statement,
    pub(crate) expect: Expect,
    pub(crate) otherwise: Otherwise,
    /// What it means that a unique value is taken; `None` where that is the caller's error.
    pub(crate) taken: Option<Refusal>,
    /// It changes the account row of the person whose turn it is, and so locks it without being asked to.
    pub(crate) takes_turn: bool,
}

impl Step {
    /// A step that may change any number of rows.
    pub(crate) const fn new(name: &'static str, sql: &'static str, values: Vec<Value>) -> Self {
        Self {
            name,
            statement: Statement { sql, values },
            expect: Expect::Any,
            otherwise: Otherwise::Fault,
            taken: None,
            takes_turn: false,
        }
    }

    pub(crate) const fn expect(mut self, expect: Expect) -> Self {
        self.expect = expect;
        self
    }

    /// It changes one row, or the write is refused.
    pub(crate) fn one_or(mut self, refusal: Refusal) -> Self {
        self.expect = Expect::Exactly(1);
        self.otherwise = Otherwise::Refuse(refusal);
        self
    }

    /// It changes one row, or the write is refused for the reason that `sql` finds.
    pub(crate) fn one_or_why(
        mut self,
        sql: &'static str,
        values: Vec<Value>,
        reading: Reading,
    ) -> Self {
        self.expect = Expect::Exactly(1);
        self.otherwise = Otherwise::Explain(Statement { sql, values }, reading);
        self
    }

    /// A taken unique value refuses the write.
    pub(crate) const fn if_taken(mut self, refusal: Refusal) -> Self {
        self.taken = Some(refusal);
        self
    }

    /// It changes the account row of the person whose turn it is.
    pub(crate) const fn takes_turn(mut self) -> Self {
        self.takes_turn = true;
        self
    }

    /// Whether the script may go on.
    pub(crate) fn is_met(&self, did: &Did) -> bool {
        match self.expect {
            Expect::Exactly(rows) => did.changed == rows,
            Expect::Any | Expect::Rows => true,
            Expect::OneRow => did.rows.len() == 1,
        }
    }

    /// Why the script ends here; `why` are the rows of the explaining statement, where the step has one.
    pub(crate) fn guard_failed(&self, why: &[Row]) -> Failure {
        let refusal = match &self.otherwise {
            Otherwise::Refuse(refusal) => Ok(*refusal),
            Otherwise::Explain(_, reading) => reading(why),
            Otherwise::Fault => {
                let fault = ScriptFault::Guard(self.name);
                Err(StoreError::new(StoreErrorKind::Stale).with_source(fault))
            }
        };
        match refusal {
            Ok(refusal) => self.refused(refusal),
            Err(error) => Failure::Store(error),
        }
    }

    /// Why the script ends here: a unique value is taken.
    pub(crate) fn duplicate(&self) -> Failure {
        match self.taken {
            Some(refusal) => self.refused(refusal),
            None => {
                let fault = ScriptFault::Duplicate(self.name);
                Failure::Store(StoreError::new(StoreErrorKind::Conflict).with_source(fault))
            }
        }
    }

    const fn refused(&self, refusal: Refusal) -> Failure {
        Failure::Refused {
            step: self.name,
            refusal,
        }
    }
}

/// Whose script it is. An engine with row locks takes the account rows of these people before the first step, always in
/// the same order: scripts of one person then see what the one before them did, even in what they count and in rows
/// that they meet by the dozen, and no two ever wait for each other.
#[derive(Default)]
pub(crate) struct Turns {
    pub(crate) people: Vec<UserId>,
    /// Rows whose owners the caller does not know.
    pub(crate) tokens: Vec<VerificationTokenId>,
    pub(crate) api_tokens: Vec<ApiTokenId>,
    pub(crate) sessions: Vec<SessionId>,
    /// Addresses that are nobody's yet.
    pub(crate) addresses: Vec<(TenantId, String)>,
}

/// What a power cut may undo of a script that was answered. The death of the process alone undoes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Nothing: the answer waits for the disk.
    #[default]
    Full,
    /// The script itself, unless one that was answered later waited for the disk. For counts alone, whose loss lets
    /// nobody in: with the attempt that it counted nobody learned anything before its end was written in full.
    Relaxed,
}

/// Steps that happen together or not at all.
#[derive(Default)]
pub(crate) struct Script {
    steps: Vec<Step>,
    pub(crate) turns: Turns,
    pub(crate) durability: Durability,
}

impl Script {
    pub(crate) fn of(step: Step) -> Self {
        Self {
            steps: vec![step],
            turns: Turns::default(),
            durability: Durability::Full,
        }
    }

    /// The answer does not wait for the disk, on an engine that can be asked that script by script.
    pub(crate) const fn relaxed(mut self) -> Self {
        self.durability = Durability::Relaxed;
        self
    }

    /// The script is this person's.
    pub(crate) fn turn_of(&mut self, user: UserId) {
        if !self.turns.people.contains(&user) {
            self.turns.people.push(user);
        }
    }

    pub(crate) fn step(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// Ends the script here: what the caller found out without asking the database, in its place in the order.
    pub(crate) fn refuse(&mut self, refusal: Refusal) {
        let mut step = Step::new("refuse", "SELECT 1 WHERE 1 = 0", Vec::new());
        step.expect = Expect::OneRow;
        step.otherwise = Otherwise::Refuse(refusal);
        self.step(step);
    }

    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }
}

/// What one step did.
pub(crate) struct Did {
    pub(crate) name: &'static str,
    pub(crate) changed: u64,
    pub(crate) rows: Vec<Row>,
}

/// What a committed script did, step by step.
#[derive(Default)]
pub(crate) struct Done(Vec<Did>);

impl Done {
    pub(crate) fn push(&mut self, did: Did) {
        self.0.push(did);
    }

    /// Rows that the steps of this name changed.
    pub(crate) fn changed(&self, name: &'static str) -> u64 {
        let steps = self.0.iter().filter(|did| did.name == name);
        steps.map(|did| did.changed).sum()
    }

    /// Rows that the steps of this name returned.
    pub(crate) fn rows(&self, name: &'static str) -> impl Iterator<Item = &Row> {
        let steps = self.0.iter().filter(move |did| did.name == name);
        steps.flat_map(|did| &did.rows)
    }
}

/// Why nothing was committed.
pub(crate) enum Failure {
    /// A guard refused the write.
    Refused {
        /// Which step.
        step: &'static str,
        refusal: Refusal,
    },
    /// The store failed.
    Store(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A step ended a script in a way that no caller's input should lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ScriptFault {
    #[error("step `{0}` changed or returned another number of rows than it must")]
    Guard(&'static str),
    #[error("step `{0}` met a unique value that is taken")]
    Duplicate(&'static str),
    /// Servers say so themselves.
    #[cfg(feature = "sqlite")]
    #[error("step `{0}` binds another number of values than its statement has")]
    Values(&'static str),
}
