-- +goose Up

-- The PACC document of a domain's name (an alias has one of its own), as bytes:
-- its digest is in the DNS. A changed one waits until its digest is there too.
CREATE TABLE pacc (
  name    TEXT PRIMARY KEY,
  served  BLOB,
  waiting BLOB
);

-- +goose Down
DROP TABLE pacc;
