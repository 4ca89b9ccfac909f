//! A reader of Prometheus text (version 0.0.4) that takes nothing but what the format allows.

use std::collections::{BTreeMap, BTreeSet};

/// A page of metrics, read.
#[derive(Clone, Debug, Default)]
pub struct Exposition {
    /// By name, in the order of the page.
    pub families: Vec<Family>,
}

/// What the page says under one name.
#[derive(Clone, Debug, Default)]
pub struct Family {
    /// The name.
    pub name: String,
    /// `counter`, `gauge` or `histogram`.
    pub kind: String,
    /// What is counted.
    pub help: String,
    /// By name and labels, as they stand on the page.
    pub samples: BTreeMap<String, f64>,
    /// The names of the labels.
    pub labels: BTreeSet<String>,
}

impl Exposition {
    /// Reads a page.
    ///
    /// # Panics
    /// At the first thing that does not belong there.
    #[must_use]
    pub fn read(page: &str) -> Self {
        let mut read = Self::default();
        assert!(page.ends_with('\n'), "the last line has no end");
        for line in page.lines() {
            read.line(line);
        }
        for family in &read.families {
            assert!(!family.kind.is_empty(), "no type: {}", family.name);
            assert!(!family.samples.is_empty(), "empty: {}", family.name);
            family.check_histogram();
        }
        read
    }

    fn line(&mut self, line: &str) {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("help");
            assert!(is_name(name), "{line}");
            let known = self.families.iter().any(|family| family.name == name);
            assert!(!known, "twice: {name}");
            self.families.push(Family {
                name: name.to_owned(),
                help: help.to_owned(),
                ..Family::default()
            });
            return;
        }
        let family = self.families.last_mut().expect("help before anything else");
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a type");
            assert_eq!(name, family.name, "help and type stand together");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(family.kind.is_empty(), "two types: {line}");
            kind.clone_into(&mut family.kind);
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            return;
        }
        assert!(!line.starts_with('#'), "{line}");
        assert!(!family.kind.is_empty(), "a sample before its type: {line}");
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let name = series.split('{').next().expect("a name");
        let endings: &[&str] = match family.kind.as_str() {
            "histogram" => &["_bucket", "_sum", "_count"],
            _ => &[""],
        };
        let ending = name.strip_prefix(family.name.as_str());
        assert!(
            ending.is_some_and(|ending| endings.contains(&ending)),
            "{line}"
        );
        for label in labels(series.get(name.len()..).expect("the rest")) {
            family.labels.insert(label);
        }
        let value: f64 = value.parse().expect("a number");
        assert!(value.is_finite() && value >= 0.0, "{line}");
        let before = family.samples.insert(series.to_owned(), value);
        assert!(before.is_none(), "twice: {series}");
    }

    /// The value of a series, as the page spells it.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn value(&self, series: &str) -> f64 {
        let mut found = self.families.iter().filter_map(|f| f.samples.get(series));
        *found.next().unwrap_or_else(|| panic!("no {series}"))
    }

    /// How many series there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.families.iter().map(|f| f.samples.len()).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Family {
    /// Buckets hold those before them, and the last holds everything.
    fn check_histogram(&self) {
        if self.kind != "histogram" {
            return;
        }
        let bucket = |(series, value): (&String, &f64)| {
            let (_, most) = series.split_once("le=\"")?;
            let most = most.split('"').next()?.replace("+Inf", "inf");
            Some((most.parse::<f64>().expect("a bound"), *value))
        };
        let mut buckets: Vec<_> = self.samples.iter().filter_map(bucket).collect();
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert!(buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1));
        let (most, all) = buckets.last().expect("buckets");
        assert!(most.is_infinite());
        let count = self.samples.get(&format!("{}_count", self.name));
        assert_eq!(count, Some(all));
        assert!(self.samples.contains_key(&format!("{}_sum", self.name)));
    }
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    let first = bytes
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    first && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The names in `{a="1",b="2"}`, which may be left out altogether.
fn labels(text: &str) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    let inner = text.strip_prefix('{').and_then(|t| t.strip_suffix('}'));
    let mut rest = inner.expect("braces");
    let mut names = Vec::new();
    loop {
        let (name, after) = rest.split_once("=\"").expect("a label");
        assert!(is_name(name), "{text}");
        names.push(name.to_owned());
        let mut escaped = false;
        let end = after.find(|c: char| {
            let ends = c == '"' && !escaped;
            assert!(!escaped || ['\\', '"', 'n'].contains(&c), "{text}");
            escaped = c == '\\' && !escaped;
            ends
        });
        rest = after.get(end.expect("an end") + 1..).expect("the rest");
        if rest.is_empty() {
            return names;
        }
        rest = rest.strip_prefix(',').expect("a comma");
    }
}
