-- +goose Up

-- The names of domains that sources list, as they last did: a domain's primary name
-- and its aliases, each by the first source that has it.
CREATE TABLE source_names (
  name   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  domain TEXT COLLATE "C" NOT NULL,
  plan   TEXT COLLATE "C" NOT NULL,
  source TEXT COLLATE "C" NOT NULL
);
CREATE INDEX source_names_by_domain ON source_names (domain);
CREATE INDEX source_names_by_source ON source_names (source, name);
