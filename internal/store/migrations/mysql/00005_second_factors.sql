-- +goose Up

-- Codes on paper that each take the place of one code of the authenticator app. hash is of
-- person and code, with a key made of the secret.
CREATE TABLE IF NOT EXISTS recovery_codes (
  hash   VARBINARY(64) NOT NULL PRIMARY KEY,
  person VARBINARY(512) NOT NULL,
  INDEX recovery_codes_by_person (person)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;

-- Passkeys (WebAuthn). id is the credential's identity, data what checks its signatures, as JSON.
-- challenged_at is when the last challenge that it answered was made, in milliseconds: none that
-- is older is taken.
CREATE TABLE IF NOT EXISTS passkeys (
  id            VARBINARY(1023) NOT NULL PRIMARY KEY,
  person        VARBINARY(512) NOT NULL,
  name          VARBINARY(512) NOT NULL,
  data          MEDIUMTEXT NOT NULL,
  made_at       BIGINT NOT NULL,
  challenged_at BIGINT NOT NULL,
  INDEX passkeys_by_person (person)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;
