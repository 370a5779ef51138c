-- Tables and columns as ISPConfig 3.2 has them, as far as the queries use them.
CREATE TABLE mail_domain (
  domain_id INT UNSIGNED NOT NULL AUTO_INCREMENT, server_id INT UNSIGNED NOT NULL DEFAULT 0, domain VARCHAR(255) NOT NULL DEFAULT '',
  active ENUM('n','y') NOT NULL DEFAULT 'n', PRIMARY KEY (domain_id), KEY server_id (server_id, domain), KEY domain_active (domain, active)
) DEFAULT CHARSET=utf8;
CREATE TABLE mail_user (
  mailuser_id INT UNSIGNED NOT NULL AUTO_INCREMENT, server_id INT UNSIGNED NOT NULL DEFAULT 0, email VARCHAR(255) NOT NULL DEFAULT '',
  login VARCHAR(255) NOT NULL DEFAULT '', password VARCHAR(255) NOT NULL DEFAULT '', name VARCHAR(255) NOT NULL DEFAULT '', quota BIGINT NOT NULL DEFAULT -1,
  postfix ENUM('n','y') NOT NULL DEFAULT 'y', access ENUM('n','y') NOT NULL DEFAULT 'y', disableimap ENUM('n','y') NOT NULL DEFAULT 'n', disablepop3 ENUM('n','y') NOT NULL DEFAULT 'n',
  PRIMARY KEY (mailuser_id), KEY server_id (server_id, email), KEY email_access (email, access)
) DEFAULT CHARSET=utf8;
CREATE TABLE mail_forwarding (
  forwarding_id INT UNSIGNED NOT NULL AUTO_INCREMENT, server_id INT UNSIGNED NOT NULL DEFAULT 0, source VARCHAR(255) NOT NULL DEFAULT '', destination TEXT,
  type ENUM('alias','aliasdomain','forward','catchall') NOT NULL DEFAULT 'alias', active ENUM('n','y') NOT NULL DEFAULT 'n',
  PRIMARY KEY (forwarding_id), KEY server_id (server_id, source), KEY type (type)
) DEFAULT CHARSET=utf8;
INSERT INTO mail_domain (server_id, domain, active) VALUES
  (1, 'example.com', 'y'),
  (1, 'example.net', 'y'),
  (1, 'closed.example', 'n');
INSERT INTO mail_user (server_id, email, login, name, quota, postfix, disableimap, disablepop3) VALUES
  (1, 'anna@example.com', 'anna@example.com', 'Anna Müller', 524288000, 'y', 'n', 'n'),
  (1, 'bert@example.com', 'web1bert', 'Bert', -1, 'y', 'y', 'n'),
  (1, 'dora@example.com', 'dora@example.com', 'Dora', 0, 'y', 'n', 'y'),
  (1, 'gone@example.com', 'gone@example.com', 'Gone', 0, 'n', 'n', 'n'),
  (1, 'locked@example.com', 'locked@example.com', 'Locked', 0, 'y', 'y', 'y'),
  (1, 'carl@closed.example', 'carl@closed.example', 'Carl', 0, 'y', 'n', 'n');
INSERT INTO mail_forwarding (server_id, source, destination, type, active) VALUES
  (1, 'info@example.com', 'anna@example.com', 'alias', 'y'),
  (1, 'team@example.com', 'anna@example.com, bert@example.com', 'forward', 'y'),
  (1, 'away@example.com', 'someone@elsewhere.example', 'forward', 'y'),
  (1, 'old@example.com', 'anna@example.com', 'alias', 'n'),
  (1, '@example.com', 'anna@example.com', 'catchall', 'y'),
  (1, '@example.net', '@example.com', 'aliasdomain', 'y');
