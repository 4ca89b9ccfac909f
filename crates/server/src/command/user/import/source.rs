//! The file: CSV or JSON lines, never more than one bounded record of it in memory.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use super::row::{Column, Reason, Row};
use crate::cli::{Import, ImportFormat};
use crate::failure::{Exit, Failure};

/// The most bytes of a line of JSON, or of a record of CSV with what is read ahead of it.
const RECORD_MAX_BYTES: usize = 128 * 1024;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// One person of the file.
pub(super) struct Line {
    /// The line that it begins on, from 1.
    pub(super) number: u64,
    pub(super) row: Result<Row, Reason>,
}

pub(super) enum Source {
    Csv(Csv),
    JsonLines(JsonLines),
}

impl Source {
    pub(super) fn open(asked: &Import) -> Result<Self, Failure> {
        let format = match (asked.format, asked.file.extension()) {
            (Some(format), _) => format,
            (None, Some(end)) if end == "csv" => ImportFormat::Csv,
            (None, Some(end)) if end == "jsonl" || end == "ndjson" => ImportFormat::Jsonl,
            (None, _) => return Err(Failure::usage("--format: say whether it is csv or jsonl")),
        };
        let file: Box<dyn Read> = if asked.file.as_os_str() == "-" {
            Box::new(io::stdin())
        } else {
            let file = File::open(&asked.file);
            Box::new(
                file.map_err(|error| Failure::caused(Exit::Usage, asked.file.display(), &error))?,
            )
        };
        Ok(match format {
            ImportFormat::Csv => Self::Csv(Csv::new(file)?),
            ImportFormat::Jsonl => Self::JsonLines(JsonLines {
                file: BufReader::new(file),
                number: 0,
            }),
        })
    }

    pub(super) fn next(&mut self) -> Result<Option<Line>, Failure> {
        match self {
            Self::Csv(csv) => csv.next(),
            Self::JsonLines(lines) => lines.next(),
        }
    }
}

/// CSV (RFC 4180) with a header. A quoted field may hold line ends: what another system's people put into their names
/// never becomes a record of its own.
pub(super) struct Csv {
    reader: csv::Reader<Bounded>,
    left: Rc<Cell<usize>>,
    columns: Vec<Column>,
    record: csv::ByteRecord,
}

/// Ends a record that does not end: a quote that is never closed would take the rest of the file into memory.
struct Bounded {
    file: Box<dyn Read>,
    left: Rc<Cell<usize>>,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        match self.left.get().checked_sub(read) {
            Some(left) => self.left.set(left),
            None => return Err(io::Error::from(io::ErrorKind::InvalidData)),
        }
        Ok(read)
    }
}

impl Csv {
    fn new(file: Box<dyn Read>) -> Result<Self, Failure> {
        let left = Rc::new(Cell::new(RECORD_MAX_BYTES));
        let mut reader = csv::Reader::from_reader(Bounded {
            file,
            left: Rc::clone(&left),
        });
        let header = reader.headers().map_err(|error| unreadable(1, &error))?;
        let columns = Column::of_header(header.iter()).map_err(Failure::usage)?;
        Ok(Self {
            reader,
            left,
            columns,
            record: csv::ByteRecord::new(),
        })
    }

    fn next(&mut self) -> Result<Option<Line>, Failure> {
        self.left.set(RECORD_MAX_BYTES);
        let at = self.reader.position().line();
        let row = match self.reader.read_byte_record(&mut self.record) {
            Ok(false) => return Ok(None),
            Ok(true) => Row::of_fields(&self.columns, &self.record),
            Err(error) => match error.kind() {
                csv::ErrorKind::UnequalLengths { .. } => {
                    Err("another number of fields than the header has".into())
                }
                _ => return Err(unreadable(at, &error)),
            },
        };
        let number = self.record.position().map_or(at, csv::Position::line);
        Ok(Some(Line { number, row }))
    }
}

fn unreadable(line: u64, error: &csv::Error) -> Failure {
    match error.kind() {
        csv::ErrorKind::Io(cause) if cause.kind() == io::ErrorKind::InvalidData => {
            let most = RECORD_MAX_BYTES / 1024;
            Failure::usage(format!(
                "line {line}: the record is longer than {most} KiB: is there a quote that is never closed?"
            ))
        }
        _ => Failure::caused(Exit::Usage, format!("line {line}"), error),
    }
}

/// One JSON object a line; empty lines are nobody.
pub(super) struct JsonLines {
    file: BufReader<Box<dyn Read>>,
    number: u64,
}

impl JsonLines {
    fn next(&mut self) -> Result<Option<Line>, Failure> {
        loop {
            let mut line = Vec::new();
            let most = u64::try_from(RECORD_MAX_BYTES).unwrap_or(u64::MAX);
            let mut bounded = self.file.by_ref().take(most);
            let read = bounded.read_until(b'\n', &mut line);
            let full = bounded.limit() == 0 && !line.ends_with(b"\n");
            self.number = self.number.saturating_add(1);
            if self.unless_broken(read)? == 0 {
                return Ok(None);
            }
            if full {
                let skipped = self.file.skip_until(b'\n');
                self.unless_broken(skipped)?;
            }
            let mut text = line.as_slice();
            if self.number == 1 {
                text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
            }
            if text.trim_ascii().is_empty() {
                continue;
            }
            let row = if full {
                Err(format!("longer than {} KiB", RECORD_MAX_BYTES / 1024))
            } else {
                Row::of_json(text)
            };
            return Ok(Some(Line {
                number: self.number,
                row,
            }));
        }
    }

    fn unless_broken(&self, read: io::Result<usize>) -> Result<usize, Failure> {
        read.map_err(|error| Failure::caused(Exit::Usage, format!("line {}", self.number), &error))
    }
}
