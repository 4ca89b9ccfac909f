//! The edges of the design: the table of ARCHITECTURE.md, in a form that can be held against cargo's.

pub(super) const CORE: &str = "portcullis-core";
const TOKENS: &str = "portcullis-tokens";
const TESTING: &str = "portcullis-testing";
const STORES_SQL: &str = "portcullis-stores-sql";
const STORES_KV: &str = "portcullis-stores-kv";
const BACKENDS: &str = "portcullis-backends";
const HTTP_AXUM: &str = "portcullis-http-axum";
pub(super) const SERVER: &str = "portcullis-server";

/// A crate of ours, and which others it may name.
pub(super) struct Layer {
    pub(super) rank: u8,
    pub(super) name: &'static str,
    pub(super) folder: &'static str,
    /// In its library, its build script and its tests.
    pub(super) may: &'static [&'static str],
    /// In its tests as well.
    pub(super) dev: &'static [&'static str],
}

/// From the bottom up. Rank falls strictly along every edge.
pub(super) const LAYERS: &[Layer] = &[
    Layer {
        rank: 0,
        name: CORE,
        folder: "crates/core",
        may: &[],
        dev: &[],
    },
    Layer {
        rank: 1,
        name: TOKENS,
        folder: "crates/tokens",
        may: &[CORE],
        dev: &[],
    },
    Layer {
        rank: 2,
        name: TESTING,
        folder: "crates/testing",
        may: &[CORE, TOKENS],
        dev: &[],
    },
    Layer {
        rank: 3,
        name: STORES_SQL,
        folder: "crates/stores-sql",
        may: &[CORE],
        dev: &[TESTING],
    },
    Layer {
        rank: 3,
        name: STORES_KV,
        folder: "crates/stores-kv",
        may: &[CORE],
        dev: &[TESTING],
    },
    Layer {
        rank: 4,
        name: BACKENDS,
        folder: "crates/backends",
        may: &[CORE, TOKENS],
        dev: &[TESTING, STORES_KV],
    },
    Layer {
        rank: 5,
        name: HTTP_AXUM,
        folder: "crates/http-axum",
        may: &[CORE, TOKENS, BACKENDS],
        dev: &[TESTING, STORES_KV],
    },
    Layer {
        rank: 6,
        name: SERVER,
        folder: "crates/server",
        may: &[CORE, TOKENS, STORES_SQL, STORES_KV, BACKENDS, HTTP_AXUM],
        dev: &[TESTING],
    },
];

/// Somebody else's crates that may be named in few places, so that they can be replaced there.
pub(super) struct Confined {
    pub(super) what: &'static str,
    pub(super) crates: &'static [&'static str],
    pub(super) to: &'static [&'static str],
    /// Who builds without the feature does not build the crate.
    pub(super) behind_a_feature: bool,
}

pub(super) const CONFINED: &[Confined] = &[
    Confined {
        what: "HTTP types",
        crates: &[
            "axum",
            "axum-core",
            "axum-extra",
            "cookie",
            "http",
            "http-body",
            "http-body-util",
            "hyper",
            "hyper-util",
            "tower",
            "tower-http",
            "tower-layer",
            "tower-service",
            "utoipa",
            "utoipa-axum",
            "utoipa-swagger-ui",
        ],
        to: &[HTTP_AXUM, SERVER],
        behind_a_feature: false,
    },
    Confined {
        what: "SQL drivers",
        crates: &["libsqlite3-sys", "rusqlite", "sqlx"],
        to: &[STORES_SQL],
        behind_a_feature: false,
    },
    Confined {
        what: "key-value drivers",
        crates: &["heed", "redis"],
        to: &[STORES_KV],
        behind_a_feature: false,
    },
    Confined {
        what: "HTTP and mail clients",
        crates: &["lettre", "reqwest"],
        to: &[BACKENDS],
        behind_a_feature: true,
    },
];

/// Core has no runtime, no I/O and no opinions, so the list of what it builds on is short.
pub(super) const CORE_MAY_USE: &[&str] = &[
    "async-trait",
    "idna",
    "ipnet",
    "serde",
    "serde_json",
    "subtle",
    "thiserror",
    "unicode-normalization",
    "zeroize",
];

/// What its tests may name besides; no runtime here either.
pub(super) const CORE_MAY_TEST_WITH: &[&str] = &["insta", "proptest", "trybuild"];
