-- +goose Up

-- Names of people aren't unique: who did something is told by an identity too, and
-- by the identity provider that vouched for it ('' for nobody's). MySQL has no ADD
-- COLUMN IF NOT EXISTS, and each step may be done again: it is asked first.
SET @step = IF((SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'audit' AND column_name = 'actor_id') > 0, 'DO 0',
  'ALTER TABLE audit ADD COLUMN actor_id VARBINARY(512) NOT NULL DEFAULT '''', ADD COLUMN actor_issuer VARBINARY(512) NOT NULL DEFAULT ''''');
PREPARE step FROM @step;
EXECUTE step;
DEALLOCATE PREPARE step;

-- What was ordered under the key of a request: a keyed digest. NULL where there was
-- no key.
SET @step = IF((SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'links' AND column_name = 'ordered') > 0, 'DO 0',
  'ALTER TABLE links ADD COLUMN ordered VARBINARY(64)');
PREPARE step FROM @step;
EXECUTE step;
DEALLOCATE PREPARE step;

-- +goose Down
ALTER TABLE links DROP COLUMN ordered;
ALTER TABLE audit DROP COLUMN actor_issuer, DROP COLUMN actor_id;
