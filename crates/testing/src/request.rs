//! A request with nothing in it, for tests that present a credential by itself.

use std::any::{Any, TypeId};
use std::net::IpAddr;

use portcullis_core::backend::RequestView;

/// A request with nothing in it but the credential: `GET /`, without headers, from nowhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRequest;

impl RequestView for NoRequest {
    fn method(&self) -> &str {
        "GET"
    }

    fn path(&self) -> &str {
        "/"
    }

    fn query(&self) -> Option<&str> {
        None
    }

    fn header_values(&self, _name: &str) -> Vec<&[u8]> {
        Vec::new()
    }

    fn client_ip(&self) -> Option<IpAddr> {
        None
    }

    fn peer_ip(&self) -> Option<IpAddr> {
        None
    }

    fn extension(&self, _of: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        None
    }
}
