//! The first-run hint: curl lines that work as they are printed, from sign-up to a call with an API token.

use std::path::Path;

/// Everything is relative to nothing but this machine: the lines work in any folder and any POSIX shell.
pub(super) fn hint(base: &str, outbox: &Path) -> String {
    let base = quoted(base);
    let outbox = quoted(&outbox.display().to_string());
    format!(
        r#"# First run: these lines go from sign-up to a call with an API token.
AUTH={base}
OUTBOX={outbox}
JAR=$(mktemp)
ask() {{ curl -sS -b "$JAR" -c "$JAR" -H 'Content-Type: application/json' "$@"; echo; }}
ask "$AUTH/signup" -d '{{"email":"ada@example.com","password":"correct horse battery staple"}}'
sleep 1
TOKEN=$(grep -ho 'pcl_vfy_[0-9A-Za-z]*' "$(ls -t "$OUTBOX"/*.eml | head -n 1)" | head -n 1)
ask "$AUTH/signup/verify" -d "{{\"token\":\"$TOKEN\"}}"
ask "$AUTH/sign-in" -d '{{"identifier":"ada@example.com","password":"correct horse battery staple"}}'
ask "$AUTH/profile"
API_TOKEN=$(ask "$AUTH/api-tokens" -d '{{"name":"first","scopes":["read"]}}' | sed -n 's/.*"token":"\([^"]*\)".*/\1/p')
curl -sS -X POST -H "Authorization: Bearer $API_TOKEN" "$AUTH/check-auth"; echo
"#
    )
}

/// In single quotes, for the shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_a_quote_in_its_name_stays_one_word() {
        assert_eq!(quoted("it's here"), r"'it'\''s here'");
    }
}
