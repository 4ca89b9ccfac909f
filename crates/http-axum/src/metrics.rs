//! How often each route of the table was asked, and how it answered. The table decides which numbers there are: no
//! path, no address and nothing else of a request is among the labels.

use std::array;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::StatusCode;
use portcullis_backends::metrics::{Family, Meter};

use crate::route::{HEALTH_ROUTES, ROUTES, RouteSpec};

/// Where a request is counted that no route of the table is for.
const NO_ROUTE: &str = "none";
/// What became of a request; the last is for those that were given up before there was an answer.
const ENDS: [&str; 6] = ["1xx", "2xx", "3xx", "4xx", "5xx", "none"];
const UNANSWERED: usize = ENDS.len() - 1;

/// The numbers of every route. One value an instance, however often its routes are mounted.
pub(crate) struct RouteCounts {
    routes: Vec<RouteCount>,
    elsewhere: RouteCount,
}

/// The numbers of one route.
pub(crate) struct RouteCount {
    spec: Option<&'static RouteSpec>,
    ends: [AtomicU64; ENDS.len()],
    limited: AtomicU64,
}

/// A request that is being answered. It is counted when it is dropped, so that those who hang up are too.
pub(crate) struct Asked<'a> {
    count: &'a RouteCount,
    status: Option<StatusCode>,
}

impl fmt::Debug for RouteCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RouteCounts")
    }
}

impl Default for RouteCounts {
    fn default() -> Self {
        let table = ROUTES.iter().chain(HEALTH_ROUTES);
        Self {
            routes: table.map(|spec| RouteCount::of(Some(spec))).collect(),
            elsewhere: RouteCount::of(None),
        }
    }
}

impl RouteCounts {
    /// Where a route's numbers stand, to be looked up when the router is built.
    pub(crate) fn place_of(&self, spec: &'static RouteSpec) -> usize {
        let same = |count: &RouteCount| count.spec.is_some_and(|known| std::ptr::eq(known, spec));
        let found = self.routes.iter().position(same);
        found.unwrap_or(self.routes.len())
    }

    /// A request to the route at this place.
    pub(crate) fn asked(&self, place: usize) -> Asked<'_> {
        Asked {
            count: self.routes.get(place).unwrap_or(&self.elsewhere),
            status: None,
        }
    }

    /// A request that no route is for.
    pub(crate) const fn asked_elsewhere(&self) -> Asked<'_> {
        Asked {
            count: &self.elsewhere,
            status: None,
        }
    }

    fn all(&self) -> impl Iterator<Item = &RouteCount> {
        self.routes.iter().chain([&self.elsewhere])
    }
}

impl RouteCount {
    fn of(spec: Option<&'static RouteSpec>) -> Self {
        Self {
            spec,
            ends: array::from_fn(|_| AtomicU64::new(0)),
            limited: AtomicU64::new(0),
        }
    }

    fn labels(&self) -> [(&'static str, &'static str); 2] {
        let method = self.spec.map_or(NO_ROUTE, |spec| spec.verb.as_str());
        let route = self.spec.map_or(NO_ROUTE, |spec| spec.path);
        [("method", method), ("route", route)]
    }
}

impl Asked<'_> {
    pub(crate) fn answered(mut self, status: StatusCode) {
        self.status = Some(status);
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        let end = match self.status {
            Some(status) => usize::from(status.as_u16() / 100).saturating_sub(1),
            None => UNANSWERED,
        };
        if let Some(number) = self.count.ends.get(end) {
            number.fetch_add(1, Ordering::Relaxed);
        }
        if self.status == Some(StatusCode::TOO_MANY_REQUESTS) {
            self.count.limited.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Meter for RouteCounts {
    fn families(&self) -> Vec<Family> {
        let mut requests = Family::counter(
            "portcullis_http_requests_total",
            "Requests by route and by the class of their answer; none: given up before there was one.",
        );
        let mut limited = Family::counter(
            "portcullis_http_rate_limited_total",
            "Requests that were told to come back later: over a limit, or after too many failures.",
        );
        for count in self.all() {
            let [method, route] = count.labels();
            for (end, number) in ENDS.iter().zip(&count.ends) {
                let labels = [method, route, ("status", *end)];
                requests = requests.with(&labels, number.load(Ordering::Relaxed));
            }
            limited = limited.with(&[method, route], count.limited.load(Ordering::Relaxed));
        }
        vec![requests, limited]
    }
}
