use axum::http::HeaderValue;

use super::*;

const PUBLIC: &str = "https://auth.example.com";

fn passes(pairs: &[(HeaderName, &'static str)], allowed: &AllowedOrigins) -> bool {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(name, HeaderValue::from_static(value));
    }
    is_same_site(&headers, PUBLIC, allowed)
}

// HT-04
#[test]
fn only_our_own_origin_sends_unsafe_requests() {
    let mut allowed = AllowedOrigins::default();
    allowed.allow("https://app.example.com:8443").unwrap();
    let cases = [
        (Some("https://auth.example.com"), true),
        (Some("https://app.example.com:8443"), true),
        (Some("https://app.example.com"), false),
        (Some("https://sub.auth.example.com"), false),
        (Some("https://auth.example.com.evil.example"), false),
        (Some("https://auth.example.com:444"), false),
        (Some("http://auth.example.com"), false),
        (Some("HTTPS://auth.example.com"), false),
        (Some("https://auth.example.com/"), false),
        (Some("null"), false),
        (Some(""), false),
        (None, true),
    ];
    for (origin, passed) in cases {
        let pairs: Vec<_> = origin
            .map(|text| (header::ORIGIN, text))
            .into_iter()
            .collect();
        assert_eq!(passes(&pairs, &allowed), passed, "{origin:?}");
    }
    let twice = [(header::ORIGIN, PUBLIC), (header::ORIGIN, PUBLIC)];
    assert!(!passes(&twice, &allowed));
}

// HT-04
#[test]
fn without_an_origin_the_browser_says_where_it_comes_from() {
    for (site, passed) in [
        ("same-origin", true),
        ("none", true),
        ("same-site", false),
        ("cross-site", false),
        ("", false),
    ] {
        let pairs = [(SEC_FETCH_SITE, site)];
        assert_eq!(passes(&pairs, &AllowedOrigins::default()), passed, "{site}");
        let null = [(header::ORIGIN, "null"), (SEC_FETCH_SITE, site)];
        let passed = site == "same-origin";
        assert_eq!(
            passes(&null, &AllowedOrigins::default()),
            passed,
            "null {site}"
        );
    }
}

// HT-06
#[test]
fn an_allowed_origin_is_written_in_full() {
    for text in [
        "",
        "null",
        "*",
        "example.com",
        "https://example.com/",
        "https://example.com/path",
        "https://user@example.com",
        "https://example.com:443",
        "HTTPS://example.com",
        "https://*.example.com",
        "file:///",
    ] {
        assert!(AllowedOrigins::default().allow(text).is_err(), "{text}");
    }
}
