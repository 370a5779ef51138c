-- +goose Up

-- What a program of the operator's is told about setup links, each once: link, kind and number (of a use) name it,
-- in the table and to the program. An expiry is written when the link is made, and is told at its time if the link
-- was never used.
CREATE TABLE link_notices (
  link       TEXT NOT NULL,
  kind       TEXT NOT NULL,
  number     INTEGER NOT NULL,
  domain     TEXT NOT NULL,
  at         INTEGER NOT NULL, -- when it happens
  state      TEXT NOT NULL,
  tries      INTEGER NOT NULL,
  due_at     INTEGER NOT NULL, -- when it is tried; 0 once that is over
  done_at    INTEGER NOT NULL,
  reason     TEXT NOT NULL, -- of the last try
  holder     TEXT NOT NULL, -- which replica works on it
  held_until INTEGER NOT NULL,
  PRIMARY KEY (link, kind, number)
);
CREATE INDEX link_notices_by_due ON link_notices (state, due_at);
