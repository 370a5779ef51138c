-- +goose Up

-- A name that has a TLS certificate or wants one. issued is the mark of its chain, a
-- number that each new chain raises, and 0 while there is none.
CREATE TABLE certificates (
  name       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  domain     TEXT COLLATE "C" NOT NULL, -- whose special name it is; '' for the service's own
  class      BIGINT NOT NULL, -- why it is wanted: certificates.Class
  chain      BYTEA,           -- PEM; NULL while there is none
  sealed_key BYTEA,           -- encrypted
  issued     BIGINT NOT NULL,
  not_after  BIGINT NOT NULL,
  renew_at   BIGINT NOT NULL,
  due_at     BIGINT NOT NULL, -- when something is to be done
  tried_at   BIGINT NOT NULL,
  failures   BIGINT NOT NULL, -- since the last success
  code       TEXT COLLATE "C" NOT NULL, -- of the last failure
  reason     TEXT NOT NULL,
  holder     TEXT COLLATE "C" NOT NULL, -- which replica works on it
  held_until BIGINT NOT NULL
);
CREATE INDEX certificates_by_due ON certificates (class, due_at);
CREATE INDEX certificates_by_issued ON certificates (issued);
CREATE INDEX certificates_by_domain ON certificates (domain, name);

-- Orders of the last hours, for their limits.
CREATE TABLE certificate_orders (
  id     TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  domain TEXT COLLATE "C" NOT NULL,
  class  BIGINT NOT NULL,
  at     BIGINT NOT NULL
);
CREATE INDEX certificate_orders_by_time ON certificate_orders (at);

-- What a name answers to the challenge of an ACME server, at whichever replica.
CREATE TABLE acme_challenges (
  name  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  kind  TEXT COLLATE "C" NOT NULL,
  token TEXT COLLATE "C" NOT NULL,
  answer TEXT COLLATE "C" NOT NULL,
  until BIGINT NOT NULL
);

-- The account at each ACME server, encrypted.
CREATE TABLE acme_accounts (
  directory TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  account   BYTEA NOT NULL
);
