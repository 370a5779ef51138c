-- +goose Up

-- Codes on paper that each take the place of one code of the authenticator app. hash is of
-- person and code, with a key made of the secret.
CREATE TABLE recovery_codes (
  hash   BYTEA NOT NULL PRIMARY KEY,
  person TEXT COLLATE "C" NOT NULL
);
CREATE INDEX recovery_codes_by_person ON recovery_codes (person);

-- Passkeys (WebAuthn). id is the credential's identity, data what checks its signatures, as JSON.
-- challenged_at is when the last challenge that it answered was made, in milliseconds: none that
-- is older is taken.
CREATE TABLE passkeys (
  id            BYTEA NOT NULL PRIMARY KEY,
  person        TEXT COLLATE "C" NOT NULL,
  name          TEXT NOT NULL,
  data          TEXT NOT NULL,
  made_at       BIGINT NOT NULL,
  challenged_at BIGINT NOT NULL
);
CREATE INDEX passkeys_by_person ON passkeys (person);
