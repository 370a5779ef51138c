package ldapdir

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"autoconfig/internal/directory"
	"autoconfig/internal/testkit"
	"autoconfig/settings"
)

// byAlternative is an entry that one alternative of a preset's filter finds, and what
// the reader makes of it: known with the right address, or refused with the reason.
type byAlternative struct {
	filter, attribute string // the alternative; "" for a row that is about a value
	entry             string
	ask               string // an address, or a text to search for
	address, login    string // what is known of it; "" for nothing
	others            string
	why               string // part of the reason
	unlisted          bool   // the list doesn't have it
}

func adRow(filter, attribute, cn, ask, address, others, why string, lines ...string) byAlternative {
	login := ""
	for _, line := range lines {
		if value, is := strings.CutPrefix(line, "userPrincipalName: "); is {
			login = strings.TrimSpace(value)
		}
	}
	control := "512"
	if strings.HasPrefix(cn, "off") {
		control = "514"
	}
	return byAlternative{
		filter: filter, attribute: attribute, entry: activeDirectoryUser(cn, control, lines...), ask: ask, address: address,
		login: login, others: others, why: why,
	}
}

func activeDirectoryAlternatives() []byAlternative {
	row := adRow
	notListed := func(r byAlternative) byAlternative { r.unlisted = true; return r }
	return []byAlternative{
		row("filter", "mail", "mailonly", "mailonly@example.com", "mailonly@example.com", "", "", "mail: mailonly@example.com"),
		row("filter", "proxyAddresses", "nomail", "nomail@firma.example", "nomail@firma.example", "", "",
			"proxyAddresses: SMTP:nomail@firma.example", "userPrincipalName: n.omail@corp.example"),
		row("filter", "userPrincipalName", "upn", "upn@example.com", "upn@example.com", "", "", "userPrincipalName: upn@example.com"),
		row("", "", "renamed", "old@example.com", "new@example.com", "old@example.com", "", "mail: old@example.com", "proxyAddresses: SMTP:new@example.com"),
		row("", "", "renamed2", "new2@example.com", "new2@example.com", "old2@example.com", "", "mail: old2@example.com", "proxyAddresses: SMTP:new2@example.com"),
		row("", "", "small", "small@example.com", "small@example.com", "", "", "proxyAddresses: smtp:small@example.com"),
		row("", "", "smalls", "s1@example.com", "s2@example.com", "s1@example.com", "", "proxyAddresses: smtp:s1@example.com", "proxyAddresses: smtp:s2@example.com",
			"userPrincipalName: s2@example.com"),
		row("", "", "unsure", "u1@example.com", "", "", "several addresses, and none is the mailbox's own", "proxyAddresses: smtp:u1@example.com", "proxyAddresses: smtp:u2@example.com"),
		row("", "", "capitals", "c1@example.com", "c2@example.com", "c1@example.com", "", "proxyAddresses: SMTP:c1@example.com", "proxyAddresses: SMTP:c2@example.com", "mail: c2@example.com"),
		row("", "", "login", "login@example.com", "", "", "which doesn't count where there are other addresses", "userPrincipalName: login@example.com", "mail: l.ogin@example.com"),
		row("", "", "junk", "junk@example.com", "junk@example.com", "", "", "mail: none", "userPrincipalName: junk@example.com"),
		row("", "", "othersonly", "o@example.com", "o@example.com", "", "", "proxyAddresses: X400:c=de;a= ;p=x;s=o;", "proxyAddresses: sip:o@example.com", "userPrincipalName: o@example.com"),
		row("", "", "upper", "upper@example.com", "Upper@example.com", "", "", "mail: Upper@EXAMPLE.com"),
		row("", "", "blank", "blank@example.com", "blank@example.com", "", "", "proxyAddresses: SMTP:blank@example.com ", "userPrincipalName:  blank@corp.example"),
		row("", "", "idn", "jo@xn--bcher-kva.example", "jo@xn--bcher-kva.example", "", "", "proxyAddresses:: U01UUDpqb0Biw7xjaGVyLmV4YW1wbGU="), // SMTP:jo@bücher.example
		row("", "", "idna", "ja@xn--bcher-kva.example", "ja@xn--bcher-kva.example", "", "", "mail: ja@xn--bcher-kva.example"),
		row("", "", "expired", "expired@example.com", "", "", "has expired", "mail: expired@example.com", "accountExpires: 132539328000000000"),
		row("", "", "never", "never@example.com", "never@example.com", "", "", "mail: never@example.com", "accountExpires: 9223372036854775807"),
		row("", "", "zero", "zero@example.com", "zero@example.com", "", "", "mail: zero@example.com", "accountExpires: 0"),
		row("", "", "binary", "binary@example.com", "", "", "its login can't be used", "mail: binary@example.com", "userPrincipalName:: YgFi"),
		notListed(row("", "", "off", "off@example.com", "", "", "", "mail: off@example.com")), // the filter doesn't find it
		notListed(row("", "", "computer", "nobody@example.com", "", "", "", "description: has no address")),
		row("search_filter", "mail", "f1", "findmail", "findmail@example.com", "", "", "mail: findmail@example.com"),
		row("search_filter", "proxyAddresses", "f2", "findproxy", "findproxy@example.com", "", "", "proxyAddresses: SMTP:findproxy@example.com"),
		row("search_filter", "userPrincipalName", "f3", "findupn", "findupn@example.com", "", "", "userPrincipalName: findupn@example.com"),
		row("search_filter", "displayName", "f4", "Finder", "f4@example.com", "", "", "proxyAddresses: SMTP:f4@example.com", "displayName: Anna Finder"),
	}
}

func openldapAlternatives() []byAlternative {
	person := func(filter, attribute, uid, ask, address, others, why string, lines ...string) byAlternative {
		return byAlternative{
			filter: filter, attribute: attribute, ask: ask, address: address, others: others, why: why, login: uid,
			entry: ldif(append([]string{"dn: uid=" + uid + ",dc=example,dc=com", "objectClass: inetOrgPerson", "uid: " + uid, "sn: x"}, lines...)...),
		}
	}
	return []byAlternative{
		person("filter", "mail", "one", "one@example.com", "one@example.com", "", "", "cn: x", "mail: one@example.com"),
		person("filter", "mail", "two", "two-b@example.com", "two-a@example.com", "two-b@example.com", "", "cn: x", "mail: two-a@example.com", "mail: two-b@example.com"),
		person("", "", "junk", "junk@example.com", "junk@example.com", "", "", "cn: x", "mail: none", "mail: junk@example.com"),
		person("", "", "upper", "upper@example.com", "Upper@example.com", "", "", "cn: x", "mail: Upper@EXAMPLE.com"),
		person("", "", "blank", "blank@example.com", "blank@example.com", "", "", "cn: x", "mail: blank@example.com "),
		person("search_filter", "mail", "f1", "findmail", "findmail@example.com", "", "", "cn: x", "mail: findmail@example.com"),
		person("search_filter", "cn", "f2", "Finder", "f2@example.com", "", "", "cn: Anna Finder", "mail: f2@example.com"),
		person("search_filter", "displayName", "f3", "Seeker", "f3@example.com", "", "", "cn: x", "displayName: Anna Seeker", "mail: f3@example.com"),
	}
}

func iredmailAlternatives() []byAlternative {
	user := func(filter, attribute, name, ask, address, others, why string, lines ...string) byAlternative {
		return byAlternative{
			filter: filter, attribute: attribute, ask: ask, address: address, others: others, why: why,
			entry: iredmailUser("example.com", name, append([]string{"accountStatus: active"}, lines...)...),
		}
	}
	alias := func(attribute, name, ask, address, others, why string, lines ...string) byAlternative {
		filter := "alias_filter"
		if attribute == "" {
			filter = ""
		}
		return byAlternative{filter: filter, attribute: attribute, ask: ask, address: address, others: others, why: why, entry: iredmailAlias(name, lines...), unlisted: true}
	}
	return []byAlternative{
		user("filter", "mail", "one", "one@example.com", "one@example.com", "", "", "cn: x"),
		user("filter", "shadowAddress", "two", "two-b@example.com", "two@example.com", "two-b@example.com", "", "cn: x", "shadowAddress: two-b@example.com"),
		alias("mail", "sales", "sales@example.com", "one@example.com", "", "", "mailForwardingAddress: one@example.com"),
		alias("shadowAddress", "support", "hilfe@example.com", "one@example.com", "", "", "shadowAddress: hilfe@example.com", "mailForwardingAddress: One@Example.com"),
		alias("", "many", "many@example.com", "", "", "alias of several addresses", "mailForwardingAddress: one@example.com", "mailForwardingAddress: two@example.com"),
		alias("", "away", "away@example.com", "", "", "no mailbox here", "mailForwardingAddress: x@elsewhere.example"),
		alias("", "nowhere", "nowhere@example.com", "", "", "leads nowhere"),
		alias("", "piped", "piped@example.com", "", "", "something else than an address", "mailForwardingAddress: |/usr/bin/filter"),
		{ask: "anybody@example.com", entry: ldif("dn: mail=@example.com,domainName=example.com,o=domains,dc=example,dc=com", "objectClass: inetOrgPerson",
			"objectClass: mailUser", "uid: all", "cn: x", "sn: x", "mail: @example.com", "accountStatus: active", "enabledService: mail"), unlisted: true},
		user("search_filter", "mail", "findmail", "findmail", "findmail@example.com", "", "", "cn: x"),
		user("search_filter", "shadowAddress", "f2", "findshadow", "f2@example.com", "findshadow@example.com", "", "cn: x", "shadowAddress: findshadow@example.com"),
		user("search_filter", "cn", "f3", "Finder", "f3@example.com", "", "", "cn: Anna Finder"),
	}
}

// Whatever a preset's filter finds, the reader knows with the right address, or says
// why not. A new alternative needs a row here.
func TestWhatFiltersFindIsReadOrRefused(t *testing.T) {
	t.Parallel()
	const domains = "dn: o=domains,dc=example,dc=com\nobjectClass: organization\no: domains\n\n" +
		"dn: domainName=example.com,o=domains,dc=example,dc=com\nobjectClass: mailDomain\ndomainName: example.com\naccountStatus: active\nenabledService: mail\n\n"
	for _, c := range []struct {
		preset, schema, before string
		rows                   []byAlternative
	}{
		{"active-directory", testkit.ActiveDirectorySchema, "", activeDirectoryAlternatives()},
		{"openldap", "", "", openldapAlternatives()},
		{"iredmail", testkit.IRedMailSchema, domains, iredmailAlternatives()},
	} {
		t.Run(c.preset, func(t *testing.T) {
			t.Parallel()
			entries := c.before
			for _, r := range c.rows {
				entries += r.entry
			}
			s := testkit.StartSlapd(t, testkit.SlapdOptions{Schema: c.schema, LDIF: entries})
			o := reader(t, s, c.preset)
			d := open(t, o)
			listed := map[string]bool{}
			for _, address := range walked(t, d) {
				listed[address] = true
			}
			have := map[string]bool{}
			for _, r := range c.rows {
				have[r.filter+" "+r.attribute] = true
				testAlternative(t, d, r, listed)
			}
			for filter, text := range map[string]string{"filter": o.Filter, "alias_filter": o.AliasFilter, "search_filter": o.SearchFilter} {
				for _, m := range regexp.MustCompile(`\((\w+)=[^()]*\{(address|local|text)\}`).FindAllStringSubmatch(text, -1) {
					if !have[filter+" "+m[1]] {
						t.Errorf("the %s finds entries by %s, and no row does", filter, m[1])
					}
				}
			}
		})
	}
}

func testAlternative(t *testing.T, d *Source, r byAlternative, listed map[string]bool) {
	t.Helper()
	ask := r.ask
	if r.filter == "search_filter" {
		accounts, err := d.Search(t.Context(), r.ask, []string{"example.com"}, 10)
		if err != nil || len(accounts) != 1 || accounts[0].Address.String() != r.address {
			t.Errorf("search for %s: %+v, %v; want %s", r.ask, accounts, err, r.address)
			return
		}
		ask = r.address // which leads to the same
	}
	account, err := d.Account(t.Context(), settings.MustAddress(ask))
	if r.address == "" {
		var why directory.Discarded
		if !errors.Is(err, directory.ErrNotFound) || errors.As(err, &why) != (r.why != "") || !strings.Contains(why.Why, r.why) {
			t.Errorf("%s: %+v, %v; want none, since: %s", ask, account, err, r.why)
		}
		return
	}
	var others []string
	for _, other := range account.Addresses {
		others = append(others, other.String())
	}
	if err != nil || account.Address.String() != r.address || account.Login != r.login || !strings.Contains(strings.Join(others, " "), r.others) {
		t.Errorf("%s: %+v, %v; want %s with the login %q and the address %s", ask, account, err, r.address, r.login, r.others)
	}
	if key := account.Address.Key(); !r.unlisted && !listed[key] {
		t.Errorf("%s isn't listed", key)
	}
}

func TestParseExpiry(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"0": "never", "9223372036854775807": "never", "-1": "never", "132539328000000000": "2021-01-01", "20454": "2026-01-01",
		"20260131120000Z": "2026-01-31", "20260131120000.0Z": "2026-01-31", "20260131010000+0200": "2026-01-30", "soon": "wrong",
	} {
		at, ok := parseExpiry(value)
		got := "wrong"
		switch {
		case ok && at.IsZero():
			got = "never"
		case ok:
			got = at.UTC().Format("2006-01-02")
		}
		if got != want {
			t.Errorf("%s: %s, want %s", value, got, want)
		}
	}
}
