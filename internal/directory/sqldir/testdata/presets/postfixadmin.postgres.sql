-- Tables and columns as Postfixadmin 4.0.5 has them, as far as the queries use them.
CREATE TABLE domain (
  domain VARCHAR(255) PRIMARY KEY, description VARCHAR(255) NOT NULL DEFAULT '', backupmx BOOLEAN NOT NULL DEFAULT FALSE, active BOOLEAN NOT NULL DEFAULT TRUE
);
CREATE TABLE mailbox (
  username VARCHAR(255) PRIMARY KEY, password VARCHAR(255) NOT NULL DEFAULT '', name VARCHAR(255) NOT NULL DEFAULT '',
  quota BIGINT NOT NULL DEFAULT 0, local_part VARCHAR(255) NOT NULL, domain VARCHAR(255) NOT NULL REFERENCES domain, active BOOLEAN NOT NULL DEFAULT TRUE
);
CREATE TABLE alias (
  address VARCHAR(255) PRIMARY KEY, goto TEXT NOT NULL, domain VARCHAR(255) NOT NULL REFERENCES domain, active BOOLEAN NOT NULL DEFAULT TRUE
);
CREATE TABLE alias_domain (
  alias_domain VARCHAR(255) PRIMARY KEY REFERENCES domain, target_domain VARCHAR(255) NOT NULL REFERENCES domain, active BOOLEAN NOT NULL DEFAULT TRUE
);
INSERT INTO domain (domain, description, backupmx, active) VALUES
  ('ALL', '', FALSE, TRUE),
  ('example.com', '', FALSE, TRUE),
  ('example.net', 'an alias of it', FALSE, TRUE),
  ('closed.example', '', FALSE, FALSE),
  ('relayed.example', '', TRUE, TRUE);
INSERT INTO mailbox (username, name, quota, local_part, domain, active) VALUES
  ('anna@example.com', 'Anna Müller', 524288000, 'anna', 'example.com', TRUE),
  ('bert@example.com', 'Bert', 0, 'bert', 'example.com', TRUE),
  ('gone@example.com', 'Gone', 0, 'gone', 'example.com', FALSE),
  ('carl@closed.example', 'Carl', 0, 'carl', 'closed.example', TRUE);
INSERT INTO alias (address, goto, domain, active) VALUES
  ('anna@example.com', 'anna@example.com,archive@elsewhere.example', 'example.com', TRUE),
  ('bert@example.com', 'bert@example.com', 'example.com', TRUE),
  ('info@example.com', 'anna@example.com', 'example.com', TRUE),
  ('team@example.com', 'anna@example.com,bert@example.com', 'example.com', TRUE),
  ('away@example.com', 'someone@elsewhere.example', 'example.com', TRUE),
  ('old@example.com', 'anna@example.com', 'example.com', FALSE),
  ('@example.com', 'anna@example.com', 'example.com', TRUE);
INSERT INTO alias_domain (alias_domain, target_domain, active) VALUES
  ('example.net', 'example.com', TRUE);
