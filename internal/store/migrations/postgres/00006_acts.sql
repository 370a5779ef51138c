-- +goose Up

-- Names of people aren't unique: who did something is told by an identity too, and
-- by the identity provider that vouched for it ('' for nobody's).
ALTER TABLE audit ADD COLUMN IF NOT EXISTS actor_id TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN IF NOT EXISTS actor_issuer TEXT COLLATE "C" NOT NULL DEFAULT '';

-- What was ordered under the key of a request: a keyed digest. NULL where there was
-- no key.
ALTER TABLE links ADD COLUMN IF NOT EXISTS ordered BYTEA;

-- +goose Down
ALTER TABLE links DROP COLUMN ordered;
ALTER TABLE audit DROP COLUMN actor_issuer;
ALTER TABLE audit DROP COLUMN actor_id;
