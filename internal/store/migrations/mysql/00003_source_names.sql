-- +goose Up

-- The names of domains that sources list, as they last did: a domain's primary name
-- and its aliases, each by the first source that has it.
CREATE TABLE IF NOT EXISTS source_names (
  name   VARBINARY(512) NOT NULL PRIMARY KEY,
  domain VARBINARY(512) NOT NULL,
  plan   VARBINARY(1024) NOT NULL,
  source VARBINARY(512) NOT NULL,
  INDEX source_names_by_domain (domain),
  INDEX source_names_by_source (source, name)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;
