PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE autoconfig_schema (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	);
INSERT INTO autoconfig_schema VALUES(1,0,1,'2026-11-27 02:34:26');
INSERT INTO autoconfig_schema VALUES(2,1,1,'2026-11-27 02:34:26');
INSERT INTO autoconfig_schema VALUES(3,2,1,'2026-11-27 02:34:26');
INSERT INTO autoconfig_schema VALUES(4,3,1,'2026-11-27 02:34:26');
INSERT INTO autoconfig_schema VALUES(5,4,1,'2026-11-27 02:34:26');
INSERT INTO autoconfig_schema VALUES(6,5,1,'2026-11-27 02:34:26');
INSERT INTO autoconfig_schema VALUES(7,6,1,'2026-11-27 02:34:26');
CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
);
INSERT INTO meta VALUES('config','2');
INSERT INTO meta VALUES('names','2');
INSERT INTO meta VALUES('site_id','hy67makgtx4doib52cu4bd3n7g');
INSERT INTO meta VALUES('generation','4');
INSERT INTO meta VALUES('certificates','1');
CREATE TABLE providers (
  id       TEXT PRIMARY KEY,
  position INTEGER NOT NULL,
  document TEXT NOT NULL
);
INSERT INTO providers VALUES('main',0,'{"id":"main","name":"Example Mail"}');
CREATE TABLE plans (
  name     TEXT PRIMARY KEY,
  position INTEGER NOT NULL,
  document TEXT NOT NULL
);
INSERT INTO plans VALUES('standard',0,'{"name":"standard","provider":"main","servers":{"imap":[{"host":"imap.example.com","port":993,"security":"tls","auth":["PLAIN"]}],"pop3":[{"host":"pop.example.com","port":995,"security":"tls","auth":["PLAIN"]}],"smtp":[{"host":"smtp.example.com","port":465,"security":"tls","auth":["PLAIN"]}]}}');
CREATE TABLE domains (
  name     TEXT PRIMARY KEY,
  position INTEGER NOT NULL,
  document TEXT NOT NULL
);
INSERT INTO domains VALUES('example.com',0,'{"name":"example.com","aliases":["example.net","xn--mller-kva.example"],"plan":"standard"}');
INSERT INTO domains VALUES('example.org',1,'{"name":"example.org","plan":"standard"}');
CREATE TABLE domain_names (
  name   TEXT PRIMARY KEY,
  domain TEXT NOT NULL
);
INSERT INTO domain_names VALUES('example.com','example.com');
INSERT INTO domain_names VALUES('example.net','example.com');
INSERT INTO domain_names VALUES('xn--mller-kva.example','example.com');
INSERT INTO domain_names VALUES('example.org','example.org');
CREATE TABLE accounts (
  id       INTEGER PRIMARY KEY,
  address  TEXT NOT NULL UNIQUE, -- settings.Address.Key
  domain   TEXT NOT NULL,
  own      INTEGER NOT NULL,     -- 1 if it has a protocol, a login or another address of its own
  search   TEXT NOT NULL,        -- address and name in lower case
  document TEXT NOT NULL
);
INSERT INTO accounts VALUES(1,'"bo ss"@example.com','example.com',1,replace('"bo ss"@example.com\nböss <&> "x'' 日本 \','\n',char(10)),'{"address":"\"bo ss\"@example.com","name":"Böss \u003c\u0026\u003e \"x'' 日本 \\","login":"00123","protocol":"pop3","addresses":["boss@example.com"]}');
INSERT INTO accounts VALUES(2,'grüße@example.org','example.org',0,replace('grüße@example.org\n','\n',char(10)),'{"address":"grüße@example.org"}');
INSERT INTO accounts VALUES(3,'office@example.com','example.com',0,replace('office@example.com\n','\n',char(10)),'{"address":"office@example.com"}');
CREATE TABLE addresses (
  address TEXT PRIMARY KEY,
  account INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO addresses VALUES('"bo ss"@example.com',1);
INSERT INTO addresses VALUES('boss@example.com',1);
INSERT INTO addresses VALUES('grüße@example.org',2);
INSERT INTO addresses VALUES('office@example.com',3);
CREATE TABLE digests (
  digest  BLOB NOT NULL,
  account INTEGER NOT NULL,
  PRIMARY KEY (digest, account)
) WITHOUT ROWID;
INSERT INTO digests VALUES(X'1d71552bc1e14fa9abc4643db7351bcd',1);
INSERT INTO digests VALUES(X'356704e5268a717e3e94983287d784e6',1);
INSERT INTO digests VALUES(X'3fc36d0d69110a3b5105c276b998c152',1);
INSERT INTO digests VALUES(X'749b3a73ef83ed56bbbd5fd95baaf5aa',1);
INSERT INTO digests VALUES(X'9207f6848435ecf84935234dcd187b49',1);
INSERT INTO digests VALUES(X'd0966227f2b8ccccb6cc8dea80e726cf',1);
INSERT INTO digests VALUES(X'f157aae1451025f57cf7f853fc1fb977',1);
INSERT INTO digests VALUES(X'f4e1ead4d0c4ca6a38fa5e648ad2e3a4',1);
INSERT INTO digests VALUES(X'359c485804ffce5850406a19c30e6486',2);
INSERT INTO digests VALUES(X'42d490a2f6324e0caacb09d422c8f2c0',3);
INSERT INTO digests VALUES(X'68493a362fc7e5ebf5fc034ae475933a',3);
INSERT INTO digests VALUES(X'cc18bfd1b6afbc84a275fe409a0508d2',3);
INSERT INTO digests VALUES(X'fef7467be26b18386d60de3d2875fa1a',3);
CREATE TABLE pacc (
  name    TEXT PRIMARY KEY,
  served  BLOB,
  waiting BLOB
);
INSERT INTO pacc VALUES('example.com',X'7b2261223a20317d',NULL);
INSERT INTO pacc VALUES('example.net',X'',X'7b0a7d');
CREATE TABLE checks (
  name       TEXT PRIMARY KEY,
  checked_at INTEGER NOT NULL,
  due_at     INTEGER NOT NULL,
  failures   INTEGER NOT NULL, -- checks in a row that found nothing out
  report     TEXT NOT NULL
);
INSERT INTO checks VALUES('example.com',1795521600,1795521600,0,'{"domain":"example.com","served":false,"findings":null}');
CREATE TABLE leases (
  name   TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  until  INTEGER NOT NULL
);
INSERT INTO leases VALUES('checks','me',1795521600);
CREATE TABLE links (
  id         TEXT PRIMARY KEY,     -- sorts by time
  hash       BLOB NOT NULL UNIQUE,
  address    TEXT NOT NULL,        -- as typed; a pseudonym once it is forgotten
  address_key TEXT NOT NULL,       -- settings.Address.Key
  domain     TEXT NOT NULL,
  language   TEXT NOT NULL,
  note       TEXT NOT NULL,
  made_by    TEXT NOT NULL,
  made_at    INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  uses       INTEGER NOT NULL,
  used       INTEGER NOT NULL,
  revoked_at INTEGER NOT NULL,
  revoked_by TEXT NOT NULL,
  ordered    BLOB -- what was ordered under the key of a request: a keyed digest; NULL without a key
);
INSERT INTO links VALUES('06h0qraq00jrc6fsumtes4jn',X'8e31d92f49a3604886582360f0b4c2c8559c1cecd2306b6861d6396762364087','office@example.com','office@example.com','example.com','','','staff:eva',1795521600,1795608000,1,0,0,'',NULL);
INSERT INTO links VALUES('06h0qraq012qbvciha58n1cp',X'48e6440319c6b28b479fc9202631d23e854a17587d4b7544d2f7a531573e48bd','office@example.com','office@example.com','example.com','','','staff:eva',1795521600,1795608000,1,0,0,'',NULL);
INSERT INTO links VALUES('06h0qraq01t5uk5m7mcrol3m',X'44749ce758ed794532ef66db41f980101f4060462a139a59aeac714f6c59672e','office@example.com','office@example.com','example.com','','','staff:eva',1795521600,1795608000,1,0,0,'',NULL);
CREATE TABLE link_events (
  link     TEXT NOT NULL,
  kind     TEXT NOT NULL,
  device   TEXT NOT NULL,
  first_at INTEGER NOT NULL,
  last_at  INTEGER NOT NULL,
  count    INTEGER NOT NULL,
  PRIMARY KEY (link, kind, device)
);
INSERT INTO link_events VALUES('06h0qraq00jrc6fsumtes4jn','opened','iphone',1795521600,1795521600,1);
INSERT INTO link_events VALUES('06h0qraq012qbvciha58n1cp','opened','iphone',1795521600,1795521600,1);
INSERT INTO link_events VALUES('06h0qraq01t5uk5m7mcrol3m','opened','iphone',1795521600,1795521600,1);
CREATE TABLE people (
  id           TEXT PRIMARY KEY,
  issuer       TEXT NOT NULL, -- '' for local people
  subject      TEXT NOT NULL,
  name         TEXT NOT NULL,
  role         TEXT NOT NULL,
  domains      TEXT NOT NULL, -- JSON
  password     TEXT NOT NULL, -- argon2id
  second       BLOB,          -- encrypted
  step         INTEGER NOT NULL,
  failures     INTEGER NOT NULL,
  locked_until INTEGER NOT NULL,
  made_at      INTEGER NOT NULL,
  UNIQUE (issuer, subject)
);
INSERT INTO people VALUES('p1','','eva','eva','admin','["*"]','$argon2id$x',X'00ff2261',7,0,0,1795521600);
INSERT INTO people VALUES('p2','','otto','otto','staff','["example.com"]','$argon2id$y',NULL,0,0,0,1795521600);
CREATE TABLE sessions (
  hash      BLOB PRIMARY KEY,
  person    TEXT NOT NULL,
  made_at   INTEGER NOT NULL,
  seen_at   INTEGER NOT NULL,
  enrolling INTEGER NOT NULL
);
INSERT INTO sessions VALUES(X'612073657373696f6e','p1',1795521600,1795521600,0);
CREATE TABLE tokens (
  id         TEXT PRIMARY KEY,
  hash       BLOB NOT NULL UNIQUE,
  name       TEXT NOT NULL,
  scopes     TEXT NOT NULL, -- JSON
  domains    TEXT NOT NULL, -- JSON
  made_by    TEXT NOT NULL,
  made_at    INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
);
INSERT INTO tokens VALUES('t1',X'612068617368207468617420697320746578742c20616e64206f6e652074686174','panel','["links:read","links:write","messages:read","messages:write","accounts:read","accounts:write","domains:read","domains:write","decisions:read","renders:read","checks:read","checks:write","audit:read"]','["*"]','',1795521600,0);
CREATE TABLE audit (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  at      INTEGER NOT NULL,
  actor   TEXT NOT NULL,
  action  TEXT NOT NULL,
  subject TEXT NOT NULL,
  domain  TEXT NOT NULL,
  detail  TEXT NOT NULL,
  actor_id     TEXT NOT NULL,
  actor_issuer TEXT NOT NULL
);
INSERT INTO audit VALUES(1,1795521600,'staff:eva','link made','office@example.com','example.com','','','');
INSERT INTO audit VALUES(2,1795521600,'staff:eva','link made','office@example.com','example.com','','','');
INSERT INTO audit VALUES(3,1795521600,'staff:eva','link made','office@example.com','example.com','','','');
CREATE TABLE overrides (
  address    TEXT PRIMARY KEY,  -- settings.Address.Key of the mailbox's primary address
  domain     TEXT NOT NULL,
  protocol   TEXT NOT NULL,
  devices    TEXT NOT NULL,
  note       TEXT NOT NULL,
  changed_by TEXT NOT NULL,
  changed_at INTEGER NOT NULL,
  gone_at    INTEGER NOT NULL   -- since when no source knows the account, 0 while one does
);
INSERT INTO overrides VALUES('workshop@example.com','example.com','pop3','','on the phöne','eva',1795521600,0);
CREATE TABLE failures (
  kind        TEXT NOT NULL,
  client      BLOB NOT NULL,
  forgiven_at INTEGER NOT NULL,
  PRIMARY KEY (kind, client)
) WITHOUT ROWID;
INSERT INTO failures VALUES('link',X'0001ff',1795521601000);
CREATE TABLE certificates (
  name       TEXT NOT NULL PRIMARY KEY,
  domain     TEXT NOT NULL, -- whose special name it is; '' for the service's own
  class      INTEGER NOT NULL, -- why it is wanted: certificates.Class
  chain      BLOB,           -- PEM; NULL while there is none
  sealed_key BLOB,           -- encrypted
  issued     INTEGER NOT NULL,
  not_after  INTEGER NOT NULL,
  renew_at   INTEGER NOT NULL,
  due_at     INTEGER NOT NULL, -- when something is to be done
  tried_at   INTEGER NOT NULL,
  failures   INTEGER NOT NULL, -- since the last success
  code       TEXT NOT NULL, -- of the last failure
  reason     TEXT NOT NULL,
  holder     TEXT NOT NULL, -- which replica works on it
  held_until INTEGER NOT NULL
);
INSERT INTO certificates VALUES('autoconfig.example.com','example.com',2,X'2d2d2d2d2d424547494e2043455254494649434154452d2d2d2d2d0a',X'0001ff',1,1795525200,0,1795521600,0,0,'','','',0);
INSERT INTO certificates VALUES('autoconfig.example.net','example.com',2,NULL,NULL,0,0,0,1795521600,0,0,'','','',0);
INSERT INTO certificates VALUES('autoconfig.xn--mller-kva.example','example.com',2,NULL,NULL,0,0,0,1795521600,0,0,'','','',0);
INSERT INTO certificates VALUES('autoconfig.example.org','example.org',2,NULL,NULL,0,0,0,1795521600,0,0,'','','',0);
CREATE TABLE certificate_orders (
  id     TEXT NOT NULL PRIMARY KEY,
  domain TEXT NOT NULL,
  class  INTEGER NOT NULL,
  at     INTEGER NOT NULL
);
INSERT INTO certificate_orders VALUES('jrhgu4sb7kom5hkwfamov2okx2','example.com',2,1795521600);
CREATE TABLE acme_challenges (
  name  TEXT NOT NULL PRIMARY KEY,
  kind  TEXT NOT NULL,
  token TEXT NOT NULL,
  answer TEXT NOT NULL,
  until INTEGER NOT NULL
);
INSERT INTO acme_challenges VALUES('autoconfig.example.com','http-01','t','t.k',1795521600);
CREATE TABLE acme_accounts (
  directory TEXT NOT NULL PRIMARY KEY,
  account   BLOB NOT NULL
);
INSERT INTO acme_accounts VALUES('https://ca.example/directory',X'00ff');
CREATE TABLE source_names (
  name   TEXT PRIMARY KEY,
  domain TEXT NOT NULL,
  plan   TEXT NOT NULL,
  source TEXT NOT NULL
);
INSERT INTO source_names VALUES('listed.example','listed.example','standard','panel');
CREATE TABLE messages (
  id         TEXT NOT NULL PRIMARY KEY,
  kind       TEXT NOT NULL,
  address    TEXT NOT NULL,
  address_key TEXT NOT NULL,
  domain     TEXT NOT NULL,
  recipient  TEXT NOT NULL,
  recipient_key TEXT NOT NULL,
  language   TEXT NOT NULL,
  link       TEXT NOT NULL, -- the setup link in it; '' for none
  made_by    TEXT NOT NULL,
  made_at    INTEGER NOT NULL,
  state      TEXT NOT NULL,
  tries      INTEGER NOT NULL,
  due_at     INTEGER NOT NULL, -- when it is tried; 0 once that is over
  done_at    INTEGER NOT NULL,
  reason     TEXT NOT NULL, -- of the last try
  handed_at  INTEGER NOT NULL,
  holder     TEXT NOT NULL, -- which replica works on it
  held_until INTEGER NOT NULL,
  body       BLOB
);
INSERT INTO messages VALUES('m000','welcome','Office@example.com','office@example.com','example.com','P0@home.test','p0@home.test','de','l1','token:panel',1790000000,'queued',0,1790000000,0,replace('é; ''\n','\n',char(10)),0,'',0,X'0001ff');
INSERT INTO messages VALUES('m001','welcome','Office@example.com','office@example.com','example.com','P1@home.test','p1@home.test','de','l1','token:panel',1790000000,'queued',0,1790000000,0,replace('é; ''\n','\n',char(10)),0,'',0,X'0001ff');
CREATE TABLE recovery_codes (
  hash   BLOB PRIMARY KEY,
  person TEXT NOT NULL
);
INSERT INTO recovery_codes VALUES(X'0001ff','p1');
CREATE TABLE passkeys (
  id            BLOB PRIMARY KEY,
  person        TEXT NOT NULL,
  name          TEXT NOT NULL,
  data          TEXT NOT NULL,
  made_at       INTEGER NOT NULL,
  challenged_at INTEGER NOT NULL
);
INSERT INTO passkeys VALUES(X'0002ff','p1',replace('é; ''\n','\n',char(10)),'{"id":"x"}',1795521600,1795521600000);
CREATE TABLE link_notices (
  link       TEXT NOT NULL,
  kind       TEXT NOT NULL,
  number     INTEGER NOT NULL,
  domain     TEXT NOT NULL,
  at         INTEGER NOT NULL, -- when it happens
  state      TEXT NOT NULL,
  tries      INTEGER NOT NULL,
  due_at     INTEGER NOT NULL, -- when it is tried; 0 once that is over
  done_at    INTEGER NOT NULL,
  reason     TEXT NOT NULL, -- of the last try
  holder     TEXT NOT NULL, -- which replica works on it
  held_until INTEGER NOT NULL,
  PRIMARY KEY (link, kind, number)
);
INSERT INTO link_notices VALUES('l000','opened',1,'example.com',1790000000,'sent',2,0,1790000000,replace('é; ''\n','\n',char(10)),'',0);
INSERT INTO link_notices VALUES('l001','opened',1,'example.com',1790000000,'queued',0,1790000000,0,'','',0);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('autoconfig_schema',7);
INSERT INTO sqlite_sequence VALUES('audit',3);
CREATE INDEX domains_by_position ON domains (position);
CREATE INDEX domain_names_by_domain ON domain_names (domain);
CREATE INDEX accounts_by_domain ON accounts (domain, address);
CREATE INDEX accounts_with_own ON accounts (domain) WHERE own = 1;
CREATE INDEX accounts_by_search ON accounts (search, domain);
CREATE INDEX addresses_by_account ON addresses (account);
CREATE INDEX digests_by_account ON digests (account);
CREATE INDEX checks_by_due ON checks (due_at);
CREATE INDEX links_by_address ON links (address_key);
CREATE INDEX links_by_domain ON links (domain, id);
CREATE INDEX sessions_by_person ON sessions (person);
CREATE INDEX audit_by_domain ON audit (domain, id);
CREATE INDEX audit_by_subject ON audit (subject);
CREATE INDEX overrides_by_domain ON overrides (domain);
CREATE INDEX certificates_by_due ON certificates (class, due_at);
CREATE INDEX certificates_by_issued ON certificates (issued);
CREATE INDEX certificates_by_domain ON certificates (domain, name);
CREATE INDEX certificate_orders_by_time ON certificate_orders (at);
CREATE INDEX source_names_by_domain ON source_names (domain);
CREATE INDEX source_names_by_source ON source_names (source, name);
CREATE INDEX messages_by_due ON messages (state, due_at);
CREATE INDEX messages_by_address ON messages (address_key, id);
CREATE INDEX messages_by_recipient ON messages (recipient_key, made_at);
CREATE INDEX messages_by_maker ON messages (made_by, made_at);
CREATE INDEX messages_by_link ON messages (link, id);
CREATE INDEX recovery_codes_by_person ON recovery_codes (person);
CREATE INDEX passkeys_by_person ON passkeys (person);
CREATE INDEX link_notices_by_due ON link_notices (state, due_at);
COMMIT;
