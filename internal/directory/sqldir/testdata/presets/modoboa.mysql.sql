-- Tables and columns as Modoboa 2.9.3 has them, as far as the queries use them.
CREATE TABLE core_user (
  id INT AUTO_INCREMENT PRIMARY KEY, username VARCHAR(254) NOT NULL UNIQUE, first_name VARCHAR(150) NOT NULL, last_name VARCHAR(150) NOT NULL,
  email VARCHAR(254) NOT NULL, is_active TINYINT(1) NOT NULL
);
CREATE INDEX core_user_email ON core_user (email);
CREATE TABLE admin_domain (
  id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(100) NOT NULL UNIQUE, quota INT NOT NULL, default_mailbox_quota INT NOT NULL, enabled TINYINT(1) NOT NULL, type VARCHAR(20) NOT NULL
);
CREATE TABLE admin_domainalias (
  id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(100) NOT NULL UNIQUE, target_id INT NOT NULL, enabled TINYINT(1) NOT NULL
);
CREATE TABLE admin_mailbox (
  id INT AUTO_INCREMENT PRIMARY KEY, address VARCHAR(252) NOT NULL, quota INT NOT NULL, use_domain_quota TINYINT(1) NOT NULL, domain_id INT NOT NULL, user_id INT NOT NULL UNIQUE
);
CREATE INDEX admin_mailbox_domain ON admin_mailbox (domain_id);
CREATE TABLE admin_alias (
  id INT AUTO_INCREMENT PRIMARY KEY, address VARCHAR(254) NOT NULL, domain_id INT, enabled TINYINT(1) NOT NULL, internal TINYINT(1) NOT NULL, expire_at DATETIME(6), UNIQUE (address, internal)
);
CREATE TABLE modoboa_admin_aliasrecipient (
  id INT AUTO_INCREMENT PRIMARY KEY, address VARCHAR(254) NOT NULL, alias_id INT NOT NULL, r_mailbox_id INT, r_alias_id INT
);
CREATE INDEX modoboa_admin_aliasrecipient_alias ON modoboa_admin_aliasrecipient (alias_id);
INSERT INTO core_user (id, username, first_name, last_name, email, is_active) VALUES
  (1, 'anna@example.com', 'Anna', 'Müller', 'anna@example.com', 1),
  (2, 'bert@example.com', 'Bert', '', 'bert@example.com', 1),
  (3, 'gone@example.com', 'Gone', '', 'gone@example.com', 0),
  (4, 'carl@closed.example', 'Carl', '', 'carl@closed.example', 1),
  (5, 'admin', 'An', 'Administrator', 'admin@example.com', 1);
INSERT INTO admin_domain (id, name, quota, default_mailbox_quota, enabled, type) VALUES
  (1, 'example.com', 0, 3000, 1, 'domain'),
  (2, 'closed.example', 0, 0, 0, 'domain'),
  (3, 'relayed.example', 0, 0, 1, 'relaydomain');
INSERT INTO admin_domainalias (name, target_id, enabled) VALUES
  ('example.net', 1, 1);
INSERT INTO admin_mailbox (id, address, quota, use_domain_quota, domain_id, user_id) VALUES
  (1, 'anna', 500, 0, 1, 1),
  (2, 'bert', 0, 1, 1, 2),
  (3, 'gone', 0, 0, 1, 3),
  (4, 'carl', 0, 0, 2, 4);
INSERT INTO admin_alias (id, address, domain_id, enabled, internal, expire_at) VALUES
  (1, 'anna@example.com', 1, 1, 1, NULL),
  (2, 'info@example.com', 1, 1, 0, '2999-01-01 00:00:00'),
  (3, 'team@example.com', 1, 1, 0, NULL),
  (4, 'old@example.com', 1, 0, 0, NULL),
  (5, 'expired@example.com', 1, 1, 0, '2001-01-01 00:00:00'),
  (6, 'away@example.com', 1, 1, 0, NULL),
  (7, '@example.com', 1, 1, 0, NULL);
INSERT INTO modoboa_admin_aliasrecipient (address, alias_id) VALUES
  ('anna@example.com', 1),
  ('anna@example.com', 2),
  ('anna@example.com', 3),
  ('bert@example.com', 3),
  ('anna@example.com', 4),
  ('anna@example.com', 5),
  ('someone@elsewhere.example', 6),
  ('anna@example.com', 7);
