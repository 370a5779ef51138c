-- +goose Up

-- A name that has a TLS certificate or wants one. issued is the mark of its chain, a
-- number that each new chain raises, and 0 while there is none.
CREATE TABLE IF NOT EXISTS certificates (
  name       VARBINARY(512) NOT NULL PRIMARY KEY,
  domain     VARBINARY(512) NOT NULL, -- whose special name it is; '' for the service's own
  class      BIGINT NOT NULL, -- why it is wanted: certificates.Class
  chain      MEDIUMBLOB,           -- PEM; NULL while there is none
  sealed_key MEDIUMBLOB,           -- encrypted
  issued     BIGINT NOT NULL,
  not_after  BIGINT NOT NULL,
  renew_at   BIGINT NOT NULL,
  due_at     BIGINT NOT NULL, -- when something is to be done
  tried_at   BIGINT NOT NULL,
  failures   BIGINT NOT NULL, -- since the last success
  code       VARBINARY(512) NOT NULL, -- of the last failure
  reason     MEDIUMTEXT NOT NULL,
  holder     VARBINARY(512) NOT NULL, -- which replica works on it
  held_until BIGINT NOT NULL,
  INDEX certificates_by_due (class, due_at),
  INDEX certificates_by_issued (issued),
  INDEX certificates_by_domain (domain, name)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;

-- Orders of the last hours, for their limits.
CREATE TABLE IF NOT EXISTS certificate_orders (
  id     VARBINARY(512) NOT NULL PRIMARY KEY,
  domain VARBINARY(512) NOT NULL,
  class  BIGINT NOT NULL,
  at     BIGINT NOT NULL,
  INDEX certificate_orders_by_time (at)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;

-- What a name answers to the challenge of an ACME server, at whichever replica.
CREATE TABLE IF NOT EXISTS acme_challenges (
  name  VARBINARY(512) NOT NULL PRIMARY KEY,
  kind  VARBINARY(512) NOT NULL,
  token VARBINARY(512) NOT NULL,
  answer VARBINARY(512) NOT NULL,
  until BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;

-- The account at each ACME server, encrypted.
CREATE TABLE IF NOT EXISTS acme_accounts (
  directory VARBINARY(512) NOT NULL PRIMARY KEY,
  account   MEDIUMBLOB NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;
