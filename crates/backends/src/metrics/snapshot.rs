//! Numbers on their way out. Every name and every label is a `&'static str`: what a request brings cannot become one.

use std::time::Duration;

/// All families of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricsSnapshot {
    /// Each name once.
    pub families: Vec<Family>,
}

/// Samples of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Family {
    /// As Prometheus names it, unit and `_total` included.
    pub name: &'static str,
    /// What is counted.
    pub help: &'static str,
    /// How it moves.
    pub kind: Kind,
    /// One for each combination of labels.
    pub samples: Vec<Sample>,
}

/// How a number moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Up only.
    Counter,
    /// Up and down.
    Gauge,
    /// Durations, sorted into buckets.
    Histogram,
}

/// One number, and what tells it from the others of its family.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sample {
    /// Names and values.
    pub labels: Vec<(&'static str, &'static str)>,
    /// The number.
    pub value: Value,
}

/// A number.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value {
    /// Of a counter or a gauge.
    Number(u64),
    /// Of a histogram.
    Histogram(Histogram),
}

/// How long things took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// A duration, and how many took at most so long: those of the bucket before are among them.
    pub buckets: Vec<(Duration, u64)>,
    /// How many there were.
    pub count: u64,
    /// How long all of them took together.
    pub sum: Duration,
}

impl Family {
    /// Of a number that goes up only.
    #[must_use]
    pub const fn counter(name: &'static str, help: &'static str) -> Self {
        Self::of(Kind::Counter, name, help)
    }

    /// Of a number that goes up and down.
    #[must_use]
    pub const fn gauge(name: &'static str, help: &'static str) -> Self {
        Self::of(Kind::Gauge, name, help)
    }

    /// Of one histogram.
    #[must_use]
    pub fn histogram(name: &'static str, help: &'static str, histogram: Histogram) -> Self {
        let mut family = Self::of(Kind::Histogram, name, help);
        family.samples.push(Sample {
            labels: Vec::new(),
            value: Value::Histogram(histogram),
        });
        family
    }

    const fn of(kind: Kind, name: &'static str, help: &'static str) -> Self {
        Self {
            name,
            help,
            kind,
            samples: Vec::new(),
        }
    }

    /// Adds a number.
    #[must_use]
    pub fn with(mut self, labels: &[(&'static str, &'static str)], number: u64) -> Self {
        self.samples.push(Sample {
            labels: labels.to_vec(),
            value: Value::Number(number),
        });
        self
    }
}
