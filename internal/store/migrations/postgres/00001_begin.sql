-- +goose Up

-- Times are Unix seconds, 0 for never. Keys are compared and sorted as bytes.

-- One row for each fact about the site itself: its identity, and the generations
-- that changes raise.
CREATE TABLE meta (
  name  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  value TEXT COLLATE "C" NOT NULL
);

CREATE TABLE providers (
  id       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  position BIGINT NOT NULL,
  document TEXT NOT NULL
);

CREATE TABLE plans (
  name     TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  position BIGINT NOT NULL,
  document TEXT NOT NULL
);

CREATE TABLE domains (
  name     TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  position BIGINT NOT NULL,
  document TEXT NOT NULL
);
CREATE INDEX domains_by_position ON domains (position);

-- A domain's primary name and its aliases.
CREATE TABLE domain_names (
  name   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  domain TEXT COLLATE "C" NOT NULL
);
CREATE INDEX domain_names_by_domain ON domain_names (domain);

CREATE TABLE accounts (
  id       BIGINT NOT NULL PRIMARY KEY,
  address  TEXT COLLATE "C" NOT NULL UNIQUE, -- settings.Address.Key
  domain   TEXT COLLATE "C" NOT NULL,
  own      BIGINT NOT NULL, -- 1 if it has a protocol, a login or another address of its own
  search   TEXT COLLATE "C" NOT NULL, -- address and name in lower case
  document TEXT NOT NULL
);
CREATE INDEX accounts_by_domain ON accounts (domain, address);
CREATE INDEX accounts_with_own ON accounts (domain) WHERE own = 1;
CREATE INDEX accounts_by_search ON accounts (search, domain);

-- Every address of an account, its primary one as well.
CREATE TABLE addresses (
  address TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  account BIGINT NOT NULL
);
CREATE INDEX addresses_by_account ON addresses (account);

-- MD5 of every address of an account in its domain's names, as Evolution sends it.
CREATE TABLE digests (
  digest  BYTEA NOT NULL,
  account BIGINT NOT NULL,
  PRIMARY KEY (digest, account)
);
CREATE INDEX digests_by_account ON digests (account);

-- What is kept for an account that lives elsewhere: laid over what its source says.
CREATE TABLE overrides (
  address    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  domain     TEXT COLLATE "C" NOT NULL,
  protocol   TEXT COLLATE "C" NOT NULL,
  devices    TEXT COLLATE "C" NOT NULL,
  note       TEXT NOT NULL,
  changed_by TEXT COLLATE "C" NOT NULL,
  changed_at BIGINT NOT NULL,
  gone_at    BIGINT NOT NULL
);
CREATE INDEX overrides_by_domain ON overrides (domain);

-- The PACC document of a domain's name, as bytes, and the one that waits until its
-- digest is in the DNS.
CREATE TABLE pacc (
  name    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  served  BYTEA,
  waiting BYTEA
);

-- The last result of checking each name, and when it is due again.
CREATE TABLE checks (
  name       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  checked_at BIGINT NOT NULL,
  due_at     BIGINT NOT NULL,
  failures   BIGINT NOT NULL, -- checks in a row that found nothing out
  report     TEXT NOT NULL
);
CREATE INDEX checks_by_due ON checks (due_at);

-- Work that one replica does at a time.
CREATE TABLE leases (
  name   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  holder TEXT COLLATE "C" NOT NULL,
  until  BIGINT NOT NULL
);

-- Setup links. Of the token only its hash is kept.
CREATE TABLE links (
  id          TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- sorts by time
  hash        BYTEA NOT NULL UNIQUE,
  address     TEXT NOT NULL, -- as typed; a pseudonym once it is forgotten
  address_key TEXT COLLATE "C" NOT NULL,  -- settings.Address.Key
  domain      TEXT COLLATE "C" NOT NULL,
  language    TEXT COLLATE "C" NOT NULL,
  note        TEXT NOT NULL,
  made_by     TEXT COLLATE "C" NOT NULL,
  made_at     BIGINT NOT NULL,
  expires_at  BIGINT NOT NULL,
  uses        BIGINT NOT NULL,
  used        BIGINT NOT NULL,
  revoked_at  BIGINT NOT NULL,
  revoked_by  TEXT COLLATE "C" NOT NULL,
  ordered     BYTEA -- what was ordered under the key of a request: a keyed digest; NULL without a key
);
CREATE INDEX links_by_address ON links (address_key);
CREATE INDEX links_by_domain ON links (domain, id);

CREATE TABLE link_events (
  link     TEXT COLLATE "C" NOT NULL,
  kind     TEXT COLLATE "C" NOT NULL,
  device   TEXT COLLATE "C" NOT NULL,
  first_at BIGINT NOT NULL,
  last_at  BIGINT NOT NULL,
  count    BIGINT NOT NULL,
  PRIMARY KEY (link, kind, device)
);

CREATE TABLE people (
  id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  issuer       TEXT COLLATE "C" NOT NULL, -- '' for local people
  subject      TEXT COLLATE "C" NOT NULL,
  name         TEXT NOT NULL,
  role         TEXT COLLATE "C" NOT NULL,
  domains      TEXT NOT NULL, -- JSON
  password     TEXT NOT NULL, -- argon2id
  second       BYTEA,          -- encrypted
  step         BIGINT NOT NULL,
  failures     BIGINT NOT NULL,
  locked_until BIGINT NOT NULL,
  made_at      BIGINT NOT NULL,
  UNIQUE (issuer, subject)
);

CREATE TABLE sessions (
  hash      BYTEA NOT NULL PRIMARY KEY,
  person    TEXT COLLATE "C" NOT NULL,
  made_at   BIGINT NOT NULL,
  seen_at   BIGINT NOT NULL,
  enrolling BIGINT NOT NULL
);
CREATE INDEX sessions_by_person ON sessions (person);

CREATE TABLE tokens (
  id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  hash       BYTEA NOT NULL UNIQUE,
  name       TEXT NOT NULL,
  scopes     TEXT NOT NULL, -- JSON
  domains    TEXT NOT NULL, -- JSON
  made_by    TEXT COLLATE "C" NOT NULL,
  made_at    BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);

-- Names of people aren't unique: who did something is told by an identity too, and by
-- the identity provider that vouched for it ('' for nobody's).
CREATE TABLE audit (
  id      BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
  at      BIGINT NOT NULL,
  actor   TEXT COLLATE "C" NOT NULL,
  action  TEXT COLLATE "C" NOT NULL,
  subject TEXT COLLATE "C" NOT NULL,
  domain  TEXT COLLATE "C" NOT NULL,
  detail  TEXT NOT NULL,
  actor_id     TEXT COLLATE "C" NOT NULL,
  actor_issuer TEXT COLLATE "C" NOT NULL
);
CREATE INDEX audit_by_domain ON audit (domain, id);
CREATE INDEX audit_by_subject ON audit (subject);

-- What clients got wrong (links, sign-ins, tokens), for all replicas. A client is a
-- keyed hash; forgiven_at is in milliseconds, when the last failure is forgiven.
CREATE TABLE failures (
  kind        TEXT COLLATE "C" NOT NULL,
  client      BYTEA NOT NULL,
  forgiven_at BIGINT NOT NULL,
  PRIMARY KEY (kind, client)
);
