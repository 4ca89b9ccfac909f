//! The published list of cases, as its macro has it.

/// Families in the macro's order, with their cases as `group::case`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Suite {
    families: Vec<(String, Vec<String>)>,
    /// What `all` stands for.
    all: Vec<String>,
}

impl Suite {
    /// Reads the macro's source: an arm a family, in it a list of cases a group.
    pub(super) fn parse(source: &str) -> Self {
        let (mut suite, mut group) = (Self::default(), "");
        for line in source.lines().map(str::trim) {
            if let Some(family) = line
                .strip_prefix('(')
                .and_then(|line| line.strip_suffix(": $fresh:ident) => {"))
            {
                if family != "all" {
                    suite.families.push((family.to_owned(), Vec::new()));
                }
            } else if line.starts_with("(@") {
                // From here on it says how, and not what.
                break;
            } else if let Some(list) = line.strip_prefix("$crate::conformance!(@") {
                group = list.split(' ').next().unwrap_or_default();
            } else if let Some(of_all) = line.strip_prefix("$crate::conformance!(") {
                let name = of_all.split(':').next().unwrap_or_default();
                suite.all.push(name.to_owned());
            } else if is_name(line)
                && let Some((_, cases)) = suite.families.last_mut()
            {
                cases.push(format!("{group}::{line}"));
            }
        }
        suite
    }

    /// The families that the lines of a store's test name.
    pub(super) fn promised(&self, test: &str) -> Vec<String> {
        let mut promised = Vec::new();
        for line in test.lines() {
            let Some((_, named)) = line.split_once("conformance!(") else {
                continue;
            };
            match named.split(':').next().unwrap_or_default() {
                "all" => promised.extend(self.all.iter().cloned()),
                family => promised.push(family.to_owned()),
            }
        }
        promised
    }

    /// The cases of a family.
    pub(super) fn cases(&self, family: &str) -> &[String] {
        let found = self.families.iter().find(|(name, _)| name == family);
        found.map_or(&[], |(_, cases)| cases)
    }
}

fn is_name(line: &str) -> bool {
    !line.is_empty()
        && line
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}
