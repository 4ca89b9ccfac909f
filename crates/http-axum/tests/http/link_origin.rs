//! Where the links in mails lead: to the configured public URL, whatever a request says of hosts.

use std::collections::BTreeSet;

use axum::http::HeaderName;
use portcullis_http_axum::{Pages, ROUTES};
use portcullis_testing::CapturedMail;

use crate::app::{App, ORIGIN};
use crate::samples::Sample;

/// Headers that say which host was asked, each with what it says; and all of it together.
fn lies() -> Vec<Vec<(&'static str, &'static str)>> {
    let one_by_one = [
        vec![("host", "evil.example")],
        vec![("host", "auth.example.com"), ("host", "evil.example")],
        vec![("host", "evil.example"), ("host", "auth.example.com")],
        vec![("host", "auth.example.com@evil.example")],
        vec![("host", "auth.example.com:8443")],
        vec![("x-forwarded-host", "evil.example")],
        vec![("x-forwarded-host", "evil.example, auth.example.com")],
        vec![("x-forwarded-proto", "http"), ("x-forwarded-port", "8080")],
        vec![
            ("x-forwarded-prefix", "/evil"),
            ("x-forwarded-path", "/evil"),
        ],
        vec![
            ("x-forwarded-server", "evil.example"),
            ("x-host", "evil.example"),
        ],
        vec![
            ("x-original-host", "evil.example"),
            ("x-original-url", "/evil"),
        ],
        vec![("forwarded", "for=198.51.100.1;host=evil.example;proto=http")],
        vec![
            ("forwarded", "host=\"evil.example\""),
            ("forwarded", "proto=http"),
        ],
        vec![
            ("referer", "https://evil.example/"),
            ("x-forwarded-for", "198.51.100.1"),
        ],
        vec![
            ("via", "1.1 evil.example"),
            ("x-rewrite-url", "https://evil.example/"),
        ],
    ];
    let together = one_by_one.iter().flatten().copied().collect();
    let mut lies = one_by_one.to_vec();
    lies.push(together);
    lies
}

/// The mails that the request leads to.
async fn mails(sample: Sample, lies: &[(&'static str, &str)], proxy: bool) -> Vec<CapturedMail> {
    let app: App = sample
        .app_with(|builder| match proxy {
            // Every request comes from there.
            true => builder.trusted_proxies(vec!["10.0.0.0/8".parse().unwrap()]),
            false => builder,
        })
        .await;
    let mut asked = sample.prepare(&app).await;
    app.portcullis.run_due().await.unwrap();
    let before = app.mailbox.all().len();
    app.advance(1);
    for (name, value) in lies {
        let name = HeaderName::from_static(name);
        asked.client.headers.append(name, value.parse().unwrap());
    }
    if !lies.is_empty() {
        asked.path = format!("http://evil.example{}", asked.path);
    }
    let answer = asked.send().await;
    assert_eq!(answer.status, sample.status(), "{sample:?} {lies:?}");
    let (text, headers) = (answer.text(), format!("{:?}", answer.headers));
    let told = text.contains("evil.example") || headers.contains("evil.example");
    assert!(!told, "{sample:?} {lies:?}: {answer:?}");
    app.portcullis.run_due().await.unwrap();
    let mut sent = app.mailbox.all().split_off(before);
    // Those of one moment come in no order.
    sent.sort_by(|a, b| (&a.to, &a.subject).cmp(&(&b.to, &b.subject)));
    sent
}

/// Where the links of a mail lead, without their queries.
fn links(mail: &CapturedMail) -> Vec<String> {
    let mut links = Vec::new();
    for text in [Some(&mail.text), mail.html.as_ref()].into_iter().flatten() {
        for (at, _) in text.match_indices("://") {
            let start = text[..at].rfind(|c: char| !c.is_ascii_alphanumeric());
            let start = start.map_or(0, |before| before + 1);
            let rest = &text[start..];
            let end = rest.find(|c: char| c.is_whitespace() || "\"'<>".contains(c));
            let link = &rest[..end.unwrap_or(rest.len())];
            links.push(link.split('?').next().unwrap().to_owned());
        }
    }
    links
}

// OT-09
#[tokio::test]
async fn no_header_changes_where_the_link_of_any_mail_leads_with_and_without_a_proxy() {
    let (mut led, mut mailing) = (BTreeSet::new(), Vec::new());
    for sample in Sample::done() {
        let mails = mails(sample, &[], false).await;
        for mail in &mails {
            led.extend(links(mail));
        }
        if !mails.is_empty() {
            mailing.push(sample);
        }
    }
    // Every page that a link leads to is led to by a mail here.
    for route in ROUTES.iter().filter(|route| route.pages == Pages::Only) {
        let page = format!("{ORIGIN}/auth{}", route.path);
        assert!(led.contains(&page), "no mail here leads to {page}: {led:?}");
    }
    for sample in mailing {
        let expected: Vec<_> = mails(sample, &[], false).await.iter().map(links).collect();
        for lies in lies() {
            for proxy in [false, true] {
                let sent = mails(sample, &lies, proxy).await;
                let what = format!("{sample:?} {lies:?}, proxy: {proxy}");
                let links: Vec<_> = sent.iter().map(links).collect();
                assert_eq!(links, expected, "{what}");
                for mail in sent {
                    let mail = format!("{mail:?}");
                    assert!(
                        !mail.contains("evil") && !mail.contains("8443"),
                        "{what}: {mail}"
                    );
                }
            }
        }
    }
}
