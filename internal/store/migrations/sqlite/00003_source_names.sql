-- +goose Up

-- The names of domains that sources list, as they last did: a domain's primary name
-- and its aliases, each by the first source that has it.
CREATE TABLE source_names (
  name   TEXT PRIMARY KEY,
  domain TEXT NOT NULL,
  plan   TEXT NOT NULL,
  source TEXT NOT NULL
);
CREATE INDEX source_names_by_domain ON source_names (domain);
CREATE INDEX source_names_by_source ON source_names (source, name);
