-- Tables and columns as Postfixadmin 4.0.5 has them, as far as the queries use them.
CREATE TABLE domain (
  domain VARCHAR(255) PRIMARY KEY, description VARCHAR(255) NOT NULL DEFAULT '', backupmx TINYINT(1) NOT NULL DEFAULT '0', active TINYINT(1) NOT NULL DEFAULT '1'
);
CREATE TABLE mailbox (
  username VARCHAR(255) PRIMARY KEY, password VARCHAR(255) NOT NULL DEFAULT '', name VARCHAR(255) NOT NULL DEFAULT '',
  quota INTEGER NOT NULL DEFAULT 0, local_part VARCHAR(255) NOT NULL, domain VARCHAR(255) NOT NULL REFERENCES domain, active TINYINT(1) NOT NULL DEFAULT '1'
);
CREATE TABLE alias (
  address VARCHAR(255) PRIMARY KEY, goto TEXT NOT NULL, domain VARCHAR(255) NOT NULL REFERENCES domain, active TINYINT(1) NOT NULL DEFAULT '1'
);
CREATE TABLE alias_domain (
  alias_domain VARCHAR(255) PRIMARY KEY REFERENCES domain, target_domain VARCHAR(255) NOT NULL REFERENCES domain, active TINYINT(1) NOT NULL DEFAULT '1'
);
INSERT INTO domain (domain, description, backupmx, active) VALUES
  ('ALL', '', 0, 1),
  ('example.com', '', 0, 1),
  ('example.net', 'an alias of it', 0, 1),
  ('closed.example', '', 0, 0),
  ('relayed.example', '', 1, 1);
INSERT INTO mailbox (username, name, quota, local_part, domain, active) VALUES
  ('anna@example.com', 'Anna Müller', 524288000, 'anna', 'example.com', 1),
  ('bert@example.com', 'Bert', 0, 'bert', 'example.com', 1),
  ('gone@example.com', 'Gone', 0, 'gone', 'example.com', 0),
  ('carl@closed.example', 'Carl', 0, 'carl', 'closed.example', 1);
INSERT INTO alias (address, goto, domain, active) VALUES
  ('anna@example.com', 'anna@example.com,archive@elsewhere.example', 'example.com', 1),
  ('bert@example.com', 'bert@example.com', 'example.com', 1),
  ('info@example.com', 'anna@example.com', 'example.com', 1),
  ('team@example.com', 'anna@example.com,bert@example.com', 'example.com', 1),
  ('away@example.com', 'someone@elsewhere.example', 'example.com', 1),
  ('old@example.com', 'anna@example.com', 'example.com', 0),
  ('@example.com', 'anna@example.com', 'example.com', 1);
INSERT INTO alias_domain (alias_domain, target_domain, active) VALUES
  ('example.net', 'example.com', 1);
