//! The request as backends of the application's own see it.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::OriginalUri;
use axum::http::Uri;
use axum::http::request::Parts;
use portcullis_core::backend::RequestView;

use crate::client;

/// Values that layers of the application leave for its backends, by type.
///
/// Put one on the request's extensions; a backend finds each value through
/// [`RequestView::extension`](portcullis_core::backend::RequestView::extension).
#[derive(Clone, Default)]
pub struct ForBackends(HashMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl ForBackends {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value, in place of one of the same type.
    #[must_use]
    pub fn with<T: Any + Send + Sync>(mut self, value: T) -> Self {
        self.0.insert(TypeId::of::<T>(), Arc::new(value));
        self
    }
}

impl fmt::Debug for ForBackends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ForBackends({} values)", self.0.len())
    }
}

pub(crate) struct View<'a> {
    pub(crate) parts: &'a Parts,
    pub(crate) client_ip: Option<IpAddr>,
}

impl View<'_> {
    /// As received, also inside a nested router.
    fn uri(&self) -> &Uri {
        let original = self.parts.extensions.get::<OriginalUri>();
        original.map_or(&self.parts.uri, |OriginalUri(uri)| uri)
    }
}

impl RequestView for View<'_> {
    fn method(&self) -> &str {
        self.parts.method.as_str()
    }

    fn path(&self) -> &str {
        self.uri().path()
    }

    fn query(&self) -> Option<&str> {
        self.uri().query()
    }

    fn header_values(&self, name: &str) -> Vec<&[u8]> {
        let values = self.parts.headers.get_all(name).iter();
        values.map(|value| value.as_bytes()).collect()
    }

    fn client_ip(&self) -> Option<IpAddr> {
        self.client_ip
    }

    fn peer_ip(&self) -> Option<IpAddr> {
        client::peer(self.parts)
    }

    fn extension(&self, of: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        let left = self.parts.extensions.get::<ForBackends>()?;
        left.0.get(&of).map(|value| &**value)
    }
}
