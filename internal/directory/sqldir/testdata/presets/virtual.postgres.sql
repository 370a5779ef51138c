-- The tables of many tutorials for Postfix and Dovecot.
CREATE TABLE virtual_domains (id SERIAL PRIMARY KEY, name VARCHAR(50) NOT NULL);
CREATE TABLE virtual_users (
  id SERIAL PRIMARY KEY, domain_id INT NOT NULL, email VARCHAR(100) NOT NULL UNIQUE, password VARCHAR(150) NOT NULL DEFAULT ''
);
CREATE TABLE virtual_aliases (id SERIAL PRIMARY KEY, domain_id INT NOT NULL, source VARCHAR(100) NOT NULL, destination VARCHAR(100) NOT NULL);
INSERT INTO virtual_domains (id, name) VALUES
  (1, 'example.com'),
  (2, 'example.org');
INSERT INTO virtual_users (domain_id, email) VALUES
  (1, 'anna@example.com'),
  (1, 'bert@example.com'),
  (2, 'anna@example.org');
INSERT INTO virtual_aliases (domain_id, source, destination) VALUES
  (1, 'info@example.com', 'anna@example.com'),
  (1, 'team@example.com', 'anna@example.com'),
  (1, 'team@example.com', 'bert@example.com'),
  (1, 'away@example.com', 'someone@elsewhere.example'),
  (1, '@example.com', 'anna@example.com');
