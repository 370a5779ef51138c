-- +goose Up

-- A name that has a TLS certificate or wants one. issued is the mark of its chain, a
-- number that each new chain raises, and 0 while there is none.
CREATE TABLE certificates (
  name       TEXT NOT NULL PRIMARY KEY,
  domain     TEXT NOT NULL, -- whose special name it is; '' for the service's own
  class      INTEGER NOT NULL, -- why it is wanted: certificates.Class
  chain      BLOB,           -- PEM; NULL while there is none
  sealed_key BLOB,           -- encrypted
  issued     INTEGER NOT NULL,
  not_after  INTEGER NOT NULL,
  renew_at   INTEGER NOT NULL,
  due_at     INTEGER NOT NULL, -- when something is to be done
  tried_at   INTEGER NOT NULL,
  failures   INTEGER NOT NULL, -- since the last success
  code       TEXT NOT NULL, -- of the last failure
  reason     TEXT NOT NULL,
  holder     TEXT NOT NULL, -- which replica works on it
  held_until INTEGER NOT NULL
);
CREATE INDEX certificates_by_due ON certificates (class, due_at);
CREATE INDEX certificates_by_issued ON certificates (issued);
CREATE INDEX certificates_by_domain ON certificates (domain, name);

-- Orders of the last hours, for their limits.
CREATE TABLE certificate_orders (
  id     TEXT NOT NULL PRIMARY KEY,
  domain TEXT NOT NULL,
  class  INTEGER NOT NULL,
  at     INTEGER NOT NULL
);
CREATE INDEX certificate_orders_by_time ON certificate_orders (at);

-- What a name answers to the challenge of an ACME server, at whichever replica.
CREATE TABLE acme_challenges (
  name  TEXT NOT NULL PRIMARY KEY,
  kind  TEXT NOT NULL,
  token TEXT NOT NULL,
  answer TEXT NOT NULL,
  until INTEGER NOT NULL
);

-- The account at each ACME server, encrypted.
CREATE TABLE acme_accounts (
  directory TEXT NOT NULL PRIMARY KEY,
  account   BLOB NOT NULL
);
