-- Tables and columns as mailcow 2026-07a has them, as far as the queries use them.
CREATE TABLE domain (
  domain VARCHAR(255) NOT NULL, description VARCHAR(255), backupmx TINYINT(1) NOT NULL DEFAULT 0, active TINYINT(1) NOT NULL DEFAULT 1, PRIMARY KEY (domain)
) DEFAULT CHARSET=utf8mb4;
CREATE TABLE mailbox (
  username VARCHAR(255) NOT NULL, password VARCHAR(255) NOT NULL DEFAULT '', name VARCHAR(255), quota BIGINT(20) NOT NULL DEFAULT 102400,
  local_part VARCHAR(255) NOT NULL, domain VARCHAR(255) NOT NULL, attributes JSON, kind VARCHAR(100) NOT NULL DEFAULT '',
  active TINYINT(1) NOT NULL DEFAULT 1, PRIMARY KEY (username), KEY domain (domain), KEY kind (kind)
) DEFAULT CHARSET=utf8mb4;
CREATE TABLE alias (
  id INT NOT NULL AUTO_INCREMENT, address VARCHAR(255) NOT NULL, goto TEXT NOT NULL, domain VARCHAR(255) NOT NULL, active TINYINT(1) NOT NULL DEFAULT 1,
  PRIMARY KEY (id), UNIQUE KEY address (address), KEY domain (domain)
) DEFAULT CHARSET=utf8mb4;
CREATE TABLE alias_domain (
  alias_domain VARCHAR(255) NOT NULL, target_domain VARCHAR(255) NOT NULL, active TINYINT(1) NOT NULL DEFAULT 1,
  PRIMARY KEY (alias_domain), KEY active (active), KEY target_domain (target_domain)
) DEFAULT CHARSET=utf8mb4;
INSERT INTO domain (domain, active) VALUES
  ('example.com', 1),
  ('closed.example', 0);
INSERT INTO mailbox (username, name, quota, local_part, domain, attributes, kind, active) VALUES
  ('anna@example.com', 'Anna Müller', 524288000, 'anna', 'example.com', '{"imap_access": "1", "pop3_access": "1"}', '', 1),
  ('bert@example.com', 'Bert', 0, 'bert', 'example.com', '{"imap_access": "0", "pop3_access": "1"}', '', 1),
  ('dora@example.com', 'Dora', 0, 'dora', 'example.com', '{"imap_access": "1", "pop3_access": "0"}', '', 1),
  ('gone@example.com', 'Gone', 0, 'gone', 'example.com', NULL, '', 0),
  ('nologin@example.com', 'Takes mail only', 0, 'nologin', 'example.com', NULL, '', 2),
  ('room@example.com', 'A room', 0, 'room', 'example.com', NULL, 'location', 1),
  ('carl@closed.example', 'Carl', 0, 'carl', 'closed.example', NULL, '', 1);
INSERT INTO alias (address, goto, domain, active) VALUES
  ('anna@example.com', 'anna@example.com', 'example.com', 1),
  ('info@example.com', 'anna@example.com', 'example.com', 1),
  ('team@example.com', 'anna@example.com,bert@example.com', 'example.com', 1),
  ('away@example.com', 'null@localhost', 'example.com', 1),
  ('old@example.com', 'anna@example.com', 'example.com', 0),
  ('@example.com', 'anna@example.com', 'example.com', 1);
INSERT INTO alias_domain (alias_domain, target_domain, active) VALUES
  ('example.net', 'example.com', 1);
