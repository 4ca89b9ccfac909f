//! Where a request comes from, and what flows are told of it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;
use portcullis_backends::Portcullis;
use portcullis_core::backend::RequestContext;
use portcullis_core::net::{ClientInfo, DeviceMark, canonical_ip};

use crate::cookie::{self, Found};
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

/// The address of the peer itself, whatever any header says.
pub(crate) fn peer(parts: &Parts) -> Option<IpAddr> {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    peer.map(|ConnectInfo(address)| canonical_ip(address.ip()))
}

/// The context that flows and backends run in.
pub(crate) fn context(
    parts: &mut Parts,
    portcullis: &Portcullis,
) -> Result<(Arc<RequestContext>, RequestId), Problem> {
    let id = RequestId::of(&mut parts.extensions, portcullis.entropy())?;
    let ip = address(
        peer(parts),
        &parts.headers,
        portcullis.settings().trusted_proxies(),
    );
    let agent = parts.headers.get(header::USER_AGENT);
    let agent = agent.and_then(|value| value.to_str().ok());
    let languages = parts.headers.get(header::ACCEPT_LANGUAGE);
    let languages = languages.and_then(|value| value.to_str().ok());
    let device = match cookie::find(&parts.headers, portcullis.settings().device_cookie()) {
        Found::One(mark) => DeviceMark::new(mark),
        Found::None | Found::Several | Found::TooLarge => DeviceMark::default(),
    };
    let client = ClientInfo::new(ip, agent, Some(id.as_str()))
        .accepting(languages)
        .showing(device);
    let context = RequestContext {
        tenant: portcullis.default_tenant(),
        client,
    };
    Ok((Arc::new(context), id))
}

#[cfg(test)]
mod tests;
