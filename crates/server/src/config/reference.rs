//! The reference of every setting, generated: `portcullis config reference`.

use std::fmt::Write as _;

use portcullis_core::policy::TenantPolicy;

use super::settings::{AccessTokens, Breach, Captcha, Hash, Mail, Settings};
use super::source::{FILE, NESTING, PREFIX};

/// A setting: name, default, what it is for.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) default: String,
    what: &'static str,
}

/// The reference as a Markdown section.
pub(crate) fn reference() -> String {
    let mut text = format!(
        "Settings are read from `{FILE}` in the working directory, or from the file that `--config` names, and over it\n\
         from the environment: `{PREFIX}` and the name in capitals, with `{NESTING}` between a table and its setting.\n\
         An unknown setting or variable of that prefix is an error. Lists in variables look like `[\"10.0.0.0/8\"]`.\n\n\
         | setting | default | environment | what |\n|---|---|---|---|\n"
    );
    for row in rows() {
        let Row {
            name,
            default,
            what,
        } = &row;
        let variable = variable(name);
        let _ = writeln!(text, "| `{name}` | {default} | `{variable}` | {what} |");
    }
    text
}

fn variable(name: &str) -> String {
    format!("{PREFIX}{}", name.to_uppercase().replace('.', NESTING))
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = general();
    rows.extend(mail_and_hash());
    rows.extend(captcha());
    rows.extend(breach());
    rows.extend(access_tokens());
    rows.extend(policy());
    rows
}

fn row(name: &'static str, default: impl Into<String>, what: &'static str) -> Row {
    Row {
        name,
        default: default.into(),
        what,
    }
}

fn code(value: impl std::fmt::Display) -> String {
    format!("`{value}`")
}

#[rustfmt::skip]
fn general() -> Vec<Row> {
    let settings = Settings::default();
    vec![
        row("listen", code(settings.listen), "address and port to listen on; other than loopback only with an `https` `public_url`"),
        row("public_url", "`http://` and `listen`", "where people reach the service: links in mail begin with it, and it decides whether cookies are `Secure`; plain HTTP only on loopback"),
        row("data_dir", code(settings.data_dir.display()), "folder of database, keys and mail; made with mode 0700 where it is missing"),
        row("database", "`portcullis.db` in `data_dir`", "where people are kept: `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/DATABASE`; its password is never printed or logged"),
        row("ephemeral", "with the people", "where sessions, tickets and limits are kept: `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`, a Redis that evicts nothing; what it loses signs people out"),
        row("keys", "`keys.json` in `data_dir`", "the key file; back it up apart from the database, which is of no use without it"),
        row("app_name", code(&settings.app_name), "the name that mail gives the service"),
        row("trusted_proxies", "none", "networks whose `X-Forwarded-For` is believed; at least /8 (IPv4) or /7 (IPv6)"),
        row("log", code(&settings.log), "log filter by target, such as `info,portcullis_backends=debug`; `RUST_LOG` wins"),
        row("log_format", code("text"), "`text`, or `json`: one object a line; logs go to standard error"),
        row("max_connections", code(settings.max_connections), "connections at once, 1 to 65536; more wait"),
        row("shutdown_grace_secs", code(settings.shutdown_grace_secs), "how long requests in flight may take after Ctrl-C or SIGTERM, 0 to 300"),
        row("metrics.listen", "none", "address and port to answer `GET /metrics` on, for Prometheus; a listener of its own, without sign-in: whoever reaches it reads it"),
    ]
}

#[rustfmt::skip]
fn mail_and_hash() -> Vec<Row> {
    let hash = Hash::default();
    let mail = Mail::default();
    let smtp = &mail.smtp;
    vec![
        row("mail.kind", code("folder"), "`folder` (or `file`): a file a mail; `smtp`: to a relay; `webhook`: to a web address, as signed JSON; `log`: the log says that there was one, and nothing is delivered; `none`: not even that"),
        row("mail.folder", "`outbox` in `data_dir`", "where `.eml` files go; they hold usable links"),
        row("mail.from", code(Mail::default().from), "the sender of mail; of a webhook's, its receiver knows"),
        row("mail.templates", "none", "folder of mail templates in place of ours: `<language>/<mail>.subject`, `.txt` and `.html`, for one tenant under `tenants/<id>/`; checked at the start"),
        row("mail.language", code(Mail::default().language), "the language of mail to people who ask for none that there is; `en` and `de` come with the program"),
        row("mail.keep_dead_days", code(mail.keep_dead_days), "how long after it was queued a mail is kept that could not be delivered, 1 to 365"),
        row("mail.smtp.host", "none", "the relay, for `mail.kind` `smtp`"),
        row("mail.smtp.port", "465, 587 or 25, by `mail.smtp.tls`", "its port"),
        row("mail.smtp.tls", code("wrapper"), "`wrapper`: TLS from the first byte; `starttls`: TLS or nothing after `STARTTLS`; `none`: to this machine only"),
        row("mail.smtp.ca", "none", "file of certificates (PEM) to trust beside the web's authorities"),
        row("mail.smtp.user", "none", "who signs in at the relay"),
        row("mail.smtp.password", "none", "their password; better from the environment or a file"),
        row("mail.smtp.password_file", "none", "the same, in a file"),
        row("mail.smtp.timeout_secs", code(smtp.timeout_secs), "how long one delivery may take, 1 to 50"),
        row("mail.smtp.pool", code(smtp.pool), "connections kept, 1 to 64"),
        row("mail.webhook.url", "none", "where mail is posted to, for `mail.kind` `webhook`: `https`, or `http` on this machine; never printed or logged"),
        row("mail.webhook.secret", "none", "`whsec_` and 32 to 64 random bytes in base64, which mail is signed with; up to 4 with a space between while one is replaced; better from the environment or a file"),
        row("mail.webhook.secret_file", "none", "the same, in a file"),
        row("mail.webhook.ca", "none", "file of certificates (PEM) to trust beside the web's authorities"),
        row("mail.webhook.timeout_secs", code(mail.webhook.timeout_secs), "how long one delivery may take, 1 to 50"),
        row("hash.memory_kib", code(hash.memory_kib), "argon2id memory; with `hash.iterations` at least 47104/1, 19456/2, 12288/3, 9216/4 or 7168/5"),
        row("hash.iterations", code(hash.iterations), "argon2id passes"),
        row("hash.parallelism", code(hash.parallelism), "argon2id lanes"),
        row("hash.threads", "one fewer than cores, at least 1", "hashes at once, 1 to 1024; each takes the memory above"),
        row("hash.queue", "64 a thread", "hashes that may wait, 1 to 65536; more are answered 503"),
    ]
}

#[rustfmt::skip]
fn captcha() -> Vec<Row> {
    let Captcha { at_sign_in, min_score, timeout_secs, .. } = Captcha::default();
    vec![
        row("captcha.provider", code("none"), "whose widget stands in the page: `turnstile`, `hcaptcha` or `recaptcha`; sign-up and whatever sends a mail then needs `captcha`, what the widget made"),
        row("captcha.secret", "none", "the secret that belongs to the page's site key; better from the environment or a file"),
        row("captcha.secret_file", "none", "the same, in a file"),
        row("captcha.at_sign_in", code(at_sign_in), "whether `sign-in` and `token` need it too"),
        row("captcha.hosts", "none", "hosts of the pages, at most 64: what was made on another is no good; without them the provider's list for the site key holds"),
        row("captcha.min_score", code(format!("{min_score:?}")), "the least score of reCAPTCHA v3 that is a person's, 0.0 to 1.0"),
        row("captcha.url", "the provider's", "another address that takes the same question: `https`, or `http` on this machine; never printed or logged"),
        row("captcha.ca", "none", "file of certificates (PEM) to trust beside the web's authorities"),
        row("captcha.in_outage", code("refuse"), "while the provider does not answer: `refuse`: 503; `pass`: go on without it"),
        row("captcha.timeout_secs", code(timeout_secs), "how long an answer is waited for, 1 to 10"),
    ]
}

#[rustfmt::skip]
fn breach() -> Vec<Row> {
    let Breach { timeout_secs, .. } = Breach::default();
    vec![
        row("breach.source", code("none"), "where new passwords are looked up that are known from breaches: `folder`, or `service`: Pwned Passwords, which sees five characters of a digest; common passwords are refused without it"),
        row("breach.folder", "none", "folder of ranges, a file a prefix (`5BAA6.txt`), as the downloader of Pwned Passwords makes it"),
        row("breach.url", "Pwned Passwords", "a mirror of the service, ending in `/`: `https`, or `http` on this machine; never printed or logged"),
        row("breach.ca", "none", "file of certificates (PEM) to trust beside the web's authorities"),
        row("breach.timeout_secs", code(timeout_secs), "how long an answer is waited for, 1 to 10; what holds without one is `policy.password_breach_check_required`"),
    ]
}

#[rustfmt::skip]
fn access_tokens() -> Vec<Row> {
    let AccessTokens { enabled, keys: _, algorithm } = AccessTokens::default();
    vec![
        row("access_tokens.enabled", code(enabled), "whether there are access and refresh tokens: `POST token` and `refresh`, `GET jwks.json`"),
        row("access_tokens.keys", "`jwt-keys.json` in `data_dir`", "the key file of access tokens; made where it is missing"),
        row("access_tokens.algorithm", code(algorithm), "what new keys sign with, those of `keys rotate` too: `EdDSA`, `ES256`, `RS256`, `PS256` or `HS256`; keys that are there keep theirs"),
    ]
}

#[rustfmt::skip]
fn policy() -> Vec<Row> {
    let TenantPolicy { lockout, password, session, api_token, token, link, sign_in, sign_up, account, ip: _ } = TenantPolicy::default();
    let secs = |duration: std::time::Duration| code(duration.as_secs());
    vec![
        row("policy.lockout_free_attempts", code(lockout.free_attempts), "failures in a row before the first delay, 1 to 100"),
        row("policy.lockout_base_delay_secs", secs(lockout.base_delay), "the first delay, 1 to 3600; it doubles with every further failure"),
        row("policy.lockout_max_delay_secs", secs(lockout.max_delay), "the longest delay, 1 to 86400"),
        row("policy.password_min_length", code(password.min_length), "least length of a password in characters, 15 to 128"),
        row("policy.password_history", code(password.history), "how many of the latest passwords may not be set again, the one that holds now among them, 0 to 24; each costs a hash when a new one is set"),
        row("policy.password_breach_check_required", code(password.breach_check_required), "whether a new password is taken only where `breach.source` has said that it is in no breach; otherwise an outage of it keeps nobody from a new password"),
        row("policy.password_change_cooldown_secs", secs(password.change_cooldown), "how long a password holds before its owner may change it, 0 to 86400; a link from the mail sets a new one all the same"),
        row("policy.session_idle_secs", secs(session.idle), "a session unused for this long is over; 60 s to 400 days"),
        row("policy.session_absolute_secs", secs(session.absolute), "a session is over after this long; 60 s to 400 days"),
        row("policy.session_max_per_user", code(session.max_per_user), "live sessions a person, 1 to 1000"),
        row("policy.session_fresh_within_secs", secs(session.fresh_within), "how recent the sign-in behind a sensitive change must be, 10 to 3600"),
        row("policy.api_token_max_per_user", code(api_token.max_per_user), "live API tokens a person, 0 to 1000"),
        row("policy.api_token_max_lifetime_secs", secs(api_token.max_lifetime), "the longest life of an API token; 60 s to 10 years"),
        row("policy.api_token_expiry_required", code(api_token.expiry_required), "whether an API token must name its end"),
        row("policy.token_access_secs", secs(token.access), "life of an access token, 60 to 86400"),
        row("policy.token_refresh_idle_secs", secs(token.refresh_idle), "a refresh token unused for this long is over; 60 s to 400 days"),
        row("policy.token_refresh_absolute_secs", secs(token.refresh_absolute), "a refresh family is over after this long; 60 s to 400 days"),
        row("policy.token_refresh_grace_secs", secs(token.refresh_grace), "a spent refresh token that comes again within this time gets its successor again, 0 to 60"),
        row("policy.token_refresh_max_per_user", code(token.refresh_max_per_user), "live refresh families a person, 1 to 1000"),
        row("policy.link_email_verification_secs", secs(link.email_verification), "life of a verification link, 60 to 604800"),
        row("policy.link_password_reset_secs", secs(link.password_reset), "life of a link that sets a new password, 60 to 3600"),
        row("policy.link_magic_link_secs", secs(link.magic_link), "life of a magic link, 60 to 900"),
        row("policy.link_email_change_secs", secs(link.email_change), "life of a link that changes the address, 60 to 86400"),
        row("policy.account_erase_after_secs", secs(account.erase_after), "what is kept about a person is erased this long after their account was closed; at most 365 days"),
        row("policy.account_unproved_secs", secs(account.unproved), "a sign-up that nobody proves for this long is removed; at least `policy.link_email_verification_secs`, at most 365 days"),
        row("policy.magic_link", code(sign_in.magic_link), "whether a link in a mail signs in"),
        row("policy.magic_link_sign_up", code(sign_in.magic_link_sign_up), "whether a magic link makes the account where the address has none"),
        row("policy.email_code", code(sign_in.email_code), "whether a code in a mail signs in"),
        row("policy.email_code_life_secs", secs(sign_in.email_code_life), "life of that code, 60 to 600"),
        row("policy.sign_up", code(sign_up.mode), "who may sign up by themselves: `open` to everybody, `domains`, `invite_only` (there are no invitations yet, so nobody) or `closed`; the operator's `user create` and `user import` always work"),
        row("policy.sign_up_domains", "none", "for `domains`: the domains of addresses that may sign up, and be changed to, such as `[\"example.com\", \"*.example.com\"]`; at most 256"),
        row("policy.ip_allow", "everywhere", "networks that people may come from, and all others not, such as `[\"192.0.2.0/24\", \"2001:db8::/32\"]`; at most 256. The command line is not asked"),
        row("policy.ip_deny", "none", "networks that people may not come from, also where `policy.ip_allow` has them; at most 256"),
    ]
}
