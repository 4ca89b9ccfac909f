//! What became of the lines: counts, and for each reason the first lines it refused.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use portcullis_backends::flow::ImportOutcome;
use serde::Serialize;

use crate::failure::Failure;
use crate::output::{Format, note};

/// However long the file is, the report is not: lines of one reason, and reasons.
const LINES_MAX: usize = 100;
const REASONS_MAX: usize = 100;

/// Between two lines of progress.
const BETWEEN: Duration = Duration::from_secs(1);

pub(super) struct Report {
    dry_run: bool,
    complete: bool,
    lines: u64,
    imported: u64,
    pending: u64,
    existed: u64,
    refused: u64,
    reasons: BTreeMap<String, Refused>,
    began: Instant,
    told: Instant,
}

#[derive(Default)]
struct Refused {
    count: u64,
    lines: Vec<u64>,
}

#[derive(Serialize)]
struct View {
    dry_run: bool,
    /// Whether the file was read to its end.
    complete: bool,
    lines: u64,
    imported: u64,
    /// Of those, the ones whose address is to be proved first.
    pending: u64,
    existed: u64,
    refused: u64,
    reasons: Vec<ReasonView>,
}

#[derive(Serialize)]
struct ReasonView {
    reason: String,
    count: u64,
    /// At most the first hundred.
    lines: Vec<u64>,
}

impl Report {
    pub(super) fn new(dry_run: bool) -> Self {
        let now = Instant::now();
        Self {
            dry_run,
            complete: true,
            lines: 0,
            imported: 0,
            pending: 0,
            existed: 0,
            refused: 0,
            reasons: BTreeMap::new(),
            began: now,
            told: now,
        }
    }

    pub(super) const fn lines(&self) -> u64 {
        self.lines
    }

    pub(super) const fn refused(&self) -> u64 {
        self.refused
    }

    /// The rest of the file was not read.
    pub(super) const fn stopped(&mut self) {
        self.complete = false;
    }

    pub(super) fn refuse(&mut self, line: u64, reason: String) {
        self.lines = self.lines.saturating_add(1);
        self.refused = self.refused.saturating_add(1);
        let known = self.reasons.contains_key(&reason) || self.reasons.len() < REASONS_MAX;
        let reason = if known {
            reason
        } else {
            "other reasons".to_owned()
        };
        let refused = self.reasons.entry(reason).or_default();
        refused.count = refused.count.saturating_add(1);
        if refused.lines.len() < LINES_MAX {
            refused.lines.push(line);
        }
    }

    /// Counts what became of somebody; `None` is somebody whom nothing stands in the way of.
    pub(super) fn count(&mut self, line: u64, pending: bool, outcome: Option<ImportOutcome>) {
        match outcome {
            None | Some(ImportOutcome::Imported { .. }) => {
                self.imported = self.imported.saturating_add(1);
                self.pending = self.pending.saturating_add(u64::from(pending));
            }
            Some(ImportOutcome::Exists { .. }) => self.existed = self.existed.saturating_add(1),
            Some(ImportOutcome::Conflict) => {
                let reason = "conflict: an identifier is somebody else's".to_owned();
                return self.refuse(line, reason);
            }
            Some(ImportOutcome::Refused(refusal)) => return self.refuse(line, refusal.to_string()),
        }
        self.lines = self.lines.saturating_add(1);
    }

    /// Says how far it is, once a second.
    pub(super) fn progress(&mut self) {
        if self.told.elapsed() >= BETWEEN {
            self.told = Instant::now();
            note(&format!(
                "{} lines, {} imported, {} existed, {} refused, {} a second",
                self.lines,
                self.imported,
                self.existed,
                self.refused,
                self.rate()
            ));
        }
    }

    fn rate(&self) -> u128 {
        let micros = self.began.elapsed().as_micros().max(1);
        u128::from(self.lines) * 1_000_000 / micros
    }

    pub(super) fn print(&self, format: Format) -> Result<(), Failure> {
        let reasons = self.reasons.iter().map(|(reason, refused)| ReasonView {
            reason: reason.clone(),
            count: refused.count,
            lines: refused.lines.clone(),
        });
        let view = View {
            dry_run: self.dry_run,
            complete: self.complete,
            lines: self.lines,
            imported: self.imported,
            pending: self.pending,
            existed: self.existed,
            refused: self.refused,
            reasons: reasons.collect(),
        };
        format.print(&view, View::text)
    }
}

impl View {
    fn text(&self) -> String {
        let mut text = String::new();
        if self.dry_run {
            text.push_str("nothing was written; it would be\n");
        }
        let pending = match self.pending {
            0 => String::new(),
            pending => format!(", {pending} of them with an address to prove"),
        };
        // Writing to a String cannot fail.
        let _written = write!(
            text,
            "imported  {}{pending}\nexisted   {}\nrefused   {}",
            self.imported, self.existed, self.refused
        );
        for ReasonView {
            reason,
            count,
            lines,
        } in &self.reasons
        {
            let numbers: Vec<String> = lines.iter().map(u64::to_string).collect();
            let listed = u64::try_from(lines.len()).unwrap_or(u64::MAX);
            let more = match count.saturating_sub(listed) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let _written = write!(text, "\n  {reason}: line {}{more}", numbers.join(", "));
        }
        if !self.complete {
            text.push_str("\nthe rest of the file was not read");
        }
        text
    }
}
