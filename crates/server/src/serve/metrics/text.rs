//! Prometheus text exposition format, version 0.0.4: <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::fmt::Write as _;
use std::time::Duration;

use portcullis_backends::metrics::{Family, Histogram, Kind, Sample, Value};

/// All families, each with its help and its type.
pub(super) fn page(families: &[Family]) -> String {
    let mut page = String::with_capacity(16 * 1024);
    for family in families {
        let Family { name, help, .. } = family;
        let kind = match family.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            _ => "untyped",
        };
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        // Writing to a String cannot fail.
        let _ = writeln!(page, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for sample in &family.samples {
            write_sample(&mut page, name, sample);
        }
    }
    page
}

fn write_sample(page: &mut String, name: &str, sample: &Sample) {
    match &sample.value {
        Value::Number(number) => {
            let labels = labels(&sample.labels, None);
            let _ = writeln!(page, "{name}{labels} {number}");
        }
        Value::Histogram(histogram) => write_histogram(page, name, &sample.labels, histogram),
        _ => {}
    }
}

fn write_histogram(
    page: &mut String,
    name: &str,
    told: &[(&'static str, &'static str)],
    histogram: &Histogram,
) {
    for (most, number) in &histogram.buckets {
        let labels = labels(told, Some(&seconds(*most)));
        let _ = writeln!(page, "{name}_bucket{labels} {number}");
    }
    let (count, sum) = (histogram.count, seconds(histogram.sum));
    let all = labels(told, Some("+Inf"));
    let none = labels(told, None);
    let _ = writeln!(
        page,
        "{name}_bucket{all} {count}\n{name}_sum{none} {sum}\n{name}_count{none} {count}"
    );
}

/// In braces, or nothing where there are none.
fn labels(told: &[(&'static str, &'static str)], bucket: Option<&str>) -> String {
    let told = told.iter().map(|(name, value)| (*name, *value));
    let told: Vec<_> = told
        .chain(bucket.map(|bucket| ("le", bucket)))
        .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
        .collect();
    match told.is_empty() {
        true => String::new(),
        false => format!("{{{}}}", told.join(",")),
    }
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// Without the zeros at the end: buckets are told apart by their text.
fn seconds(duration: Duration) -> String {
    let text = format!("{}.{:09}", duration.as_secs(), duration.subsec_nanos());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        let family = Family::counter("a_total", "What\\is\ncounted.")
            .with(&[("backend", "a\"b\\c\nd"), ("verdict", "x")], 3)
            .with(&[], 0);
        let expected = "# HELP a_total What\\\\is\\ncounted.\n# TYPE a_total counter\n\
                        a_total{backend=\"a\\\"b\\\\c\\nd\",verdict=\"x\"} 3\na_total 0\n";
        assert_eq!(page(&[family]), expected);
    }

    #[test]
    fn a_histogram_ends_with_everything() {
        let histogram = Histogram {
            buckets: vec![(Duration::from_millis(5), 1), (Duration::from_secs(10), 3)],
            count: 4,
            sum: Duration::from_micros(20_000_250),
        };
        let family = Family::histogram("a_seconds", "How long.", histogram);
        let expected = "# HELP a_seconds How long.\n# TYPE a_seconds histogram\n\
                        a_seconds_bucket{le=\"0.005\"} 1\na_seconds_bucket{le=\"10\"} 3\n\
                        a_seconds_bucket{le=\"+Inf\"} 4\na_seconds_sum 20.00025\na_seconds_count 4\n";
        assert_eq!(page(&[family]), expected);
    }
}
