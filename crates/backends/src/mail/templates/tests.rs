use std::collections::BTreeSet;
use std::fs;

use portcullis_core::id::TenantId;
use portcullis_core::language::{LanguageTag, Languages};
use portcullis_core::mail::MailTemplate;

use super::super::params::{MailParams, SAMPLE_URL};
use super::super::render::values;
use super::check::{HOSTILE, is_subject};
use super::{Compiled, Filled, MailPart, Templates, builtin};

fn tag(text: &str) -> LanguageTag {
    LanguageTag::parse(text).unwrap()
}

fn tenant(number: u64) -> TenantId {
    TenantId::from_integer(number)
}

fn verify(link: &str) -> MailParams {
    MailParams::VerifyEmail {
        link: link.to_owned(),
        hours: 24,
    }
}

fn fill(compiled: &Compiled, of: TenantId, header: &str, params: &MailParams) -> Filled {
    let values = values(params, HOSTILE, SAMPLE_URL).unwrap();
    let languages = Languages::of_header(header);
    compiled
        .fill(of, &languages, params.template(), &values)
        .unwrap()
}

/// What `with` says about one source in place of ours.
fn refusal(part: MailPart, source: &str) -> String {
    Templates::default()
        .with(None, tag("en"), MailTemplate::VerifyEmail, part, source)
        .check()
        .unwrap_err()
        .to_string()
}

fn unescaped(html: &str) -> String {
    html.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

/// Every address in a text, as far as it goes.
fn addresses(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (start, _) in text.match_indices("http") {
        let rest = text.get(start..).unwrap();
        let end = rest.find(|c: char| c.is_whitespace() || "\"<>".contains(c));
        let address = rest.get(..end.unwrap_or(rest.len())).unwrap();
        found.insert(address.trim_end_matches('.').to_owned());
    }
    found
}

#[test]
fn every_template_has_a_sample_and_is_there_in_every_language() {
    let sampled: Vec<_> = MailParams::samples()
        .iter()
        .map(MailParams::template)
        .collect();
    for template in MailTemplate::ALL {
        assert!(sampled.contains(&template), "{template:?} has no sample");
        for language in builtin::languages() {
            for part in MailPart::ALL {
                let there = builtin::sources().any(|(name, _)| {
                    (name.language.as_str(), name.template, name.part) == (language, template, part)
                });
                assert!(there, "{language} {template:?} {part:?}");
            }
        }
    }
    assert!(builtin::languages().len() >= 2);
}

// OT-09, LG-03
#[test]
fn every_template_renders_in_every_language_with_its_link_and_nothing_unescaped() {
    let compiled = Templates::default().compiled().unwrap();
    for params in MailParams::samples() {
        for language in builtin::languages() {
            let filled = fill(&compiled, tenant(1), language, &params);
            let which = format!("{language} {:?}", params.template());
            assert!(is_subject(&filled.subject), "{which}: {}", filled.subject);
            let html = filled.html.expect(&which);
            assert!(
                html.contains(&format!("<html lang=\"{language}\">")),
                "{which}"
            );
            assert!(!html.contains(HOSTILE), "{which}: {html}");
            let mut given = BTreeSet::from([SAMPLE_URL.to_owned()]);
            if let Some(link) = params.values().unwrap().get("link") {
                let link = link.as_str().unwrap().to_owned();
                assert!(filled.text.lines().any(|line| line == link), "{which}");
                assert!(unescaped(&html).contains(&format!("<a href=\"{link}\">{link}</a>")));
                given.insert(link);
            }
            assert_eq!(
                addresses(&filled.text),
                addresses(&unescaped(&html)),
                "{which}"
            );
            assert!(addresses(&filled.text).is_subset(&given), "{which}");
        }
    }
}

// LG-03
#[test]
fn no_value_adds_a_line_a_header_or_markup() {
    let evil = "x\r\nBcc: eve@example.com\r\n\r\n<script>\u{202e}\u{2028}\0";
    let compiled = Templates::default().compiled().unwrap();
    for params in MailParams::samples() {
        let plain = fill(&compiled, tenant(1), "en", &params);
        let values = values(&params, evil, SAMPLE_URL).unwrap();
        let languages = Languages::default();
        let filled = compiled
            .fill(tenant(1), &languages, params.template(), &values)
            .unwrap();
        assert_eq!(filled.subject.lines().count(), 1, "{:?}", filled.subject);
        assert_eq!(filled.text.lines().count(), plain.text.lines().count());
        assert!(!filled.html.unwrap().contains("<script>"));
    }
}

#[test]
fn the_language_is_the_readers_or_the_tenants_or_the_default() {
    let compiled = Templates::default()
        .default_language_of(tenant(2), tag("de-AT"))
        .compiled()
        .unwrap();
    let link = format!("{SAMPLE_URL}/x");
    let subject = |of, header: &str| fill(&compiled, tenant(of), header, &verify(&link)).subject;
    for (of, header, german) in [
        (1, "", false),
        (1, "de-CH, en;q=0.5", true),
        (1, "fr, de;q=0.2, en;q=0.1", true),
        (1, "fr, xx", false),
        (2, "", true),
        (2, "fr", true),
        (2, "en-GB", false),
    ] {
        let subject = subject(of, header);
        assert_eq!(
            subject.starts_with("Best"),
            german,
            "{of} {header}: {subject}"
        );
    }
    let all_german = Templates::default().default_language(tag("de"));
    let all_german = all_german.compiled().unwrap();
    let filled = fill(&all_german, tenant(1), "", &verify(&link));
    assert!(filled.subject.starts_with("Best"));
}

#[test]
fn a_folder_replaces_parts_for_everybody_and_for_one_tenant() {
    let folder = tempfile::tempdir().unwrap();
    let put = |path: String, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    put(
        "en/verify_email.subject".into(),
        "Everybody's {{ app_name }}",
    );
    put("fr/verify_email.subject".into(), "Bonjour");
    put("fr/verify_email.txt".into(), "{{ link }}");
    let own = format!("tenants/{}/en", tenant(2));
    put(format!("{own}/verify_email.subject"), "Their own");
    put(
        format!("{own}/verify_email.html"),
        "{% if hours > 1 %}<b>{{ link }}</b>{% endif %}",
    );
    put(".keep".into(), "");
    let compiled = Templates::default()
        .with_folder(folder.path())
        .unwrap()
        .compiled()
        .unwrap();
    let link = format!("{SAMPLE_URL}/x?a&b");
    let filled = |of, header: &str| fill(&compiled, tenant(of), header, &verify(&link));
    assert_eq!(filled(1, "en").subject, format!("Everybody's {HOSTILE}"));
    assert_eq!(filled(2, "en").subject, "Their own");
    let html = filled(2, "en").html.unwrap();
    assert_eq!(html, format!("<b>{SAMPLE_URL}/x?a&amp;b</b>"));
    assert!(filled(2, "en").text.starts_with("Somebody"));
    assert_eq!(filled(1, "fr-CA").subject, "Bonjour");
    assert_eq!(
        filled(1, "fr-CA").html,
        None,
        "French has no HTML, nor is it mixed with ours"
    );
    let registered = MailParams::AlreadyRegistered {};
    let other = fill(&compiled, tenant(1), "fr", &registered);
    assert!(other.subject.starts_with("You"), "French lacks this mail");
}

#[test]
fn a_template_that_would_not_work_is_refused_with_a_sentence() {
    let subject = |source| refusal(MailPart::Subject, source);
    let html = |source| refusal(MailPart::Html, source);
    assert_eq!(
        subject("{{ app_nam }}"),
        "the mail template en/verify_email.subject: knows no value `app_nam`: it has app_name, hours, link, public_url"
    );
    assert!(
        refusal(MailPart::Text, "{% if hours > 99 %}{{ bogus }}{% endif %}").contains("`bogus`")
    );
    assert!(subject("{{ app_name").contains("cannot be used"));
    for source in ["", "a\nb", "\u{7}"] {
        assert!(subject(source).contains("one line"), "{source:?}");
    }
    assert!(refusal(MailPart::Text, "hello").contains("does not show the link"));
    assert!(html("<p>{{ app_name }}</p>").contains("does not show the link"));
    for source in [
        "{{ app_name|safe }} {{ link }}",
        "{% include 'x' %}",
        "{% extends 'x' %}",
        "{{ range(9) }}",
    ] {
        assert!(
            html(source).contains("cannot be used") || html(source).contains("knows no"),
            "{source}"
        );
    }
    let alone = Templates::default().with(
        None,
        tag("fr"),
        MailTemplate::VerifyEmail,
        MailPart::Subject,
        "Bonjour",
    );
    let said = alone.check().unwrap_err().to_string();
    assert!(
        said.contains("fr/verify_email.subject: is there without its text"),
        "{said}"
    );
}

#[test]
fn escaping_cannot_be_switched_off() {
    let source = "{% autoescape false %}{{ app_name }}{% endautoescape %} {{ link }}";
    let templates = Templates::default().with(
        None,
        tag("en"),
        MailTemplate::VerifyEmail,
        MailPart::Html,
        source,
    );
    let compiled = templates.compiled().unwrap();
    let html = fill(&compiled, tenant(1), "en", &verify("https://x.example"))
        .html
        .unwrap();
    assert!(!html.contains(HOSTILE), "{html}");
}

#[test]
fn a_file_that_is_no_part_of_a_mail_is_refused() {
    for path in [
        "en/verify_emial.txt",
        "en/verify_email.md",
        "e n/verify_email.txt",
        "tenants/acme/en/verify_email.txt",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "x").unwrap();
        let refused = Templates::default().with_folder(folder.path()).unwrap_err();
        let said = refused.to_string();
        assert!(said.contains("is no part of a mail"), "{path}: {said}");
    }
    let missing = Templates::default()
        .with_folder("no such folder")
        .unwrap_err();
    assert!(missing.to_string().contains("cannot be read"));
}
