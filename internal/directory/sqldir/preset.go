package sqldir

import (
	"slices"
	"strings"

	"autoconfig/internal/database"
)

// PresetInfo describes the queries for a mail system that many have.
type PresetInfo struct {
	Name string
	// Version is what the tables were read from.
	Version string
	Kinds   []database.Kind
	// Doc says which mail system it is, and what an operator should know.
	Doc string
}

type preset struct {
	PresetInfo
	queries func(kind database.Kind) Queries
}

// Preset gives the queries for a mail system, if there are some for this kind of
// database.
func Preset(name string, kind database.Kind) (Queries, bool) {
	for _, p := range presets() {
		if p.Name == name && slices.Contains(p.Kinds, kind) {
			return p.queries(kind), true
		}
	}
	return Queries{}, false
}

// Presets lists the mail systems, by name.
func Presets() []PresetInfo {
	var infos []PresetInfo
	for _, p := range presets() {
		infos = append(infos, p.PresetInfo)
	}
	return infos
}

func presets() []preset {
	const sqlite, postgres, mysql = database.SQLite, database.PostgreSQL, database.MySQL
	return []preset{
		{PresetInfo{
			"iredmail", "1.8.1 (2026-05)",
			[]database.Kind{mysql, postgres},
			"iRedMail's database vmail. A mailbox for which only IMAP or only POP3 is enabled (over TLS: enableimapsecured, " +
				"enablepop3secured) has that protocol.",
		}, iredmail},
		{PresetInfo{
			"ispconfig", "3.2 (2023-09)",
			[]database.Kind{mysql},
			"ISPConfig's database dbispconfig. A mailbox for which only IMAP or only POP3 is enabled has that protocol; a " +
				"login of its own is kept.",
		}, ispconfig},
		{PresetInfo{
			"mailcow", "2026-07a",
			[]database.Kind{mysql},
			"mailcow: dockerized. A mailbox for which only IMAP or only POP3 is enabled has that protocol.",
		}, mailcow},
		{PresetInfo{
			"mailu", "2024.06.57",
			[]database.Kind{sqlite, postgres, mysql},
			"Mailu. A mailbox for which only IMAP or only POP3 is enabled has that protocol. Aliases with wildcards are left " +
				"out.",
		}, mailu},
		{PresetInfo{
			"modoboa", "2.9.3 (2026-08)",
			[]database.Kind{postgres, mysql},
			"Modoboa.",
		}, modoboa},
		{PresetInfo{
			"postfixadmin", "4.0.5 (2026-08)",
			[]database.Kind{mysql, postgres, sqlite},
			"Postfixadmin.",
		}, postfixadmin},
		{PresetInfo{
			"virtual", "ISPmail tutorial (Debian 12)",
			[]database.Kind{mysql, postgres, sqlite},
			"The tables virtual_domains, virtual_users and virtual_aliases of many tutorials for Postfix and Dovecot. They " +
				"have no names; where yours have a quota, add it to the query.",
		}, virtual},
	}
}

// dialect writes what differs between databases.
type dialect struct{ kind database.Kind }

// like searches columns for :pattern in any letter case.
func (d dialect) like(columns ...string) string {
	operator, escape := " LIKE :pattern", ""
	switch d.kind {
	case database.PostgreSQL:
		operator = " ILIKE :pattern"
	case database.SQLite:
		escape = ` ESCAPE '\'`
	}
	var parts []string
	for _, column := range columns {
		if d.kind == database.MySQL { // whatever the column's own character set and collation are
			column = "CONVERT(" + column + " USING utf8mb4)"
		}
		parts = append(parts, column+operator+escape)
	}
	return "(" + strings.Join(parts, " OR ") + ")"
}

// pages is the end of a query for a page of a list.
const pages = " LIMIT :limit"

// only gives the protocol of a mailbox for which the other one is off.
func only(imap, pop3 string) string {
	return "CASE WHEN " + imap + " AND NOT (" + pop3 + ") THEN 'imap' WHEN " + pop3 + " AND NOT (" + imap +
		") THEN 'pop3' END"
}

// flag is a condition as a column: NULL, which no WHERE takes for true, is 0.
func flag(condition string) string { return "CASE WHEN " + condition + " THEN 1 ELSE 0 END" }

// union is a page of two lists of domains, each of which is a page itself: else a
// database would sort all that is left for every page.
func union(own, aliases string) string {
	return "SELECT * FROM (" + own + pages + ") o\nUNION ALL SELECT * FROM (" + aliases + pages + ") a ORDER BY name" +
		pages
}

// The domains of these systems have a table of their own, and so do their aliases.
// In Postfixadmin an alias is in both; the table of aliases then decides.
func domains(active, aliasActive string) (domain, domains string) {
	own := "NOT EXISTS (SELECT 1 FROM alias_domain x WHERE x.alias_domain = d.domain AND " +
		strings.ReplaceAll(aliasActive, "ad.", "x.") + ")"
	const join = " FROM alias_domain ad JOIN domain d ON d.domain = ad.target_domain\nWHERE "
	domain = "SELECT d.domain AS domain, " + flag(active) + " AS active FROM domain d WHERE d.domain = :domain\nAND " +
		own +
		"\nUNION ALL SELECT d.domain, " + flag(active) + join + "ad.alias_domain = :domain AND " + aliasActive
	return domain, union(
		"SELECT d.domain AS name, d.domain AS domain, "+flag(active)+
			" AS active FROM domain d WHERE d.domain > :after\nAND "+own+" ORDER BY d.domain",
		"SELECT ad.alias_domain AS name, d.domain AS domain, "+flag(active)+
			" AS active"+join+"ad.alias_domain > :after AND "+aliasActive+" ORDER BY ad.alias_domain")
}

// Read from public/upgrade.php and DOCUMENTS/POSTFIX_CONF.txt, commit 65b10f7 of
// 2026-08-07. Quotas are kept in bytes. Active is a boolean in PostgreSQL and a
// number elsewhere; both can stand as conditions. The domain ALL stands for those that
// an administrator may change.
func postfixadmin(kind database.Kind) Queries {
	d := dialect{kind}
	const from = " FROM mailbox m JOIN domain d ON d.domain = m.domain WHERE "
	active := flag("m.active AND d.active")
	domain, domains := domains("d.active AND NOT d.backupmx AND d.domain <> 'ALL'", "ad.active")
	return Queries{
		Account: "SELECT m.username AS address, m.name AS name, m.quota AS quota, " + active + " AS active" + from +
			"m.username = :address",
		Alias:   "SELECT a.address AS address, a.goto AS target FROM alias a WHERE a.address = :address AND a.active",
		Domain:  domain,
		Domains: domains,
		Search: "SELECT m.username AS address, m.name AS name, m.quota AS quota" + from + d.like("m.username", "m.name") +
			" AND (:domain = '' OR m.domain = :domain) AND m.active AND d.active ORDER BY m.username" + pages,
		List: "SELECT m.username AS address, " + active + " AS active" + from + "m.username > :after ORDER BY m.username" +
			pages,
	}
}

// Read from data/web/inc/init_db.inc.php, data/web/inc/functions.mailbox.inc.php
// and data/Dockerfiles/postfix/postfix.sh, commit 0642467 of 2026-08-05. Quotas are
// kept in bytes; active is 2 for a mailbox that takes mail but has no login; what
// is no person is a location, a thing or a group.
func mailcow(kind database.Kind) Queries {
	d := dialect{kind}
	const (
		from = " FROM mailbox m JOIN domain d ON d.domain = m.domain WHERE m.kind NOT IN ('location', 'thing', 'group') " +
			"AND "
		active = "m.active = 1 AND d.active = 1"
	)
	domain, domains := domains("d.active = 1", "ad.active = 1")
	protocol := only("COALESCE(JSON_VALUE(m.attributes, '$.imap_access'), '1') <> '0'",
		"COALESCE(JSON_VALUE(m.attributes, '$.pop3_access'), '1') <> '0'")
	return Queries{
		Account: "SELECT m.username AS address, m.name AS name, m.quota AS quota, " + flag(active) + " AS active, " +
			protocol + " AS protocol" + from + "m.username = :address",
		Alias:   "SELECT a.address AS address, a.goto AS target FROM alias a WHERE a.address = :address AND a.active = 1",
		Domain:  domain,
		Domains: domains,
		Search: "SELECT m.username AS address, m.name AS name, m.quota AS quota, " + protocol + " AS protocol" + from +
			d.like("m.username", "m.name") +
			" AND (:domain = '' OR m.domain = :domain) AND " + active + " ORDER BY m.username" + pages,
		List: "SELECT m.username AS address, " + flag(active) + " AS active" + from +
			"m.username > :after ORDER BY m.username" + pages,
	}
}

// Read from samples/iredmail/iredmail.mysql and .pgsql, samples/postfix and
// samples/dovecot, commit e0fe4fc of 2026-05-14. Quotas are kept in units of
// 1048576 bytes. A catch-all has the domain alone as its address. Dovecot asks the
// column of the protocol and of TLS: enableimapsecured, and not enableimap, which is
// for connections that its settings refuse.
func iredmail(kind database.Kind) Queries {
	d := dialect{kind}
	const (
		from   = " FROM mailbox m JOIN domain d ON d.domain = m.domain WHERE "
		active = "m.active = 1 AND d.active = 1"
	)
	domain, domains := domains("d.active = 1 AND d.backupmx = 0", "ad.active = 1")
	columns := "m.username AS address, m.name AS name, m.quota * 1048576 AS quota, " +
		only("m.enableimapsecured = 1", "m.enablepop3secured = 1") + " AS protocol"
	return Queries{
		Account: "SELECT " + columns + ", " + flag(active) + " AS active" + from + "m.username = :address",
		Alias: "SELECT f.address AS address, f.forwarding AS target FROM forwardings f WHERE f.address = :address AND " +
			"f.active = 1 AND f.is_maillist = 0",
		Domain:  domain,
		Domains: domains,
		Search: "SELECT " + columns + from + d.like("m.username", "m.name") +
			" AND (:domain = '' OR m.domain = :domain) AND " + active +
			" ORDER BY m.username" + pages,
		List: "SELECT m.username AS address, " + flag(active) + " AS active" + from +
			"m.username > :after ORDER BY m.username" + pages,
	}
}

// Read from modoboa/core/models.py, modoboa/admin/models, modoboa/admin/postfix_maps.py
// and doc-ng/installation/dovecot.md, commit 9ec7497 of 2026-08-04. Dovecot looks
// mailboxes up by core_user.email, too: it has an index, admin_mailbox.address has
// none. Quotas are kept in units of 1048576 bytes, which a 32-bit number can't hold
// as bytes.
func modoboa(kind database.Kind) Queries {
	d := dialect{kind}
	const (
		from = " FROM core_user u JOIN admin_mailbox mb ON mb.user_id = u.id JOIN admin_domain d ON d.id = mb.domain_id " +
			"WHERE "
		active = "u.is_active AND d.enabled"
		names  = "u.email AS address, CONCAT(u.first_name, ' ', u.last_name) AS name, " +
			"CASE WHEN mb.use_domain_quota THEN d.default_mailbox_quota ELSE mb.quota END * 1048576.0 AS quota"
	)
	return Queries{
		Account: "SELECT " + names + ", " + flag(active) + " AS active" + from + "u.email = :address",
		Alias: "SELECT a.address AS address, r.address AS target FROM admin_alias a JOIN modoboa_admin_aliasrecipient r " +
			"ON r.alias_id = a.id " +
			"WHERE a.address = :address AND a.enabled AND (a.expire_at IS NULL OR a.expire_at > CURRENT_TIMESTAMP)",
		Domain: `SELECT d.name AS domain, d.enabled AS active FROM admin_domain d WHERE d.name = :domain AND d.type = 'domain'
UNION ALL SELECT d.name, d.enabled FROM admin_domainalias da JOIN admin_domain d ON d.id = da.target_id ` +
			`WHERE da.name = :domain AND da.enabled`,
		Domains: union(
			"SELECT d.name AS name, d.name AS domain, d.enabled AS active FROM admin_domain d WHERE d.name > :after AND "+
				"d.type = 'domain' ORDER BY d.name",
			"SELECT da.name AS name, d.name AS domain, d.enabled AS active FROM admin_domainalias da JOIN admin_domain d ON "+
				"d.id = da.target_id "+
				"WHERE da.name > :after AND da.enabled ORDER BY da.name"),
		Search: "SELECT " + names + from + d.like("u.email", "u.first_name", "u.last_name",
			"CONCAT(u.first_name, ' ', u.last_name)") +
			" AND (:domain = '' OR d.name = :domain) AND " + active + " ORDER BY u.email" + pages,
		List: "SELECT u.email AS address, " + flag(active) + " AS active" + from + "u.email > :after ORDER BY u.email" +
			pages,
	}
}

// Or fills what q leaves empty from a preset. "-" in q leaves it empty. The preset's
// list of domains belongs to its query for one.
func (q Queries) Or(preset Queries) Queries {
	if q.Domain != "" {
		preset.Domains = ""
	}
	for _, pair := range [][2]*string{
		{&q.Account, &preset.Account},
		{&q.Alias, &preset.Alias},
		{&q.Domain, &preset.Domain},
		{&q.Domains, &preset.Domains},
		{&q.Search, &preset.Search},
		{&q.List, &preset.List},
	} {
		switch *pair[0] {
		case "":
			*pair[0] = *pair[1]
		case "-":
			*pair[0] = ""
		}
	}
	return q
}
