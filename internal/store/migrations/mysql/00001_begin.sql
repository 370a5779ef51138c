-- +goose Up

-- Times are Unix seconds, 0 for never. Keys are VARBINARY: compared and sorted as
-- bytes, and blanks at their end count. A change of tables can't be undone here: each
-- step may be done again.

-- One row for each fact about the site itself: its identity, and the generations
-- that changes raise.
CREATE TABLE IF NOT EXISTS meta (
  name  VARBINARY(512) NOT NULL PRIMARY KEY,
  value VARBINARY(512) NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;

CREATE TABLE IF NOT EXISTS providers (
  id       VARBINARY(512) NOT NULL PRIMARY KEY,
  position BIGINT NOT NULL,
  document MEDIUMTEXT NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;

CREATE TABLE IF NOT EXISTS plans (
  name     VARBINARY(512) NOT NULL PRIMARY KEY,
  position BIGINT NOT NULL,
  document MEDIUMTEXT NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;

CREATE TABLE IF NOT EXISTS domains (
  name     VARBINARY(512) NOT NULL PRIMARY KEY,
  position BIGINT NOT NULL,
  document MEDIUMTEXT NOT NULL,
  INDEX domains_by_position (position)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;

-- A domain's primary name and its aliases.
CREATE TABLE IF NOT EXISTS domain_names (
  name   VARBINARY(512) NOT NULL PRIMARY KEY,
  domain VARBINARY(512) NOT NULL,
  INDEX domain_names_by_domain (domain)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;

CREATE TABLE IF NOT EXISTS accounts (
  id       BIGINT NOT NULL PRIMARY KEY,
  address  VARBINARY(512) NOT NULL UNIQUE, -- settings.Address.Key
  domain   VARBINARY(512) NOT NULL,
  own      BIGINT NOT NULL, -- 1 if it has a protocol, a login or another address of its own
  search   VARBINARY(1024) NOT NULL, -- address and name in lower case
  document MEDIUMTEXT NOT NULL,
  INDEX accounts_by_domain (domain, address),
  INDEX accounts_with_own (domain, own),
  INDEX accounts_by_search (search, domain)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;

-- Every address of an account, its primary one as well.
CREATE TABLE IF NOT EXISTS addresses (
  address VARBINARY(512) NOT NULL PRIMARY KEY,
  account BIGINT NOT NULL,
  INDEX addresses_by_account (account)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;

-- MD5 of every address of an account in its domain's names, as Evolution sends it.
CREATE TABLE IF NOT EXISTS digests (
  digest  BINARY(16) NOT NULL,
  account BIGINT NOT NULL,
  PRIMARY KEY (digest, account),
  INDEX digests_by_account (account)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;

-- What is kept for an account that lives elsewhere: laid over what its source says.
CREATE TABLE IF NOT EXISTS overrides (
  address    VARBINARY(512) NOT NULL PRIMARY KEY,
  domain     VARBINARY(512) NOT NULL,
  protocol   VARBINARY(512) NOT NULL,
  devices    VARBINARY(512) NOT NULL,
  note       MEDIUMTEXT NOT NULL,
  changed_by VARBINARY(512) NOT NULL,
  changed_at BIGINT NOT NULL,
  gone_at    BIGINT NOT NULL,
  INDEX overrides_by_domain (domain)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;

-- The PACC document of a domain's name, as bytes, and the one that waits until its
-- digest is in the DNS.
CREATE TABLE IF NOT EXISTS pacc (
  name    VARBINARY(512) NOT NULL PRIMARY KEY,
  served  MEDIUMBLOB,
  waiting MEDIUMBLOB
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;

-- The last result of checking each name, and when it is due again.
CREATE TABLE IF NOT EXISTS checks (
  name       VARBINARY(512) NOT NULL PRIMARY KEY,
  checked_at BIGINT NOT NULL,
  due_at     BIGINT NOT NULL,
  failures   BIGINT NOT NULL, -- checks in a row that found nothing out
  report     MEDIUMTEXT NOT NULL,
  INDEX checks_by_due (due_at)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;

-- Work that one replica does at a time.
CREATE TABLE IF NOT EXISTS leases (
  name   VARBINARY(512) NOT NULL PRIMARY KEY,
  holder VARBINARY(512) NOT NULL,
  until  BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;

-- Setup links. Of the token only its hash is kept.
CREATE TABLE IF NOT EXISTS links (
  id          VARBINARY(512) NOT NULL PRIMARY KEY, -- sorts by time
  hash        VARBINARY(64) NOT NULL UNIQUE,
  address     MEDIUMTEXT NOT NULL, -- as typed; a pseudonym once it is forgotten
  address_key VARBINARY(512) NOT NULL,  -- settings.Address.Key
  domain      VARBINARY(512) NOT NULL,
  language    VARBINARY(512) NOT NULL,
  note        MEDIUMTEXT NOT NULL,
  made_by     VARBINARY(512) NOT NULL,
  made_at     BIGINT NOT NULL,
  expires_at  BIGINT NOT NULL,
  uses        BIGINT NOT NULL,
  used        BIGINT NOT NULL,
  revoked_at  BIGINT NOT NULL,
  revoked_by  VARBINARY(512) NOT NULL,
  ordered     VARBINARY(64), -- what was ordered under the key of a request: a keyed digest; NULL without a key
  INDEX links_by_address (address_key),
  INDEX links_by_domain (domain, id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;

CREATE TABLE IF NOT EXISTS link_events (
  link     VARBINARY(512) NOT NULL,
  kind     VARBINARY(64) NOT NULL,
  device   VARBINARY(64) NOT NULL,
  first_at BIGINT NOT NULL,
  last_at  BIGINT NOT NULL,
  count    BIGINT NOT NULL,
  PRIMARY KEY (link, kind, device)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;

CREATE TABLE IF NOT EXISTS people (
  id           VARBINARY(512) NOT NULL PRIMARY KEY,
  issuer       VARBINARY(512) NOT NULL, -- '' for local people
  subject      VARBINARY(512) NOT NULL,
  name         MEDIUMTEXT NOT NULL,
  role         VARBINARY(512) NOT NULL,
  domains      MEDIUMTEXT NOT NULL, -- JSON
  password     MEDIUMTEXT NOT NULL, -- argon2id
  second       MEDIUMBLOB,          -- encrypted
  step         BIGINT NOT NULL,
  failures     BIGINT NOT NULL,
  locked_until BIGINT NOT NULL,
  made_at      BIGINT NOT NULL,
  UNIQUE (issuer, subject)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;

CREATE TABLE IF NOT EXISTS sessions (
  hash      VARBINARY(64) NOT NULL PRIMARY KEY,
  person    VARBINARY(512) NOT NULL,
  made_at   BIGINT NOT NULL,
  seen_at   BIGINT NOT NULL,
  enrolling BIGINT NOT NULL,
  INDEX sessions_by_person (person)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;

CREATE TABLE IF NOT EXISTS tokens (
  id         VARBINARY(512) NOT NULL PRIMARY KEY,
  hash       VARBINARY(64) NOT NULL UNIQUE,
  name       MEDIUMTEXT NOT NULL,
  scopes     MEDIUMTEXT NOT NULL, -- JSON
  domains    MEDIUMTEXT NOT NULL, -- JSON
  made_by    VARBINARY(512) NOT NULL,
  made_at    BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;

-- Names of people aren't unique: who did something is told by an identity too, and by
-- the identity provider that vouched for it ('' for nobody's).
CREATE TABLE IF NOT EXISTS audit (
  id      BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  at      BIGINT NOT NULL,
  actor   VARBINARY(512) NOT NULL,
  action  VARBINARY(512) NOT NULL,
  subject VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  domain  VARBINARY(512) NOT NULL,
  detail  MEDIUMTEXT NOT NULL,
  actor_id     VARBINARY(512) NOT NULL,
  actor_issuer VARBINARY(512) NOT NULL,
  INDEX audit_by_domain (domain, id),
  INDEX audit_by_subject (subject)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;

-- What clients got wrong (links, sign-ins, tokens), for all replicas. A client is a
-- keyed hash; forgiven_at is in milliseconds, when the last failure is forgiven.
CREATE TABLE IF NOT EXISTS failures (
  kind        VARBINARY(64) NOT NULL,
  client      VARBINARY(64) NOT NULL,
  forgiven_at BIGINT NOT NULL,
  PRIMARY KEY (kind, client)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;
