//! Where a request comes from, and what flows are told of it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;
use portcullis_backends::Portcullis;
use portcullis_core::backend::RequestContext;
use portcullis_core::net::{ClientInfo, canonical_ip};

use crate::problem::Problem;
use crate::request_id::RequestId;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The most proxies in a row that are walked through.
const HOPS_MAX: usize = 16;

/// The client's address: the peer, unless the peer is a configured proxy; then `X-Forwarded-For` is walked from the
/// right for as long as the hop that wrote an entry is configured too. Every other forwarding header is ignored.
pub(crate) fn address(
    peer: Option<IpAddr>,
    headers: &HeaderMap,
    trusted: &[IpNet],
) -> Option<IpAddr> {
    let mut hop = canonical_ip(peer?);
    let is_trusted = |ip: IpAddr| trusted.iter().any(|net| net.contains(&ip));
    if !is_trusted(hop) {
        return Some(hop);
    }
    let lines: Vec<_> = headers.get_all(FORWARDED_FOR).iter().collect();
    let entries = lines
        .iter()
        .rev()
        .flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    for entry in entries.take(HOPS_MAX) {
        // What a trusted hop wrote and nobody can read says nothing: that hop is the last thing known.
        let Some(ip) = ip_of(entry.trim_ascii()) else {
            break;
        };
        hop = ip;
        if !is_trusted(hop) {
            break;
        }
    }
    Some(hop)
}

/// An address, or an address with a port as some proxies write it.
fn ip_of(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?;
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let ip = bare.unwrap_or(text).parse().ok().or_else(|| {
        text.parse::<SocketAddr>()
            .ok()
            .map(|with_port| with_port.ip())
    })?;
    Some(canonical_ip(ip))
}

/// The context that flows and backends run in.
pub(crate) fn context(
    parts: &mut Parts,
    portcullis: &Portcullis,
) -> Result<(Arc<RequestContext>, RequestId), Problem> {
    let id = RequestId::of(&mut parts.extensions, portcullis.entropy())?;
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map(|ConnectInfo(address)| address.ip());
    let ip = address(
        peer,
        &parts.headers,
        portcullis.settings().trusted_proxies(),
    );
    let agent = parts.headers.get(header::USER_AGENT);
    let agent = agent.and_then(|value| value.to_str().ok());
    let context = RequestContext {
        tenant: portcullis.default_tenant(),
        client: ClientInfo::new(ip, agent, Some(id.as_str())),
    };
    Ok((Arc::new(context), id))
}

#[cfg(test)]
mod tests {
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
}
