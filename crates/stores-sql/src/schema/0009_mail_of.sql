-- Whose account a mail is about: it is erased with them, and nobody else's mail is. Null for mail that is about nobody's,
-- and for what was queued before.

ALTER TABLE outbox ADD COLUMN user_id BLOB;
