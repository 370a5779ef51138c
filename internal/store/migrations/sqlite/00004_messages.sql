-- +goose Up

-- Messages to people by mail: what waits, and what came of it. body is the mail,
-- encrypted, and NULL once it isn't needed any more. handed_at is when its last bytes
-- were about to be sent: from then on nobody else sends it.
CREATE TABLE messages (
  id         TEXT NOT NULL PRIMARY KEY,
  kind       TEXT NOT NULL,
  address    TEXT NOT NULL,
  address_key TEXT NOT NULL,
  domain     TEXT NOT NULL,
  recipient  TEXT NOT NULL,
  recipient_key TEXT NOT NULL,
  language   TEXT NOT NULL,
  link       TEXT NOT NULL, -- the setup link in it; '' for none
  made_by    TEXT NOT NULL,
  made_at    INTEGER NOT NULL,
  state      TEXT NOT NULL,
  tries      INTEGER NOT NULL,
  due_at     INTEGER NOT NULL, -- when it is tried; 0 once that is over
  done_at    INTEGER NOT NULL,
  reason     TEXT NOT NULL, -- of the last try
  handed_at  INTEGER NOT NULL,
  holder     TEXT NOT NULL, -- which replica works on it
  held_until INTEGER NOT NULL,
  body       BLOB
);
CREATE INDEX messages_by_due ON messages (state, due_at);
CREATE INDEX messages_by_address ON messages (address_key, id);
CREATE INDEX messages_by_recipient ON messages (recipient_key, made_at);
CREATE INDEX messages_by_maker ON messages (made_by, made_at);
CREATE INDEX messages_by_link ON messages (link, id);
