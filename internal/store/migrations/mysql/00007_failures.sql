-- +goose Up

-- What clients got wrong (links, sign-ins, tokens), for all replicas. A client is a
-- keyed hash; forgiven_at is in milliseconds, when the last failure is forgiven.
CREATE TABLE IF NOT EXISTS failures (
  kind        VARBINARY(64) NOT NULL,
  client      VARBINARY(64) NOT NULL,
  forgiven_at BIGINT NOT NULL,
  PRIMARY KEY (kind, client)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;

-- +goose Down
DROP TABLE failures;
