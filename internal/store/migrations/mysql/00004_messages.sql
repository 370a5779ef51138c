-- +goose Up

-- Messages to people by mail: what waits, and what came of it. body is the mail,
-- encrypted, and NULL once it isn't needed any more. handed_at is when its last bytes
-- were about to be sent: from then on nobody else sends it.
CREATE TABLE IF NOT EXISTS messages (
  id         VARBINARY(512) NOT NULL PRIMARY KEY,
  kind       VARBINARY(512) NOT NULL,
  address    VARBINARY(512) NOT NULL,
  address_key VARBINARY(512) NOT NULL,
  domain     VARBINARY(512) NOT NULL,
  recipient  VARBINARY(512) NOT NULL,
  recipient_key VARBINARY(512) NOT NULL,
  language   VARBINARY(512) NOT NULL,
  link       VARBINARY(512) NOT NULL, -- the setup link in it; '' for none
  made_by    VARBINARY(512) NOT NULL,
  made_at    BIGINT NOT NULL,
  state      VARBINARY(512) NOT NULL,
  tries      BIGINT NOT NULL,
  due_at     BIGINT NOT NULL, -- when it is tried; 0 once that is over
  done_at    BIGINT NOT NULL,
  reason     MEDIUMTEXT NOT NULL, -- of the last try
  handed_at  BIGINT NOT NULL,
  holder     VARBINARY(512) NOT NULL, -- which replica works on it
  held_until BIGINT NOT NULL,
  body       MEDIUMBLOB,
  INDEX messages_by_due (state, due_at),
  INDEX messages_by_address (address_key, id),
  INDEX messages_by_recipient (recipient_key, made_at),
  INDEX messages_by_maker (made_by, made_at),
  INDEX messages_by_link (link, id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;
