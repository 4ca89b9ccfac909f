-- The passwords that somebody had before the one they have, numbered from the oldest. One is added by the write that
-- replaces it, and those that the policy does not need any more are removed there.

CREATE TABLE password_history (
    tenant_id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    place INTEGER NOT NULL,
    config TEXT NOT NULL,
    PRIMARY KEY (tenant_id, user_id, place),
    FOREIGN KEY (tenant_id, user_id) REFERENCES accounts (tenant_id, user_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
