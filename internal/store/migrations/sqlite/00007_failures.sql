-- +goose Up

-- What clients got wrong (links, sign-ins, tokens), for all replicas. A client is a
-- keyed hash; forgiven_at is in milliseconds, when the last failure is forgiven.
CREATE TABLE IF NOT EXISTS failures (
  kind        TEXT NOT NULL,
  client      BLOB NOT NULL,
  forgiven_at INTEGER NOT NULL,
  PRIMARY KEY (kind, client)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE failures;
