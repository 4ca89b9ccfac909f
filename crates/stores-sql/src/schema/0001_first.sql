-- Times are microseconds since the Unix epoch, ids 16 bytes, booleans 0 or 1, JSON is text.
-- Every row of a person has the tenant in its key.

-- Directory family: who people are.

CREATE TABLE tenants (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tenant_domains (
    domain TEXT NOT NULL PRIMARY KEY,
    tenant_id BLOB NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    place INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX tenant_domains_of ON tenant_domains (tenant_id, place);

-- Ids of people are unique over all tenants, so that none is ever taken for one of another tenant.
CREATE TABLE users (
    tenant_id BLOB NOT NULL REFERENCES tenants (id),
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    profile TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id)
) STRICT;

-- A person's identifiers stand together; the unique key leads to the person without a second look-up.
CREATE TABLE identifiers (
    tenant_id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    place INTEGER NOT NULL,
    kind TEXT NOT NULL,
    canonical TEXT NOT NULL,
    raw TEXT NOT NULL,
    PRIMARY KEY (tenant_id, user_id, place),
    UNIQUE (tenant_id, kind, canonical),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Security family: what is known about them. It stands without the directory, which may be somebody else's.

CREATE TABLE tenant_security (
    tenant_id BLOB NOT NULL PRIMARY KEY CHECK (length(tenant_id) = 16),
    state TEXT NOT NULL,
    state_reason TEXT,
    state_since INTEGER NOT NULL,
    state_until INTEGER,
    policy TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- lock_seq is moved by scripts that count the rows of a person, so that they take turns.
CREATE TABLE accounts (
    tenant_id BLOB NOT NULL CHECK (length(tenant_id) = 16),
    user_id BLOB NOT NULL UNIQUE CHECK (length(user_id) = 16),
    handle TEXT NOT NULL,
    state TEXT NOT NULL,
    state_reason TEXT,
    state_since INTEGER NOT NULL,
    state_until INTEGER,
    epoch INTEGER NOT NULL CHECK (epoch BETWEEN 0 AND 4294967295),
    last_sign_in INTEGER,
    lock_seq INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE verified_identifiers (
    tenant_id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    canonical TEXT NOT NULL,
    verified_at INTEGER NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, user_id, kind, canonical),
    FOREIGN KEY (tenant_id, user_id) REFERENCES accounts (tenant_id, user_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE factors (
    tenant_id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    config TEXT NOT NULL,
    version INTEGER NOT NULL CHECK (version BETWEEN 1 AND 4294967295),
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, user_id, kind),
    FOREIGN KEY (tenant_id, user_id) REFERENCES accounts (tenant_id, user_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Keyed by a digest of the identifier: unknown accounts count alike.
CREATE TABLE attempts (
    tenant_id BLOB NOT NULL,
    identifier BLOB NOT NULL CHECK (length(identifier) = 32),
    purpose TEXT NOT NULL,
    failures INTEGER NOT NULL,
    blocked_until INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, identifier, purpose)
) STRICT, WITHOUT ROWID;

CREATE TABLE verification_tokens (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    kind TEXT NOT NULL,
    tenant_id BLOB NOT NULL,
    email TEXT NOT NULL,
    user_id BLOB,
    epoch INTEGER,
    payload BLOB,
    payload_key_version INTEGER,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    digest_key_version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    consumed_at INTEGER,
    superseded_at INTEGER,
    CHECK ((payload IS NULL) = (payload_key_version IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX verification_tokens_of ON verification_tokens (tenant_id, user_id, kind);
CREATE INDEX verification_tokens_by_address ON verification_tokens (tenant_id, email, kind);
CREATE INDEX verification_tokens_by_end ON verification_tokens (expires_at);

CREATE TABLE api_tokens (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    tenant_id BLOB NOT NULL,
    owner_id BLOB NOT NULL,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    ip_allowlist TEXT NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    digest_key_version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    last_used_at INTEGER,
    revoked_at INTEGER,
    FOREIGN KEY (tenant_id, owner_id) REFERENCES accounts (tenant_id, user_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX api_tokens_of ON api_tokens (tenant_id, owner_id, created_at);

-- due_at: when a worker may take it; the end of the lease while one has it; null once it is dead.
CREATE TABLE outbox (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    tenant_id BLOB NOT NULL,
    recipient TEXT NOT NULL,
    template TEXT NOT NULL,
    params BLOB NOT NULL,
    params_key_version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    due_at INTEGER,
    claim BLOB,
    attempts INTEGER NOT NULL
) STRICT;

CREATE INDEX outbox_due ON outbox (due_at);

CREATE TABLE auth_events (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    at INTEGER NOT NULL,
    tenant_id BLOB,
    subject_id BLOB,
    actor_id BLOB,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    ip TEXT,
    user_agent TEXT,
    request_id TEXT,
    detail TEXT NOT NULL
) STRICT;

CREATE INDEX auth_events_of_tenant ON auth_events (tenant_id, at, id);
CREATE INDEX auth_events_of_subject ON auth_events (tenant_id, subject_id, at, id);

CREATE TRIGGER auth_events_are_not_changed BEFORE UPDATE ON auth_events
BEGIN
    SELECT RAISE(ABORT, 'the audit log is only ever added to');
END;

CREATE TRIGGER auth_events_are_not_removed BEFORE DELETE ON auth_events
BEGIN
    SELECT RAISE(ABORT, 'the audit log is only ever added to');
END;

CREATE TABLE key_marker (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    marker TEXT NOT NULL
) STRICT;

-- Session family. An ended session keeps its id until its absolute deadline.

CREATE TABLE sessions (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    tenant_id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    digest_key_version INTEGER NOT NULL,
    assurance TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    idle_deadline INTEGER NOT NULL,
    absolute_deadline INTEGER NOT NULL,
    ip TEXT,
    user_agent TEXT,
    actor_id BLOB,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_of ON sessions (tenant_id, user_id);
CREATE INDEX sessions_by_end ON sessions (absolute_deadline);

-- Ephemeral family. The one number of the generic cell rate algorithm: the theoretical arrival time.

CREATE TABLE rate_limits (
    limit_key TEXT NOT NULL PRIMARY KEY,
    arrival INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
