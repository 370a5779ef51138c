-- +goose Up

-- Times are Unix seconds, 0 for never.

-- One row for each fact about the site itself: its identity, and the generations
-- that changes raise.
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
CREATE INDEX domains_by_position ON domains (position);

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
  search   TEXT NOT NULL,        -- address and name in lower case
  document TEXT NOT NULL
);
CREATE INDEX accounts_by_domain ON accounts (domain, address);
CREATE INDEX accounts_with_own ON accounts (domain) WHERE own = 1;
CREATE INDEX accounts_by_search ON accounts (search, domain); -- all that a search reads

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

-- The PACC document of a domain's name (an alias has one of its own), as bytes:
-- its digest is in the DNS. A changed one waits until its digest is there too.
CREATE TABLE pacc (
  name    TEXT PRIMARY KEY,
  served  BLOB,
  waiting BLOB
);

-- The last result of checking each name, and when it is due again.
CREATE TABLE checks (
  name       TEXT PRIMARY KEY,
  checked_at INTEGER NOT NULL,
  due_at     INTEGER NOT NULL,
  failures   INTEGER NOT NULL, -- checks in a row that found nothing out
  report     TEXT NOT NULL
);
CREATE INDEX checks_by_due ON checks (due_at);

-- Work that one replica does at a time.
CREATE TABLE leases (
  name   TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  until  INTEGER NOT NULL
);

-- Setup links. Of the token only its hash is kept.
CREATE TABLE links (
  id         TEXT PRIMARY KEY,     -- sorts by time
  hash       BLOB NOT NULL UNIQUE,
  address    TEXT NOT NULL,        -- as typed; a pseudonym once it is forgotten
  address_key TEXT NOT NULL,       -- settings.Address.Key
  domain     TEXT NOT NULL,
  language   TEXT NOT NULL,
  note       TEXT NOT NULL,
  made_by    TEXT NOT NULL,
  made_at    INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  uses       INTEGER NOT NULL,
  used       INTEGER NOT NULL,
  revoked_at INTEGER NOT NULL,
  revoked_by TEXT NOT NULL,
  ordered    BLOB -- what was ordered under the key of a request: a keyed digest; NULL without a key
);
CREATE INDEX links_by_address ON links (address_key);
CREATE INDEX links_by_domain ON links (domain, id);

CREATE TABLE link_events (
  link     TEXT NOT NULL,
  kind     TEXT NOT NULL,
  device   TEXT NOT NULL,
  first_at INTEGER NOT NULL,
  last_at  INTEGER NOT NULL,
  count    INTEGER NOT NULL,
  PRIMARY KEY (link, kind, device)
);

CREATE TABLE people (
  id           TEXT PRIMARY KEY,
  issuer       TEXT NOT NULL, -- '' for local people
  subject      TEXT NOT NULL,
  name         TEXT NOT NULL,
  role         TEXT NOT NULL,
  domains      TEXT NOT NULL, -- JSON
  password     TEXT NOT NULL, -- argon2id
  second       BLOB,          -- encrypted
  step         INTEGER NOT NULL,
  failures     INTEGER NOT NULL,
  locked_until INTEGER NOT NULL,
  made_at      INTEGER NOT NULL,
  UNIQUE (issuer, subject)
);

CREATE TABLE sessions (
  hash      BLOB PRIMARY KEY,
  person    TEXT NOT NULL,
  made_at   INTEGER NOT NULL,
  seen_at   INTEGER NOT NULL,
  enrolling INTEGER NOT NULL
);
CREATE INDEX sessions_by_person ON sessions (person);

CREATE TABLE tokens (
  id         TEXT PRIMARY KEY,
  hash       BLOB NOT NULL UNIQUE,
  name       TEXT NOT NULL,
  scopes     TEXT NOT NULL, -- JSON
  domains    TEXT NOT NULL, -- JSON
  made_by    TEXT NOT NULL,
  made_at    INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
);

-- Names of people aren't unique: who did something is told by an identity too, and by
-- the identity provider that vouched for it ('' for nobody's).
CREATE TABLE audit (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  at      INTEGER NOT NULL,
  actor   TEXT NOT NULL,
  action  TEXT NOT NULL,
  subject TEXT NOT NULL,
  domain  TEXT NOT NULL,
  detail  TEXT NOT NULL,
  actor_id     TEXT NOT NULL,
  actor_issuer TEXT NOT NULL
);
CREATE INDEX audit_by_domain ON audit (domain, id);
CREATE INDEX audit_by_subject ON audit (subject);

-- What is kept for an account that lives elsewhere: laid over what its source says.
CREATE TABLE overrides (
  address    TEXT PRIMARY KEY,  -- settings.Address.Key of the mailbox's primary address
  domain     TEXT NOT NULL,
  protocol   TEXT NOT NULL,
  devices    TEXT NOT NULL,
  note       TEXT NOT NULL,
  changed_by TEXT NOT NULL,
  changed_at INTEGER NOT NULL,
  gone_at    INTEGER NOT NULL   -- since when no source knows the account, 0 while one does
);
CREATE INDEX overrides_by_domain ON overrides (domain);

-- What clients got wrong (links, sign-ins, tokens), for all replicas. A client is a
-- keyed hash; forgiven_at is in milliseconds, when the last failure is forgiven.
CREATE TABLE failures (
  kind        TEXT NOT NULL,
  client      BLOB NOT NULL,
  forgiven_at INTEGER NOT NULL,
  PRIMARY KEY (kind, client)
) WITHOUT ROWID;
