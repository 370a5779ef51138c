-- +goose Up

-- What a program of the operator's is told about setup links, each once: link, kind and number (of a use) name it,
-- in the table and to the program. An expiry is written when the link is made, and is told at its time if the link
-- was never used.
CREATE TABLE link_notices (
  link       TEXT COLLATE "C" NOT NULL,
  kind       TEXT COLLATE "C" NOT NULL,
  number     BIGINT NOT NULL,
  domain     TEXT COLLATE "C" NOT NULL,
  at         BIGINT NOT NULL, -- when it happens
  state      TEXT COLLATE "C" NOT NULL,
  tries      BIGINT NOT NULL,
  due_at     BIGINT NOT NULL, -- when it is tried; 0 once that is over
  done_at    BIGINT NOT NULL,
  reason     TEXT NOT NULL, -- of the last try
  holder     TEXT COLLATE "C" NOT NULL, -- which replica works on it
  held_until BIGINT NOT NULL,
  PRIMARY KEY (link, kind, number)
);
CREATE INDEX link_notices_by_due ON link_notices (state, due_at);
