//! `user import`: people of another system, from a file that is read a line at a time.

mod report;
mod row;
mod source;

use std::collections::VecDeque;
use std::fs;
use std::path::Path;

use portcullis_backends::FlowError;
use portcullis_backends::flow::{ImportOutcome, ImportUser};
use portcullis_core::entity::TenantKey;
use portcullis_core::id::TenantId;
use portcullis_core::secret::SecretText;
use tokio::task::JoinHandle;

use self::report::Report;
use self::source::{Line, Source};
use crate::cli::Import;
use crate::command::operator::{Operator, failed};
use crate::failure::{Exit, Failure};

/// People on their way into the database: what waits together is committed together.
const AT_ONCE: usize = 128;

/// How one line ended.
type Ended = Result<Option<ImportOutcome>, FlowError>;

pub(super) async fn run(asked: &Import, operator: &Operator) -> Result<(), Failure> {
    let tenant = tenant(asked, operator).await?;
    let pepper = asked.pepper_file.as_deref().map(pepper).transpose()?;
    let mut source = Source::open(asked)?;
    let mut import = Importing {
        asked,
        operator,
        tenant,
        pepper,
        under_way: VecDeque::with_capacity(AT_ONCE),
        report: Report::new(asked.dry_run),
    };
    let read = import.read(&mut source).await;
    // Whatever stopped it: what is under way is finished, and said.
    let finished = import.finish().await;
    import.report.print(operator.format)?;
    read?;
    finished?;
    match import.report.refused() {
        0 => Ok(()),
        refused => Err(Failure::new(
            Exit::Refused,
            format!("{refused} of {} were refused", import.report.lines()),
        )),
    }
}

struct Importing<'a> {
    asked: &'a Import,
    operator: &'a Operator,
    tenant: TenantId,
    pepper: Option<SecretText>,
    under_way: VecDeque<(u64, bool, JoinHandle<Ended>)>,
    report: Report,
}

impl Importing<'_> {
    async fn read(&mut self, source: &mut Source) -> Result<(), Failure> {
        while let Some(Line { number, row }) = source.next()? {
            match row.and_then(|row| row.into_person(self.pepper.as_ref())) {
                Ok(person) => self.begin(number, person).await?,
                Err(reason) => self.report.refuse(number, reason),
            }
            self.report.progress();
            if self.asked.strict && self.report.refused() > 0 {
                self.report.stopped();
                break;
            }
        }
        Ok(())
    }

    async fn begin(&mut self, line: u64, person: ImportUser) -> Result<(), Failure> {
        if self.under_way.len() >= AT_ONCE {
            self.end_one().await?;
        }
        let (portcullis, tenant) = (self.operator.portcullis.clone(), self.tenant);
        let pending = !person.is_proved();
        let task = if self.asked.dry_run {
            tokio::spawn(async move { portcullis.check_import(tenant, &person).await })
        } else {
            tokio::spawn(async move { portcullis.import_user(tenant, person).await.map(Some) })
        };
        self.under_way.push_back((line, pending, task));
        Ok(())
    }

    /// Waits for the line that began first, so that the report is in the order of the file.
    async fn end_one(&mut self) -> Result<(), Failure> {
        let Some((line, pending, task)) = self.under_way.pop_front() else {
            return Ok(());
        };
        let ended = task
            .await
            .map_err(|error| Failure::caused(Exit::Failure, format!("line {line}"), &error))?;
        match ended.map_err(failed) {
            Ok(outcome) => {
                self.report.count(line, pending, outcome);
                Ok(())
            }
            Err(failure) => {
                self.report.stopped();
                Err(failure)
            }
        }
    }

    async fn finish(&mut self) -> Result<(), Failure> {
        let mut first = Ok(());
        while !self.under_way.is_empty() {
            let ended = self.end_one().await;
            if first.is_ok() {
                first = ended;
            }
        }
        first
    }
}

async fn tenant(asked: &Import, operator: &Operator) -> Result<TenantId, Failure> {
    let Some(slug) = &asked.tenant else {
        return Ok(operator.tenant);
    };
    let found = operator.portcullis.find_tenant(TenantKey::Slug(slug));
    let found = found.await.map_err(failed)?;
    let nobody = || Failure::new(Exit::NotFound, format!("there is no tenant `{slug}`"));
    Ok(found.ok_or_else(nobody)?.id)
}

/// The content of a file without the end of its line.
fn pepper(path: &Path) -> Result<SecretText, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::caused(Exit::Usage, path.display(), &error))?;
    Ok(SecretText::new(text.trim_end_matches(['\r', '\n'])))
}
