//! The one implementation of every store trait, a file a family, SQL beside its code.
//!
//! The tenant is in the predicate of every statement that reaches a person's rows; the statements without it are those
//! whose trait method has none, and they go by an id that was never told to anybody else.

mod accounts;
mod any_tenant;
mod api_tokens;
mod attempts;
mod audit;
mod companions;
mod crossing;
mod directory;
mod erasure;
mod factors;
mod history;
mod limits;
mod opening;
mod outbox;
mod refresh;
mod roles;
mod sessions;
mod subject;
mod tenants;
mod tickets;
mod verification;

/// Every store trait over one SQL database; see [`SqliteStore`](crate::SqliteStore).
#[derive(Clone, Debug)]
pub struct SqlStore<D> {
    driver: D,
}

impl<D> SqlStore<D> {
    pub(crate) const fn new(driver: D) -> Self {
        Self { driver }
    }

    pub(crate) const fn driver(&self) -> &D {
        &self.driver
    }
}

/// What is read on the way of a request, for the tests that watch how.
#[cfg(test)]
pub(crate) const POINT_READS: &[&str] = &[
    sessions::RESOLVE,
    api_tokens::RESOLVE,
    refresh::RESOLVE,
    factors::LOAD,
    accounts::SUBJECT,
    directory::FIND_USER,
    directory::USER,
];

/// Everything else that reaches rows by key.
#[cfg(test)]
pub(crate) const PERSONAL: &[&str] = &[
    accounts::ACCOUNT,
    api_tokens::LIST,
    api_tokens::REVOKE_ALL,
    companions::SUPERSEDE_OWNED,
    companions::SUPERSEDE_UNOWNED,
    directory::RELEASE_IDENTIFIERS,
    directory::REMOVE_USER,
    erasure::CLOSED,
    erasure::CLOSE_UNPROVED,
    erasure::EMPTY_DEEDS,
    erasure::EMPTY_EVENTS,
    erasure::EMPTY_UNSCOPED_EVENTS,
    erasure::FORGET_API_TOKENS,
    erasure::FORGET_FAMILIES,
    erasure::FORGET_LINKS,
    erasure::FORGET_LINKS_TO,
    history::EARLIER,
    refresh::END_ALL,
    refresh::EVICT,
    sessions::ERASE,
    sessions::EVICT,
    sessions::LIST,
    sessions::REVOKE_OTHERS,
    tickets::PEEK,
    verification::LIVE,
    verification::REVOKE,
];
