-- What an owner calls a session.

ALTER TABLE sessions ADD COLUMN name TEXT;
