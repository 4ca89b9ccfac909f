//! Running one script inside a transaction that somebody else opened.

use rusqlite::Connection;

use super::connection::{Held, prepare};
use super::fault::{is_duplicate, store_error};
use crate::columns::{Field, Fields, Row};
use crate::script::{Did, Done, Expect, Failure, Otherwise, Script, Statement, Step};
use crate::value::Value;

/// Every step in order, up to the first that ends the script.
pub(super) fn apply(connection: &Connection, script: &Script) -> Result<Done, Failure> {
    let mut done = Done::default();
    for step in script.steps() {
        let did = match perform(connection, step) {
            Ok(did) => did,
            Err(error) if is_duplicate(&error) => return Err(step.duplicate()),
            Err(error) => return Err(Failure::Store(store_error(error))),
        };
        if !step.is_met(&did) {
            return Err(explain(connection, step));
        }
        done.push(did);
    }
    Ok(done)
}

fn perform(connection: &Connection, step: &Step) -> rusqlite::Result<Did> {
    let mut did = Did {
        name: step.name,
        changed: 0,
        rows: Vec::new(),
    };
    match step.expect {
        Expect::Rows | Expect::OneRow => {
            did.rows = rows(connection, step.name, &step.statement)?;
        }
        Expect::Exactly(_) | Expect::Any => {
            let Statement { sql, values } = &step.statement;
            let changed = prepare(connection, step.name, sql, values)?.raw_execute()?;
            did.changed = u64::try_from(changed).unwrap_or(u64::MAX);
        }
    }
    Ok(did)
}

/// Why the step's guard failed, as the same transaction sees it.
fn explain(connection: &Connection, step: &Step) -> Failure {
    let why = match &step.otherwise {
        Otherwise::Explain(statement, _) => rows(connection, step.name, statement),
        Otherwise::Fault | Otherwise::Refuse(_) => Ok(Vec::new()),
    };
    match why {
        Ok(why) => step.guard_failed(&why),
        Err(error) => Failure::Store(store_error(error)),
    }
}

fn rows(
    connection: &Connection,
    name: &'static str,
    statement: &Statement,
) -> rusqlite::Result<Vec<Row>> {
    let mut prepared = prepare(connection, name, statement.sql, &statement.values)?;
    let columns = prepared.column_count();
    let mut held = prepared.raw_query();
    let mut rows = Vec::new();
    while let Some(row) = held.next()? {
        let row = Held(row);
        rows.push(Row((0..columns)
            .map(|index| own(row.field(index)))
            .collect()));
    }
    Ok(rows)
}

/// A foreign value becomes null, which no column that must hold something takes.
fn own(field: Field<'_>) -> Value {
    match field {
        Field::Null | Field::Foreign => Value::Null,
        Field::Int(value) => Value::Int(value),
        Field::Text(text) => Value::Text(text.to_owned()),
        Field::Blob(bytes) => Value::Blob(bytes.to_owned()),
    }
}
