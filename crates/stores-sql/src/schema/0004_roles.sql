-- The roles of a person: a JSON array of names, sorted, without duplicates. In the row that every request reads.

ALTER TABLE accounts ADD COLUMN roles TEXT NOT NULL DEFAULT '[]';
