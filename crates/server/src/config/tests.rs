//! Settings that are refused, settings that are not, and the reference.

use std::collections::BTreeSet;
use std::path::Path;

use figment::Figment;
use figment::error::Kind;
use figment::providers::{Format, Toml};
use portcullis_tokens::jwt::JwtAlgorithm;

use super::settings::{LogFormat, Settings};
use super::{Config, Database, check, reference, source};
use crate::failure::{Exit, Failure};

fn config(toml: &str) -> Result<Config, Failure> {
    let figment = Figment::new().merge(Toml::string(toml));
    check::checked(source::extract(&figment)?)
}

fn refusal(toml: &str) -> String {
    let failure = config(toml).unwrap_err();
    assert_eq!(failure.exit(), Exit::Usage, "{failure}");
    failure.to_string()
}

/// The fields that the struct at `table` knows, as its own refusal of another one lists them.
fn known(table: &str) -> BTreeSet<String> {
    let prefix = table.strip_suffix('.').map(|t| format!("[{t}]\n"));
    let toml = format!("{}no-such-setting = 1\n", prefix.unwrap_or_default());
    let figment = Figment::new().merge(Toml::string(&toml));
    let error = figment.extract::<Settings>().err().unwrap();
    match error.kind {
        Kind::UnknownField(_, known) => known.iter().map(|k| format!("{table}{k}")).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_configured_is_loopback_and_the_default_folder() {
    let config = config("").unwrap();
    assert!(config.listen.ip().is_loopback());
    assert_eq!(
        config.public_url("127.0.0.1:4000".parse().unwrap()),
        "http://127.0.0.1:4000"
    );
    assert_eq!(
        config.database,
        Database::Sqlite("./portcullis-data/portcullis.db".into())
    );
    assert_eq!(config.keys, Path::new("./portcullis-data/keys.json"));
    assert!(config.access_tokens.enabled);
    assert_eq!(config.metrics, None);
    assert_eq!(
        config.access_tokens.keys,
        Path::new("./portcullis-data/jwt-keys.json")
    );
    assert_eq!(config.mail_folder, Path::new("./portcullis-data/outbox"));
    assert_eq!(config.log_format, LogFormat::Text);
}

#[test]
fn the_reference_has_every_setting_and_no_other() {
    let mut all = known("");
    for table in [
        "metrics",
        "mail",
        "mail.smtp",
        "mail.webhook",
        "captcha",
        "breach",
        "hash",
        "access_tokens",
        "policy",
    ] {
        assert!(all.remove(table), "{table}");
        all.extend(known(&format!("{table}.")));
    }
    let rows = reference::rows();
    let told: BTreeSet<String> = rows.iter().map(|row| row.name.to_owned()).collect();
    assert_eq!(told.len(), rows.len(), "a setting stands twice");
    assert_eq!(told, all);
}

#[test]
fn the_readme_has_the_reference_as_it_is_generated() {
    let readme = include_str!("../../README.md");
    assert!(
        readme.contains(&reference::reference()),
        "paste the output of `portcullis config reference` into crates/server/README.md"
    );
}

#[test]
fn the_defaults_of_the_reference_hold() {
    for row in reference::rows() {
        let Some(value) = row
            .default
            .strip_prefix('`')
            .and_then(|d| d.strip_suffix('`'))
        else {
            continue;
        };
        if value.contains('`') {
            continue;
        }
        let plain = value.parse::<f64>().is_ok() || value.parse::<bool>().is_ok();
        let value = if plain {
            value.to_owned()
        } else {
            format!("\"{value}\"")
        };
        let (table, name) = row.name.rsplit_once('.').unwrap_or(("", row.name));
        let table = if table.is_empty() {
            String::new()
        } else {
            format!("[{table}]\n")
        };
        config(&format!("{table}{name} = {value}\n")).unwrap();
    }
}

#[test]
fn an_unknown_setting_is_refused_with_the_known_ones() {
    let said = refusal("lisen = \"127.0.0.1:1\"\n");
    assert!(said.contains("unknown setting `lisen`"), "{said}");
    assert!(said.contains("listen, public_url, data_dir"), "{said}");
    let said = refusal("[mail]\nfodler = \"x\"\n");
    assert!(said.contains("unknown setting `mail.fodler`"), "{said}");
    assert!(said.contains("kind, folder"), "{said}");
    let said = refusal("[policy]\nlockout = 3\n");
    assert!(said.contains("unknown setting `policy.lockout`"), "{said}");
}

#[test]
fn a_value_of_the_wrong_type_is_refused_by_name() {
    for (toml, name) in [
        ("listen = \"localhost\"\n", "listen"),
        ("listen = 80\n", "listen"),
        ("trusted_proxies = [\"10.0.0.0/33\"]\n", "trusted_proxies"),
        ("[hash]\nthreads = -1\n", "hash.threads"),
        ("[mail]\nkind = \"smtp\"\n", "mail.kind"),
        ("log_format = \"xml\"\n", "log_format"),
        ("listen = [\n", "line 1"),
    ] {
        let said = refusal(toml);
        assert!(said.contains(name), "{toml}: {said}");
    }
}

#[test]
fn what_would_send_passwords_in_clear_text_is_refused() {
    for toml in [
        "listen = \"0.0.0.0:8080\"\n",
        "listen = \"[::]:8080\"\n",
        "listen = \"192.0.2.1:8080\"\n",
        "listen = \"0.0.0.0:8080\"\npublic_url = \"http://auth.example.com\"\n",
        "listen = \"0.0.0.0:8080\"\npublic_url = \"http://127.0.0.1:8080\"\n",
        "listen = \"0.0.0.0:8080\"\npublic_url = \"http://localhost:8080\"\n",
        "public_url = \"http://auth.example.com\"\n",
        "public_url = \"http://127.0.0.1.example.com\"\n",
        "public_url = \"ftp://127.0.0.1\"\n",
        "public_url = \"auth.example.com\"\n",
    ] {
        let said = refusal(toml);
        assert!(
            said.starts_with("listen: ") || said.starts_with("public_url: "),
            "{toml}: {said}"
        );
    }
    for toml in [
        "listen = \"0.0.0.0:8080\"\npublic_url = \"https://auth.example.com\"\n",
        "listen = \"127.0.0.2:8080\"\n",
        "listen = \"[::1]:8080\"\n",
        "public_url = \"http://localhost:8080\"\n",
        "public_url = \"http://[::1]:8080\"\n",
        "public_url = \"https://auth.example.com\"\n",
    ] {
        config(toml).unwrap();
    }
}

#[test]
fn proxies_that_are_everybody_are_refused() {
    for network in [
        "0.0.0.0/0",
        "::/0",
        "0.0.0.0/1",
        "128.0.0.0/7",
        "2000::/3",
        "::ffff:0:0/96",
        "::ffff:10.0.0.0/104",
    ] {
        let said = refusal(&format!("trusted_proxies = [\"{network}\"]\n"));
        assert!(said.starts_with("trusted_proxies: "), "{said}");
    }
    config("trusted_proxies = [\"10.0.0.0/8\", \"127.0.0.1/32\", \"fc00::/7\"]\n").unwrap();
}

// PW-10
#[test]
fn a_cheap_hash_is_refused() {
    for (memory, iterations) in [(7_167, 5), (7_168, 4), (9_216, 3), (19_456, 1), (19_455, 2)] {
        let said = refusal(&format!(
            "[hash]\nmemory_kib = {memory}\niterations = {iterations}\n"
        ));
        assert!(said.starts_with("hash: "), "{said}");
    }
    let config = config("[hash]\nmemory_kib = 7168\niterations = 5\nthreads = 2\n").unwrap();
    assert_eq!((config.hash.threads, config.hash.queue), (2, 128));
}

#[test]
fn numbers_and_texts_have_bounds() {
    for (toml, name) in [
        ("max_connections = 0\n", "max_connections"),
        ("shutdown_grace_secs = 301\n", "shutdown_grace_secs"),
        ("app_name = \"\"\n", "app_name"),
        ("app_name = \"a\\u202eb\"\n", "app_name"),
        ("log = \"portcullis=loud\"\n", "log"),
        ("[hash]\nthreads = 0\n", "hash.threads"),
        ("[hash]\nqueue = 0\n", "hash.queue"),
        (
            "[policy]\nsession_max_per_user = 0\n",
            "policy.session_max_per_user",
        ),
        ("[mail]\nkind = \"log\"\nfolder = \"x\"\n", "mail.folder"),
    ] {
        let said = refusal(toml);
        assert!(said.starts_with(name), "{toml}: {said}");
    }
}

#[test]
fn an_algorithm_is_known_in_any_case_and_others_are_refused() {
    let config = config("[access_tokens]\nalgorithm = \"es256\"\n").unwrap();
    assert_eq!(config.access_tokens.algorithm, JwtAlgorithm::Es256);
    for name in ["none", "HS512", ""] {
        let said = refusal(&format!("[access_tokens]\nalgorithm = \"{name}\"\n"));
        assert!(said.starts_with("access_tokens.algorithm: "), "{said}");
        assert!(said.contains("EdDSA, ES256"), "{said}");
    }
}

// PW-01
#[test]
fn a_short_password_is_not_enough_as_the_only_factor() {
    let said = refusal("[policy]\npassword_min_length = 14\n");
    assert!(said.starts_with("policy.password_min_length: "), "{said}");
    config("[policy]\npassword_min_length = 16\n").unwrap();
}

fn database(said: &str) -> Result<Database, Failure> {
    config(&format!("database = \"{said}\"\n")).map(|config| config.database)
}

#[test]
fn a_database_is_a_file_or_a_postgresql() {
    for (said, file) in [
        ("sqlite:a.db", "a.db"),
        ("sqlite://a.db", "a.db"),
        ("sqlite:///srv/a.db", "/srv/a.db"),
    ] {
        assert_eq!(database(said).unwrap(), Database::Sqlite(file.into()));
    }
    for said in [
        "postgres://h/d",
        "postgresql://u:p@h:5433/d?sslmode=verify-full",
    ] {
        assert!(
            matches!(database(said), Ok(Database::Postgres(_))),
            "{said}"
        );
    }
    for said in [
        "portcullis.db",
        "/srv/a.db",
        "sqlite:",
        "sqlite::memory:",
        "sqlite:a.db?mode=ro",
        "mysql://h/d",
        "redis://h",
        "postgres://h:port/d",
        "postgres://u:s3cr#t@h/d",
        "postgres://u:12/s3cret@h/d",
        "postgres://u:12?s3cret@h/d",
        "",
    ] {
        let refused = refusal(&format!("database = \"{said}\"\n"));
        assert!(refused.starts_with("database: "), "{said}: {refused}");
    }
}

#[test]
fn sessions_are_with_the_people_or_in_a_redis() {
    assert!(config("").unwrap().ephemeral.is_none());
    for said in [
        "redis://h",
        "redis://u:p@h:6380/1",
        "unix:///run/redis.sock",
    ] {
        let config = config(&format!("ephemeral = \"{said}\"\n")).unwrap();
        assert!(config.ephemeral.is_some(), "{said}");
    }
    for said in [
        "sqlite:a.db",
        "postgres://h/d",
        "rediss://h",
        "redis://h:port",
        "h:6379",
        "",
    ] {
        let refused = refusal(&format!("ephemeral = \"{said}\"\n"));
        assert!(refused.starts_with("ephemeral: "), "{said}: {refused}");
    }
}

// LG-02
#[test]
fn a_password_in_a_url_is_not_shown() {
    let config = config(
        "database = \"postgres://ada:hunter2@db.example.com:5433/auth?password=hunter2\"\n\
         ephemeral = \"redis://ada:hunter2@cache.example.com/1\"\n",
    )
    .unwrap();
    assert_eq!(
        config.database.to_string(),
        "postgres://db.example.com:5433/auth"
    );
    let ephemeral = config.ephemeral.as_ref().unwrap();
    assert_eq!(ephemeral.to_string(), "redis://cache.example.com/1");
    let shown = format!("{config:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    for refused in [
        "database = \"postgres://ada:hunter2@[db/auth\"\n",
        "database = \"mysql://ada:hunter2@db/auth\"\n",
        "ephemeral = \"rediss://ada:hunter2@db\"\n",
        "ephemeral = \"http://ada:hunter2@db\"\n",
    ] {
        let said = refusal(refused);
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn a_relay_is_checked_before_anything_starts() {
    let refused = |toml: &str| {
        let toml = format!("[mail]\nkind = \"smtp\"\n{toml}");
        refusal(&toml)
    };
    assert!(refused("").contains("mail.smtp.host"));
    let plain = refused("[mail.smtp]\nhost = \"mail.example.com\"\ntls = \"none\"");
    assert!(plain.contains("clear text"), "{plain}");
    let half = refused("[mail.smtp]\nhost = \"mail.example.com\"\nuser = \"me\"");
    assert!(half.contains("mail.smtp.user"), "{half}");
    let number = refused("[mail.smtp]\nhost = \"mail.example.com\"\npassword = 1234567");
    assert!(
        number.contains("quotes") && !number.contains("1234567"),
        "{number}"
    );
    let from = refused("from = \"nobody\"\n[mail.smtp]\nhost = \"mail.example.com\"");
    assert!(from.contains("sender"), "{from}");
    let folder = refused("folder = \"x\"\n[mail.smtp]\nhost = \"mail.example.com\"");
    assert!(folder.contains("mail.folder"), "{folder}");
}

#[test]
fn a_webhook_is_checked_before_anything_starts() {
    let secret = "secret = \"whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\"";
    let url = "url = \"https://hooks.example.com/hunter2\"";
    let with = |toml: &str| format!("[mail]\nkind = \"webhook\"\n[mail.webhook]\n{toml}\n");
    let refused = |toml: &str| refusal(&with(toml));
    let accepted = config(&with(&format!("{url}\n{secret}"))).unwrap();
    let shown = format!("{accepted:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("AQEB"));
    assert!(refused(secret).contains("mail.webhook.url"));
    assert!(refused(url).contains("openssl rand"));
    let short = refused(&format!("{url}\nsecret = \"whsec_AQEB\""));
    assert!(
        short.contains("32 to 64") && !short.contains("AQEB"),
        "{short}"
    );
    let plain = refused(&format!(
        "url = \"http://hooks.example.com/hunter2\"\n{secret}"
    ));
    assert!(
        plain.contains("clear text") && !plain.contains("hunter2"),
        "{plain}"
    );
    let twice = refused(&format!("{url}\n{secret}\nsecret_file = \"x\""));
    assert!(twice.contains("mail.webhook.secret_file"), "{twice}");
    let many = secret.replace(
        "=\"",
        &"= whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE".repeat(4),
    );
    let many = refused(&format!("{url}\n{many}=\""));
    assert!(many.contains("1 to 4"), "{many}");
    let late = refused(&format!("{url}\n{secret}\ntimeout_secs = 51"));
    assert!(late.contains("timeout_secs"), "{late}");
}

#[test]
fn a_captcha_is_checked_before_anything_starts() {
    let with = |toml: &str| format!("[captcha]\n{toml}\n");
    let refused = |toml: &str| refusal(&with(toml));
    assert!(config("").unwrap().captcha.is_none());
    for provider in ["turnstile", "hcaptcha", "recaptcha"] {
        let known = format!("provider = \"{provider}\"\nsecret = \"hunter2\"");
        let accepted = config(&with(&known)).unwrap().captcha.unwrap();
        let shown = format!("{accepted:?}").to_lowercase();
        assert!(shown.contains(provider), "{shown}");
    }
    let good = "provider = \"turnstile\"\nsecret = \"hunter2\"";
    let accepted = config(&with(good)).unwrap();
    assert!(accepted.captcha.is_some());
    assert!(!format!("{accepted:?}").contains("hunter2"));
    assert!(refused("provider = \"turnstile\"").contains("captcha.secret_file"));
    assert!(refused("secret = \"hunter2\"").contains("captcha.provider"));
    let plain = refused(&format!(
        "{good}\nurl = \"http://captcha.example.com/hunter2\""
    ));
    assert!(
        plain.contains("clear text") && !plain.contains("hunter2"),
        "{plain}"
    );
    let host = refused(&format!("{good}\nhosts = [\"https://example.com\"]"));
    assert!(host.contains("without scheme"), "{host}");
    assert!(refused(&format!("{good}\nmin_score = 1.5")).contains("0 to 1"));
    assert!(refused(&format!("{good}\ntimeout_secs = 11")).contains("captcha.timeout_secs"));
    assert!(refused("provider = \"other\"").contains("captcha.provider"));
}

#[test]
fn a_list_of_breached_passwords_is_checked_before_anything_starts() {
    let with = |toml: &str| format!("[breach]\n{toml}\n");
    let refused = |toml: &str| refusal(&with(toml));
    assert!(config("").unwrap().breaches.is_none());
    assert!(
        config(&with("source = \"service\""))
            .unwrap()
            .breaches
            .is_some()
    );
    assert!(refused("source = \"folder\"").contains("breach.folder"));
    let nowhere = "source = \"folder\"\nfolder = \"/nowhere/at/all\"";
    assert!(refused(nowhere).contains("is no folder"));
    assert!(refused("folder = \"/tmp\"").contains("breach.source"));
    assert!(refused("url = \"https://mirror.example.com/\"").contains("breach.source"));
    let plain = refused("source = \"service\"\nurl = \"http://mirror.example.com/hunter2\"");
    assert!(
        plain.contains("clear text") && !plain.contains("hunter2"),
        "{plain}"
    );
    assert!(refused("timeout_secs = 0").contains("breach.timeout_secs"));
}
