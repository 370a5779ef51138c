-- +goose Up

-- One row for each fact about the site itself: its identity, and the generation
-- that every change raises.
CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
);

CREATE TABLE providers (
  id       TEXT PRIMARY KEY,
  position INTEGER NOT NULL,
  document TEXT NOT NULL
);

CREATE TABLE plans (
  name     TEXT PRIMARY KEY,
  position INTEGER NOT NULL,
  document TEXT NOT NULL
);

CREATE TABLE domains (
  name     TEXT PRIMARY KEY,
  position INTEGER NOT NULL,
  document TEXT NOT NULL
);

-- A domain's primary name and its aliases.
CREATE TABLE domain_names (
  name   TEXT PRIMARY KEY,
  domain TEXT NOT NULL
);
CREATE INDEX domain_names_by_domain ON domain_names (domain);

CREATE TABLE accounts (
  id       INTEGER PRIMARY KEY,
  address  TEXT NOT NULL UNIQUE, -- settings.Address.Key
  domain   TEXT NOT NULL,
  own      INTEGER NOT NULL,     -- 1 if it has a protocol, a login or another address of its own
  document TEXT NOT NULL
);
CREATE INDEX accounts_by_domain ON accounts (domain, address);
CREATE INDEX accounts_with_own ON accounts (domain) WHERE own = 1;

-- Every address of an account, its primary one as well.
CREATE TABLE addresses (
  address TEXT PRIMARY KEY,
  account INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX addresses_by_account ON addresses (account);

-- MD5 of every address of an account in its domain's names, as Evolution sends it.
CREATE TABLE digests (
  digest  BLOB NOT NULL,
  account INTEGER NOT NULL,
  PRIMARY KEY (digest, account)
) WITHOUT ROWID;
CREATE INDEX digests_by_account ON digests (account);

-- +goose Down
DROP TABLE digests;
DROP TABLE addresses;
DROP TABLE accounts;
DROP TABLE domain_names;
DROP TABLE domains;
DROP TABLE plans;
DROP TABLE providers;
DROP TABLE meta;
