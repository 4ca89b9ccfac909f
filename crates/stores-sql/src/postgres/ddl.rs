//! The schema as PostgreSQL takes it, made of the one text that SQLite takes: same tables, same columns.

use std::sync::LazyLock;

use crate::schema::{MIGRATIONS, Migration};

/// Every migration that this program knows, in PostgreSQL's words. Each checksum is that of this text.
pub(super) fn migrations() -> &'static [Migration] {
    static KNOWN: LazyLock<Vec<Migration>> = LazyLock::new(|| {
        let translated = MIGRATIONS.iter().map(|migration| Migration {
            sql: Box::leak(translate(migration.sql).into_boxed_str()),
            ..*migration
        });
        translated.collect()
    });
    &KNOWN
}

/// What stands for what. Text is compared by its bytes, and no new version of a collation reorders an index.
const WORDS: [(&str, &str); 5] = [
    (" STRICT, WITHOUT ROWID;", ";"),
    (" STRICT;", ";"),
    (" BLOB", " BYTEA"),
    (" INTEGER", " BIGINT"),
    (" TEXT", " TEXT COLLATE \"C\""),
];

fn translate(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len().saturating_mul(2));
    let mut statement = String::new();
    for line in sql.lines() {
        let begins_trigger = line.starts_with("CREATE TRIGGER ");
        if let Some(drop) = dropped_trigger(line) {
            text.push_str(&drop);
            continue;
        }
        if statement.is_empty() && !begins_trigger {
            let mut line = line.to_owned();
            for (there, here) in WORDS {
                line = line.replace(there, here);
            }
            text.push_str(&line);
            text.push('\n');
            continue;
        }
        statement.push_str(line);
        statement.push('\n');
        if line == "END;" {
            let trigger = trigger(&statement);
            // A form that is not known stays as it is: PostgreSQL refuses it, and no test passes.
            text.push_str(trigger.as_deref().unwrap_or(&statement));
            statement.clear();
        }
    }
    text.push_str(&statement);
    text
}

/// A trigger that no longer refuses anything. Its table stands in a comment, for SQLite needs none.
fn dropped_trigger(line: &str) -> Option<String> {
    let (name, table) = line.strip_prefix("DROP TRIGGER ")?.split_once("; -- ON ")?;
    Some(format!(
        "DROP TRIGGER {name} ON {table};\nDROP FUNCTION {name}();\n"
    ))
}

/// A trigger that refuses what it is asked: always, for the whole statement, so that it refuses `TRUNCATE` as well; or
/// `WHEN` something is so, row by row.
fn trigger(statement: &str) -> Option<String> {
    let rest = statement.strip_prefix("CREATE TRIGGER ")?;
    let (name, rest) = rest.split_once(" BEFORE ")?;
    let (event, rest) = rest.split_once(" ON ")?;
    let (table, rest) = rest.split_once("\nBEGIN\n    SELECT RAISE(ABORT, '")?;
    let (message, _) = rest.split_once("');\nEND;")?;
    if let Some((table, condition)) = table.split_once("\nWHEN ") {
        return Some(format!(
            "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$\n\
             BEGIN\n    IF {condition} THEN\n        RAISE EXCEPTION '{message}';\n    END IF;\n    \
             RETURN NEW;\nEND;\n$$;\n\
             CREATE TRIGGER {name} BEFORE {event} ON {table}\n    \
             FOR EACH ROW EXECUTE FUNCTION {name}();\n"
        ));
    }
    let event = match event {
        "DELETE" => "DELETE OR TRUNCATE",
        event => event,
    };
    Some(format!(
        "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$\n\
         BEGIN\n    RAISE EXCEPTION '{message}';\nEND;\n$$;\n\
         CREATE TRIGGER {name} BEFORE {event} ON {table}\n    \
         FOR EACH STATEMENT EXECUTE FUNCTION {name}();\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_the_names_they_have_here() {
        let there = "CREATE TABLE a (\n    b BLOB NOT NULL,\n    c TEXT,\n    d INTEGER\n) STRICT, WITHOUT ROWID;\n";
        let here = "CREATE TABLE a (\n    b BYTEA NOT NULL,\n    c TEXT COLLATE \"C\",\n    d BIGINT\n);\n";
        assert_eq!(translate(there), here);
    }

    #[test]
    fn nothing_of_sqlites_own_is_left() {
        for migration in migrations() {
            for word in ["STRICT", "ROWID", "RAISE(", " BLOB", " INTEGER"] {
                let code = migration.sql.lines().filter(|line| !line.starts_with("--"));
                let found: Vec<&str> = code.filter(|line| line.contains(word)).collect();
                assert!(found.is_empty(), "{}: {found:?}", migration.name);
            }
        }
    }

    #[test]
    fn a_refusing_trigger_refuses_whole_statements() {
        let there = "CREATE TRIGGER kept BEFORE DELETE ON log\nBEGIN\n    SELECT RAISE(ABORT, 'no');\nEND;\n";
        let here = translate(there);
        assert!(
            here.contains("BEFORE DELETE OR TRUNCATE ON log\n"),
            "{here}"
        );
        assert!(here.contains("RAISE EXCEPTION 'no';"), "{here}");
    }

    #[test]
    fn a_trigger_with_a_condition_refuses_row_by_row() {
        let there = "CREATE TRIGGER kept BEFORE UPDATE ON log\nWHEN NEW.id <> OLD.id\nBEGIN\n    SELECT RAISE(ABORT, 'no');\nEND;\n";
        let here = translate(there);
        assert!(here.contains("IF NEW.id <> OLD.id THEN"), "{here}");
        assert!(here.contains("ON log\n    FOR EACH ROW"), "{here}");
        let dropped = translate("DROP TRIGGER kept; -- ON log\n");
        assert_eq!(
            dropped,
            "DROP TRIGGER kept ON log;\nDROP FUNCTION kept();\n"
        );
    }
}
