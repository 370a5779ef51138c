-- +goose Up

-- Messages to people by mail: what waits, and what came of it. body is the mail,
-- encrypted, and NULL once it isn't needed any more. handed_at is when its last bytes
-- were about to be sent: from then on nobody else sends it.
CREATE TABLE messages (
  id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  kind       TEXT COLLATE "C" NOT NULL,
  address    TEXT COLLATE "C" NOT NULL,
  address_key TEXT COLLATE "C" NOT NULL,
  domain     TEXT COLLATE "C" NOT NULL,
  recipient  TEXT COLLATE "C" NOT NULL,
  recipient_key TEXT COLLATE "C" NOT NULL,
  language   TEXT COLLATE "C" NOT NULL,
  link       TEXT COLLATE "C" NOT NULL, -- the setup link in it; '' for none
  made_by    TEXT COLLATE "C" NOT NULL,
  made_at    BIGINT NOT NULL,
  state      TEXT COLLATE "C" NOT NULL,
  tries      BIGINT NOT NULL,
  due_at     BIGINT NOT NULL, -- when it is tried; 0 once that is over
  done_at    BIGINT NOT NULL,
  reason     TEXT NOT NULL, -- of the last try
  handed_at  BIGINT NOT NULL,
  holder     TEXT COLLATE "C" NOT NULL, -- which replica works on it
  held_until BIGINT NOT NULL,
  body       BYTEA
);
CREATE INDEX messages_by_due ON messages (state, due_at);
CREATE INDEX messages_by_address ON messages (address_key, id);
CREATE INDEX messages_by_recipient ON messages (recipient_key, made_at);
CREATE INDEX messages_by_maker ON messages (made_by, made_at);
CREATE INDEX messages_by_link ON messages (link, id);
