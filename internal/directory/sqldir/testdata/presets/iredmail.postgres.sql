-- Tables and columns as iRedMail 1.8.1 has them, as far as the queries use them.
CREATE TABLE domain (
  domain VARCHAR(255) NOT NULL DEFAULT '' PRIMARY KEY, description TEXT, backupmx INT2 NOT NULL DEFAULT 0, active INT2 NOT NULL DEFAULT 1
);
CREATE TABLE alias_domain (
  alias_domain VARCHAR(255) NOT NULL PRIMARY KEY, target_domain VARCHAR(255) NOT NULL, active INT2 NOT NULL DEFAULT 1
);
CREATE TABLE mailbox (
  username VARCHAR(255) NOT NULL DEFAULT '' PRIMARY KEY, password VARCHAR(255) NOT NULL DEFAULT '', name VARCHAR(255) NOT NULL DEFAULT '',
  quota INT8 NOT NULL DEFAULT 0, domain VARCHAR(255) NOT NULL DEFAULT '',
  enablepop3 INT2 NOT NULL DEFAULT 1, enablepop3secured INT2 NOT NULL DEFAULT 1,
  enableimap INT2 NOT NULL DEFAULT 1, enableimapsecured INT2 NOT NULL DEFAULT 1, active INT2 NOT NULL DEFAULT 1
);
CREATE TABLE alias (
  address VARCHAR(255) NOT NULL DEFAULT '' PRIMARY KEY, name VARCHAR(255) NOT NULL DEFAULT '', domain VARCHAR(255) NOT NULL DEFAULT '', active INT2 NOT NULL DEFAULT 1
);
CREATE TABLE forwardings (
  id SERIAL PRIMARY KEY, address VARCHAR(255) NOT NULL DEFAULT '', forwarding VARCHAR(255) NOT NULL DEFAULT '',
  domain VARCHAR(255) NOT NULL DEFAULT '', dest_domain VARCHAR(255) NOT NULL DEFAULT '', is_maillist INT2 NOT NULL DEFAULT 0,
  is_list INT2 NOT NULL DEFAULT 0, is_forwarding INT2 NOT NULL DEFAULT 0, is_alias INT2 NOT NULL DEFAULT 0, active INT2 NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX idx_forwardings_address_forwarding ON forwardings (address, forwarding);
INSERT INTO domain (domain, backupmx, active) VALUES
  ('example.com', 0, 1),
  ('closed.example', 0, 0),
  ('relayed.example', 1, 1);
INSERT INTO alias_domain (alias_domain, target_domain) VALUES
  ('example.net', 'example.com');
INSERT INTO mailbox (username, name, quota, domain, enablepop3, enablepop3secured, enableimap, enableimapsecured, active) VALUES
  ('anna@example.com', 'Anna Müller', 500, 'example.com', 0, 1, 1, 1, 1),
  ('bert@example.com', 'Bert', 0, 'example.com', 1, 1, 1, 0, 1),
  ('dora@example.com', 'Dora', 0, 'example.com', 0, 0, 1, 1, 1),
  ('gone@example.com', 'Gone', 0, 'example.com', 1, 1, 1, 1, 0),
  ('carl@closed.example', 'Carl', 0, 'closed.example', 1, 1, 1, 1, 1);
INSERT INTO alias (address, name, domain) VALUES
  ('team@example.com', 'Team', 'example.com');
INSERT INTO forwardings (address, forwarding, domain, dest_domain, is_maillist, is_list, is_forwarding, is_alias, active) VALUES
  ('anna@example.com', 'anna@example.com', 'example.com', 'example.com', 0, 0, 1, 0, 1),
  ('anna@example.com', 'archive@elsewhere.example', 'example.com', 'elsewhere.example', 0, 0, 1, 0, 1),
  ('info@example.com', 'anna@example.com', 'example.com', 'example.com', 0, 0, 0, 1, 1),
  ('team@example.com', 'anna@example.com', 'example.com', 'example.com', 0, 1, 0, 0, 1),
  ('team@example.com', 'bert@example.com', 'example.com', 'example.com', 0, 1, 0, 0, 1),
  ('away@example.com', 'someone@elsewhere.example', 'example.com', 'elsewhere.example', 0, 1, 0, 0, 1),
  ('old@example.com', 'anna@example.com', 'example.com', 'example.com', 0, 0, 0, 1, 0),
  ('list@example.com', 'list@example.com', 'example.com', 'example.com', 1, 0, 0, 0, 1),
  ('example.com', 'anna@example.com', 'example.com', 'example.com', 0, 0, 0, 0, 1);
