CREATE TABLE IF NOT EXISTS shops (
    id BLOB NOT NULL PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS shop_domains (
    domain TEXT NOT NULL PRIMARY KEY,
    shop BLOB NOT NULL REFERENCES shops (id),
    place INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS customers (
    number INTEGER PRIMARY KEY,
    shop BLOB NOT NULL REFERENCES shops (id),
    profile TEXT NOT NULL DEFAULT '{}',
    since INTEGER NOT NULL,
    loyalty_points INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE IF NOT EXISTS logins (
    shop BLOB NOT NULL,
    kind TEXT NOT NULL,
    canonical TEXT NOT NULL,
    raw TEXT NOT NULL,
    customer INTEGER NOT NULL REFERENCES customers (number) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    PRIMARY KEY (shop, kind, canonical)
) STRICT;

CREATE INDEX IF NOT EXISTS logins_of ON logins (customer);

-- The sequence of customer numbers: a number that was drawn never comes back.
CREATE TABLE IF NOT EXISTS customer_numbers (number INTEGER PRIMARY KEY AUTOINCREMENT) STRICT;
