-- +goose Up

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

-- Address and name in lower case: an index over all that a search reads.
ALTER TABLE accounts ADD COLUMN search TEXT NOT NULL DEFAULT '';
UPDATE accounts SET search = address || char(10) || lower(coalesce(json_extract(document, '$.name'), ''));
CREATE INDEX accounts_by_search ON accounts (search, domain);

-- +goose Down
DROP INDEX accounts_by_search;
ALTER TABLE accounts DROP COLUMN search;
DROP TABLE overrides;
