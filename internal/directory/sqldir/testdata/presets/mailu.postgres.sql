-- Tables and columns as Mailu 2024.06.57 has them, as far as the queries use them.
CREATE TABLE domain (
  name VARCHAR(80) NOT NULL PRIMARY KEY, max_users INTEGER NOT NULL, max_aliases INTEGER NOT NULL
);
CREATE TABLE alternative (
  name VARCHAR(80) NOT NULL PRIMARY KEY, domain_name VARCHAR(80) REFERENCES domain (name)
);
CREATE TABLE "user" (
  localpart VARCHAR(80) NOT NULL, domain_name VARCHAR(80) NOT NULL REFERENCES domain (name), email VARCHAR(255) NOT NULL PRIMARY KEY,
  quota_bytes BIGINT NOT NULL, enabled BOOLEAN NOT NULL, enable_imap BOOLEAN NOT NULL, enable_pop BOOLEAN NOT NULL, displayed_name VARCHAR(160) NOT NULL
);
CREATE TABLE alias (
  localpart VARCHAR(80) NOT NULL, domain_name VARCHAR(80) NOT NULL REFERENCES domain (name), email VARCHAR(255) NOT NULL PRIMARY KEY,
  wildcard BOOLEAN NOT NULL, destination VARCHAR(1023) NOT NULL
);
INSERT INTO domain (name, max_users, max_aliases) VALUES
  ('example.com', -1, -1);
INSERT INTO alternative (name, domain_name) VALUES
  ('example.net', 'example.com');
INSERT INTO "user" (localpart, domain_name, email, quota_bytes, enabled, enable_imap, enable_pop, displayed_name) VALUES
  ('anna', 'example.com', 'anna@example.com', 524288000, TRUE, TRUE, TRUE, 'Anna Müller'),
  ('bert', 'example.com', 'bert@example.com', 0, TRUE, FALSE, TRUE, 'Bert'),
  ('dora', 'example.com', 'dora@example.com', 0, TRUE, TRUE, FALSE, 'Dora'),
  ('gone', 'example.com', 'gone@example.com', 0, FALSE, TRUE, TRUE, 'Gone');
INSERT INTO alias (localpart, domain_name, email, wildcard, destination) VALUES
  ('info', 'example.com', 'info@example.com', FALSE, 'anna@example.com'),
  ('team', 'example.com', 'team@example.com', FALSE, 'anna@example.com,bert@example.com'),
  ('away', 'example.com', 'away@example.com', FALSE, 'someone@elsewhere.example'),
  ('%', 'example.com', '%@example.com', TRUE, 'anna@example.com');
