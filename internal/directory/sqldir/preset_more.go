package sqldir

import (
	"autoconfig/internal/database"
)

// Read from install/sql/ispconfig3.sql of a mirror, commit 47fb178 of 2023-09-08.
// Quotas are kept in bytes, -1 for none. mail_forwarding has an index by server and
// source, not by source alone: the server comes from the domain, which has one. In
// the same way an alias of a domain is in both tables. A mailbox that takes no mail
// (postfix = 'n') can be signed in to even so: Dovecot's queries don't look at it.
func ispconfig(kind database.Kind) Queries {
	d := dialect{kind}
	const (
		columns = "m.email AS address, NULLIF(m.login, m.email) AS login, m.name AS name, m.quota AS quota"
		active  = "d.active = 'y' AND (m.disableimap = 'n' OR m.disablepop3 = 'n')"
		alias   = "f.type = 'aliasdomain' AND f.active = 'y'"
	)
	protocol := only("m.disableimap = 'n'", "m.disablepop3 = 'n'")
	return Queries{
		Account: "SELECT " + columns + ", " + protocol + " AS protocol, " + flag(active) + " AS active" +
			" FROM mail_user m JOIN mail_domain d ON d.domain = :domain WHERE m.email = :address",
		Alias: "SELECT f.source AS address, f.destination AS target FROM mail_domain d JOIN mail_forwarding f ON " +
			"f.server_id = d.server_id " +
			"WHERE d.domain = :domain AND f.source = :address AND f.type IN ('alias', 'forward') AND f.active = 'y'",
		Domain: `SELECT d.domain AS domain, d.active AS active FROM mail_domain d WHERE d.domain = :domain AND NOT EXISTS
(SELECT 1 FROM mail_forwarding x WHERE x.server_id = d.server_id AND x.source = CONCAT('@', :domain) ` +
			`AND x.type = 'aliasdomain' AND x.active = 'y')
UNION ALL SELECT t.domain, t.active FROM mail_domain d JOIN mail_forwarding f ON f.server_id = d.server_id
JOIN mail_domain t ON t.domain = SUBSTRING(f.destination, 2)
WHERE d.domain = :domain AND f.source = CONCAT('@', :domain) AND ` + alias,
		Domains: union(`SELECT d.domain AS name, d.domain AS domain, d.active AS active FROM mail_domain d `+
			`WHERE d.domain > :after AND NOT EXISTS
(SELECT 1 FROM mail_forwarding x WHERE x.server_id = d.server_id AND x.source = CONCAT('@', d.domain) `+
			`AND x.type = 'aliasdomain' AND x.active = 'y') ORDER BY d.domain`,
			`SELECT d.domain AS name, t.domain AS domain, t.active AS active FROM mail_forwarding f
JOIN mail_domain d ON d.domain = SUBSTRING(f.source, 2) AND d.server_id = f.server_id `+
				`JOIN mail_domain t ON t.domain = SUBSTRING(f.destination, 2)
WHERE d.domain > :after AND `+alias+` ORDER BY d.domain`),
		Search: "SELECT " + columns + ", " + protocol + " AS protocol FROM mail_user m JOIN mail_domain d ON d.domain = " +
			"SUBSTRING_INDEX(m.email, '@', -1) WHERE " +
			d.like("m.email", "m.login", "m.name") + " AND (:domain = '' OR d.domain = :domain) AND " + active +
			" ORDER BY m.email" + pages,
		List: "SELECT m.email AS address, " + flag(active) + " AS active FROM mail_user m JOIN mail_domain d ON d.domain " +
			"= SUBSTRING_INDEX(m.email, '@', -1)" +
			" WHERE m.email > :after ORDER BY m.email" + pages,
	}
}

// Read from core/admin/mailu/models.py, release 2024.06.57. Quotas are kept in
// bytes. The table's name is a reserved word. Later versions can disable an alias,
// in a column that this release doesn't have; a domain can't be disabled.
func mailu(kind database.Kind) Queries {
	d := dialect{kind}
	user := `"user"`
	if kind == database.MySQL {
		user = "`user`"
	}
	from := " FROM " + user + " u WHERE "
	columns := "u.email AS address, u.displayed_name AS name, u.quota_bytes AS quota, " +
		only("u.enable_imap", "u.enable_pop") + " AS protocol"
	return Queries{
		Account: "SELECT " + columns + ", u.enabled AS active" + from + "u.email = :address",
		Alias: "SELECT a.email AS address, a.destination AS target FROM alias a WHERE a.email = :address AND NOT " +
			"a.wildcard",
		Domain: "SELECT d.name AS domain FROM domain d WHERE d.name = :domain " +
			"UNION ALL SELECT a.domain_name FROM alternative a WHERE a.name = :domain",
		Domains: union("SELECT d.name AS name, d.name AS domain FROM domain d WHERE d.name > :after ORDER BY d.name",
			"SELECT a.name AS name, a.domain_name AS domain FROM alternative a WHERE a.name > :after ORDER BY a.name"),
		Search: "SELECT " + columns + from + d.like("u.email", "u.displayed_name") +
			" AND (:domain = '' OR u.domain_name = :domain) AND u.enabled ORDER BY u.email" + pages,
		List: "SELECT u.email AS address, u.enabled AS active" + from + "u.email > :after ORDER BY u.email" + pages,
	}
}

// The least that the tutorials have in common: virtual_users(id, domain_id, email,
// password), virtual_aliases(id, domain_id, source, destination) and
// virtual_domains(id, name). Many have no index on source and name: their tables of
// aliases and domains are small, or should get one.
func virtual(kind database.Kind) Queries {
	d := dialect{kind}
	return Queries{
		Account: "SELECT u.email AS address FROM virtual_users u WHERE u.email = :address",
		Alias:   "SELECT a.source AS address, a.destination AS target FROM virtual_aliases a WHERE a.source = :address",
		Domain:  "SELECT d.name AS domain FROM virtual_domains d WHERE d.name = :domain",
		Domains: "SELECT d.name AS name FROM virtual_domains d WHERE d.name > :after ORDER BY d.name" + pages,
		Search: "SELECT u.email AS address FROM virtual_users u JOIN virtual_domains d ON d.id = u.domain_id WHERE " +
			d.like("u.email") +
			" AND (:domain = '' OR d.name = :domain) ORDER BY u.email" + pages,
		List: "SELECT u.email AS address FROM virtual_users u WHERE u.email > :after ORDER BY u.email" + pages,
	}
}
