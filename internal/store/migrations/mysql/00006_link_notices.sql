-- +goose Up

-- What a program of the operator's is told about setup links, each once: link, kind and number (of a use) name it,
-- in the table and to the program. An expiry is written when the link is made, and is told at its time if the link
-- was never used.
CREATE TABLE IF NOT EXISTS link_notices (
  link       VARBINARY(512) NOT NULL,
  kind       VARBINARY(512) NOT NULL,
  number     BIGINT NOT NULL,
  domain     VARBINARY(512) NOT NULL,
  at         BIGINT NOT NULL, -- when it happens
  state      VARBINARY(512) NOT NULL,
  tries      BIGINT NOT NULL,
  due_at     BIGINT NOT NULL, -- when it is tried; 0 once that is over
  done_at    BIGINT NOT NULL,
  reason     MEDIUMTEXT NOT NULL, -- of the last try
  holder     VARBINARY(512) NOT NULL, -- which replica works on it
  held_until BIGINT NOT NULL,
  PRIMARY KEY (link, kind, number),
  INDEX link_notices_by_due (state, due_at)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;
