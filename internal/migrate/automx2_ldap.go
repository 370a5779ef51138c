package migrate

import (
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
)

// ldapServer says what to write instead of a row of ldapserver.
func (m *automx2Import) ldapServer(l automx2LDAP) {
	var domains []string
	for _, d := range m.tables.domains {
		if d.ldap == l.id {
			domains = append(domains, d.name)
		}
	}
	element := fmt.Sprintf("ldapserver %d %s", l.id, l.host)
	if len(domains) == 0 {
		m.skip(element, "no domain uses it")
		return
	}
	m.skip(element, "logins of %s that come from a directory; use a source of kind ldap in autoconfig.yaml, and say on "+
		"other domains which sources they have, if any:\n%s", strings.Join(domains, ", "), ldapSource(l))
}

// searched finds the attribute that automx2's filter compares with the address.
var searched = regexp.MustCompile(`\(([A-Za-z0-9.;-]+)=\{0?\}\)`)

// ldapSource writes a source for autoconfig.yaml that finds the entry that automx2 finds by its
// address, and its login.
func ldapSource(l automx2LDAP) string {
	scheme := "ldap"
	note := "      starttls: true    # automx2 sent the password in the clear\n"
	if l.ssl {
		scheme = "ldaps"
		note = ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "sources:\n  - name: %s\n    ldap:\n      servers: [%q]\n%s", automx2ID(l.id),
		scheme+"://"+net.JoinHostPort(l.host, strconv.Itoa(l.port)), note)
	if l.login != "" {
		fmt.Fprintf(&b, "      bind_dn: %q\n      password_file: %s.password    # with the password of automx2's table "+
			"ldapserver\n", l.login, automx2ID(l.id))
	}
	address := "mail"
	if m := searched.FindStringSubmatch(l.filter); m != nil {
		address = m[1]
	}
	fmt.Fprintf(&b, "      base: %q\n      filter: %q\n      attributes: {address: %q, login: %q", l.base,
		strings.NewReplacer("{0}", "{address}", "{}", "{address}").Replace(l.filter), address, l.uid)
	if l.cn != "" {
		fmt.Fprintf(&b, ", name: %q", l.cn)
	}
	return b.String() + "}"
}
