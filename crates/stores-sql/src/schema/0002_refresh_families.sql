-- Refresh families, in the security family: one row a chain, and the row is all a family ever has. A rotation
-- overwrites it: the current token becomes the spent one, and no older token is remembered. An ended family keeps its
-- row, and so its id, until its absolute deadline.

CREATE TABLE refresh_families (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    tenant_id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    scopes TEXT,
    assurance TEXT NOT NULL,
    ip TEXT,
    user_agent TEXT,
    created_at INTEGER NOT NULL,
    generation INTEGER NOT NULL CHECK (generation BETWEEN 1 AND 4294967295),
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    digest_key_version INTEGER NOT NULL,
    idle_deadline INTEGER NOT NULL,
    absolute_deadline INTEGER NOT NULL,
    spent_digest BLOB CHECK (length(spent_digest) = 32),
    spent_digest_key_version INTEGER,
    spent_at INTEGER,
    successor BLOB,
    successor_key_version INTEGER,
    ended_at INTEGER,
    CHECK ((spent_digest IS NULL) = (spent_digest_key_version IS NULL)
        AND (spent_digest IS NULL) = (spent_at IS NULL)
        AND (spent_digest IS NULL) = (successor IS NULL)
        AND (spent_digest IS NULL) = (successor_key_version IS NULL)),
    FOREIGN KEY (tenant_id, user_id) REFERENCES accounts (tenant_id, user_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX refresh_families_of ON refresh_families (tenant_id, user_id);
CREATE INDEX refresh_families_by_end ON refresh_families (absolute_deadline);
