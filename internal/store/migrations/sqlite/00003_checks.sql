-- +goose Up

-- The last result of checking each name, and when it is due again (Unix seconds).
CREATE TABLE checks (
  name       TEXT PRIMARY KEY,
  checked_at INTEGER NOT NULL,
  due_at     INTEGER NOT NULL,
  failures   INTEGER NOT NULL, -- checks in a row that found nothing out
  report     TEXT NOT NULL
);
CREATE INDEX checks_by_due ON checks (due_at);

-- Work that one replica does at a time.
CREATE TABLE leases (
  name   TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  until  INTEGER NOT NULL
);

-- +goose Down
DROP TABLE leases;
DROP TABLE checks;
