-- +goose Up

-- Codes on paper that each take the place of one code of the authenticator app. hash is of
-- person and code, with a key made of the secret.
CREATE TABLE recovery_codes (
  hash   BLOB PRIMARY KEY,
  person TEXT NOT NULL
);
CREATE INDEX recovery_codes_by_person ON recovery_codes (person);

-- Passkeys (WebAuthn). id is the credential's identity, data what checks its signatures, as JSON.
-- challenged_at is when the last challenge that it answered was made, in milliseconds: none that
-- is older is taken.
CREATE TABLE passkeys (
  id            BLOB PRIMARY KEY,
  person        TEXT NOT NULL,
  name          TEXT NOT NULL,
  data          TEXT NOT NULL,
  made_at       INTEGER NOT NULL,
  challenged_at INTEGER NOT NULL
);
CREATE INDEX passkeys_by_person ON passkeys (person);
