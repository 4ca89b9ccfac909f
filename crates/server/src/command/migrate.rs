//! `migrate [--plan]`.

use portcullis_stores_sql::{MIGRATIONS, Migration};
use serde::Serialize;

use crate::config::Config;
use crate::failure::Failure;
use crate::output::Format;
use crate::stores;

/// What was done, or would be.
#[derive(Debug, Serialize)]
struct Report {
    planned: bool,
    migrations: Vec<Step>,
}

#[derive(Debug, Serialize)]
struct Step {
    number: u32,
    name: &'static str,
}

pub(super) async fn run(plan: bool, config: &Config, format: Format) -> Result<(), Failure> {
    let migrations = if plan {
        planned(config).await?
    } else {
        stores::make(config).await?.migrate(config).await?
    };
    let report = Report {
        planned: plan,
        migrations: migrations.iter().map(Step::of).collect(),
    };
    format.print(&report, Report::text)
}

/// Without making a database that is not there.
async fn planned(config: &Config) -> Result<Vec<Migration>, Failure> {
    match stores::find(config).await? {
        Some(people) => people.pending(config).await,
        None => Ok(MIGRATIONS.to_vec()),
    }
}

impl Step {
    const fn of(migration: &Migration) -> Self {
        Self {
            number: migration.number,
            name: migration.name,
        }
    }
}

impl Report {
    fn text(&self) -> String {
        if self.migrations.is_empty() {
            return "the database is up to date".to_owned();
        }
        let done = if self.planned {
            "would apply"
        } else {
            "applied"
        };
        let steps = self.migrations.iter();
        let lines = steps.map(|step| format!("{done} {:04} {}", step.number, step.name));
        lines.collect::<Vec<_>>().join("\n")
    }
}
