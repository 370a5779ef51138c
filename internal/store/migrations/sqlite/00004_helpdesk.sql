-- +goose Up

-- Setup links. Of the token only its hash is kept. Times are Unix seconds, 0 for
-- never.
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
  revoked_by TEXT NOT NULL
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

CREATE TABLE audit (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  at      INTEGER NOT NULL,
  actor   TEXT NOT NULL,
  action  TEXT NOT NULL,
  subject TEXT NOT NULL,
  domain  TEXT NOT NULL,
  detail  TEXT NOT NULL
);
CREATE INDEX audit_by_domain ON audit (domain, id);
CREATE INDEX audit_by_subject ON audit (subject);

-- +goose Down
DROP TABLE audit;
DROP TABLE tokens;
DROP TABLE sessions;
DROP TABLE people;
DROP TABLE link_events;
DROP TABLE links;
