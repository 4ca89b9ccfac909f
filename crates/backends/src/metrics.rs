//! What an instance counts, for whoever watches it: numbers alone, and nothing that came with a request.
//!
//! Counting is one addition to a number that is there from the start: no lock, no allocation, no look-up by anything
//! that a client sent. [`Portcullis::metrics`] reads them all; an application hands them to its own exporter, the binary
//! writes them as Prometheus text.

mod counts;
mod snapshot;

use std::any::Any;
use std::sync::Arc;

use crate::error::FlowError;
use crate::portcullis::Portcullis;

pub(crate) use counts::{Ended, Metrics, Pass, Posted, Verdicts, Way};
pub use snapshot::{Family, Histogram, Kind, MetricsSnapshot, Sample, Value};

/// Numbers that another layer counts for an instance, such as the HTTP routes.
pub trait Meter: Any + Send + Sync {
    /// All of them as they stand. Each series is there from the start, at zero.
    fn families(&self) -> Vec<Family>;
}

impl Portcullis {
    /// Everything that is counted, as it stands now. Numbers that are read one after the other may be a moment apart.
    #[must_use]
    pub fn metrics(&self) -> MetricsSnapshot {
        let metrics = &self.0.metrics;
        let mut families = metrics.families();
        if let Some(load) = self.0.hasher.load() {
            families.extend(counts::of_hashes(&load));
        }
        for meter in metrics.meters() {
            families.extend(meter.families());
        }
        MetricsSnapshot { families }
    }

    /// The one meter of a type, made when it is first asked for. It is for whoever is put together, not for requests:
    /// keep what it gives.
    #[must_use]
    pub fn meter<M: Meter + Default>(&self) -> Arc<M> {
        self.0.metrics.meter()
    }

    /// Counts a failure that a store is the cause of, for layers above the flows; what has another cause is not counted.
    /// [`authenticate`](Portcullis::authenticate) and background work count theirs themselves.
    pub fn count_failure(&self, error: &FlowError) {
        self.0.metrics.failed(error);
    }
}
