use axum::http::HeaderValue;

use super::*;

fn walk(peer: &str, trusted: &[&str], lines: &[(&'static str, &str)]) -> String {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, HeaderValue::from_str(value).unwrap());
    }
    let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
    let ip = address(Some(peer.parse().unwrap()), &headers, &trusted);
    ip.unwrap().to_string()
}

// TH-06
#[test]
fn no_header_is_believed_where_no_proxy_is_configured() {
    for name in [
        "x-forwarded-for",
        "x-real-ip",
        "forwarded",
        "cf-connecting-ip",
        "true-client-ip",
    ] {
        let lines = [(name, "198.51.100.1")];
        assert_eq!(walk("192.0.2.1", &[], &lines), "192.0.2.1", "{name}");
        // Even a trusted proxy is believed in one header only.
        let expected = match name {
            "x-forwarded-for" => "198.51.100.1",
            _ => "192.0.2.1",
        };
        assert_eq!(
            walk("192.0.2.1", &["192.0.2.0/24"], &lines),
            expected,
            "{name}"
        );
    }
}

// TH-06
#[test]
fn the_walk_goes_from_the_right_and_stops_at_the_first_stranger() {
    let cases: &[(&str, &[&str], &str)] = &[
        ("192.0.2.1", &["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
        (
            "192.0.2.1",
            &["203.0.113.9, 198.51.100.7, 192.0.2.2"],
            "198.51.100.7",
        ),
        (
            "192.0.2.1",
            &["203.0.113.9", "198.51.100.7", "192.0.2.2"],
            "198.51.100.7",
        ),
        ("192.0.2.1", &["192.0.2.3, 192.0.2.2"], "192.0.2.3"),
        (
            "192.0.2.1",
            &["203.0.113.9, nonsense, 192.0.2.2"],
            "192.0.2.2",
        ),
        ("192.0.2.1", &["203.0.113.9,"], "192.0.2.1"),
        ("192.0.2.1", &[], "192.0.2.1"),
        ("198.51.100.1", &["203.0.113.9"], "198.51.100.1"),
        ("::ffff:192.0.2.1", &["203.0.113.9:4711"], "203.0.113.9"),
        ("192.0.2.1", &["[2001:db8::1]:4711"], "2001:db8::1"),
        ("192.0.2.1", &["[2001:db8::1]"], "2001:db8::1"),
        ("192.0.2.1", &["::ffff:203.0.113.9"], "203.0.113.9"),
    ];
    for (peer, lines, expected) in cases {
        let lines: Vec<_> = lines
            .iter()
            .map(|line| ("x-forwarded-for", *line))
            .collect();
        assert_eq!(
            walk(peer, &["192.0.2.0/24"], &lines),
            *expected,
            "{peer} {lines:?}"
        );
    }
}

// TH-06
#[test]
fn an_endless_chain_is_not_walked_to_its_end() {
    let line = vec!["192.0.2.2"; 1000].join(",");
    let lines = [("x-forwarded-for", &*format!("203.0.113.9,{line}"))];
    assert_eq!(walk("192.0.2.1", &["192.0.2.0/24"], &lines), "192.0.2.2");
}
