-- +goose Up

-- What clients got wrong (links, sign-ins, tokens), for all replicas. A client is a
-- keyed hash; forgiven_at is in milliseconds, when the last failure is forgiven.
CREATE TABLE IF NOT EXISTS failures (
  kind        TEXT COLLATE "C" NOT NULL,
  client      BYTEA NOT NULL,
  forgiven_at BIGINT NOT NULL,
  PRIMARY KEY (kind, client)
);

-- +goose Down
DROP TABLE failures;
