-- Tickets, in the ephemeral family: state between two requests that is good for one use. One that was taken or revoked
-- keeps its row without payload, and so its id, until its deadline.

CREATE TABLE tickets (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    tenant_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    digest_key_version INTEGER NOT NULL,
    payload BLOB NOT NULL,
    payload_key_version INTEGER NOT NULL,
    attempts_left INTEGER NOT NULL CHECK (attempts_left BETWEEN 0 AND 4294967295),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX tickets_by_end ON tickets (expires_at);
