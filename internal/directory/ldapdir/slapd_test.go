package ldapdir

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"autoconfig/internal/directory"
	"autoconfig/internal/testkit"
	"autoconfig/policy"
	"autoconfig/settings"
)

// reader are the options that ask a real server, with time enough for a machine
// that does other things as well.
func reader(t testing.TB, s *testkit.Slapd, preset string) Options {
	t.Helper()
	mapping, ok := Preset(preset)
	if !ok {
		t.Fatalf("there is no preset %s", preset)
	}
	return Options{
		Servers: []string{s.TLSURL}, CAFile: s.CA.WriteFile(t, t.TempDir()),
		BindDN: s.ReaderDN, Password: s.ReaderPassword, Base: s.Suffix, Mapping: mapping, Timeout: 20 * time.Second,
	}
}

func open(t testing.TB, o Options) *Directory {
	t.Helper()
	d, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// ldif is an entry of test data.
func ldif(lines ...string) string { return strings.Join(lines, "\n") + "\n\n" }

func addresses(texts ...string) (list []settings.Address) {
	for _, text := range texts {
		list = append(list, settings.MustAddress(text))
	}
	return list
}

// same compares accounts; addresses have no exported fields.
func same(want, got any) string {
	return cmp.Diff(want, got, cmp.Comparer(func(a, b settings.Address) bool { return a == b }))
}

// wantAccount asks for an address; the zero account means that there is none.
func wantAccount(t *testing.T, d *Directory, address string, want policy.Account) {
	t.Helper()
	got, err := d.Account(t.Context(), settings.MustAddress(address))
	if want.Address.IsZero() {
		if !errors.Is(err, directory.ErrNotFound) || !got.Address.IsZero() {
			t.Errorf("%s: %+v, %v; want none", address, got, err)
		}
		return
	}
	if err != nil {
		t.Errorf("%s: %v", address, err)
		return
	}
	if diff := same(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", address, diff)
	}
}

// found are the addresses of a search, sorted.
func found(t *testing.T, d *Directory, text string, domains []string, limit int) []string {
	t.Helper()
	accounts, err := d.Search(t.Context(), text, domains, limit)
	if err != nil {
		t.Errorf("search for %q: %v", text, err)
	}
	list := []string{}
	for _, a := range accounts {
		list = append(list, a.Address.Key())
	}
	slices.Sort(list)
	return list
}

// walked are all addresses, sorted.
func walked(t *testing.T, d *Directory) []string {
	t.Helper()
	list := []string{}
	err := d.Walk(t.Context(), func(a policy.Account) error {
		list = append(list, a.Address.Key())
		for _, other := range a.Addresses {
			list = append(list, other.Key())
		}
		return nil
	})
	if err != nil {
		t.Errorf("walk: %v", err)
	}
	slices.Sort(list)
	return list
}

func wantList(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if want == nil {
		want = []string{}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

const openldapEntries = `dn: ou=people,dc=example,dc=com
objectClass: organizationalUnit
ou: people

dn: uid=anna,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: anna
cn: Anna A. Archer
displayName: Anna Archer
sn: Archer
mail: anna@example.com
mail: Office@example.com
employeeType: One
employeeNumber: 20 GB
preferredLanguage: POP3

dn: uid=ben,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: ben
cn: Ben Baker
sn: Baker
mail: ben@example.net

dn: uid=nomail,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: nomail
cn: No Mail
sn: Mail

dn: cn=field staff,dc=example,dc=com
objectClass: groupOfNames
cn: field staff
member: uid=anna,ou=people,dc=example,dc=com

`

func TestPresetOpenLDAP(t *testing.T) {
	t.Parallel()
	s := testkit.StartSlapd(t, testkit.SlapdOptions{MemberOf: true, LDIF: openldapEntries})
	o := reader(t, s, "openldap")
	o.Attributes.Quota, o.Attributes.Devices, o.Attributes.Protocol = "employeeNumber", "employeeType", "preferredLanguage"
	d := open(t, o)
	anna := policy.Account{
		Address: settings.MustAddress("anna@example.com"), Addresses: addresses("Office@example.com"), Name: "Anna Archer", Login: "anna",
		Groups: []string{"field staff"}, Quota: 20e9, Devices: policy.OneDevice, Protocol: settings.POP3,
	}
	wantAccount(t, d, "anna@example.com", anna)
	wantAccount(t, d, "ANNA@example.com", anna)
	wantAccount(t, d, "office@example.com", anna)
	wantAccount(t, d, "ben@example.net", policy.Account{Address: settings.MustAddress("ben@example.net"), Name: "Ben Baker", Login: "ben"})
	wantAccount(t, d, "nobody@example.com", policy.Account{})
	wantList(t, "search arch", found(t, d, "aRCH", nil, 10), "anna@example.com")
	wantList(t, "search office", found(t, d, "office", nil, 10), "anna@example.com")
	wantList(t, "search in a domain", found(t, d, "a", []string{"example.net"}, 10), "ben@example.net")
	wantList(t, "search in no domain", found(t, d, "a", []string{}, 10))
	wantList(t, "search for all", found(t, d, "", nil, 10), "anna@example.com", "ben@example.net")
	if got := found(t, d, "a", nil, 1); len(got) != 1 {
		t.Errorf("a search for one: %v", got)
	}
	wantList(t, "walk", walked(t, d), "anna@example.com", "ben@example.net", "office@example.com")
	if _, err := d.Domain(t.Context(), "example.com"); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("it knows no domains: %v", err)
	}
	if err := d.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

// activeDirectoryUser is a user as Active Directory shows it.
func activeDirectoryUser(cn, control string, lines ...string) string {
	return ldif(append([]string{
		"dn: CN=" + cn + ",dc=example,dc=com", "objectClass: user", "cn: " + cn, "sAMAccountName: " + cn, "sAMAccountType: 805306368",
		"userAccountControl: " + control,
	}, lines...)...)
}

func activeDirectoryEntries() string {
	return activeDirectoryUser("anna", "512", "displayName: Anna Archer", "mail: anna@example.com", "userPrincipalName: anna@corp.example.com",
		"proxyAddresses: SMTP:anna@example.com", "proxyAddresses: smtp:office@example.com", "proxyAddresses: X400:c=de;a= ;p=Example;s=Archer;",
		"proxyAddresses: sip:anna@example.com", "proxyAddresses: x500:/o=Example/cn=anna",
		`memberOf: CN=Archers\, red,OU=Groups,DC=example,DC=com`, "memberOf: CN=Staff,OU=Groups,DC=example,DC=com") +
		activeDirectoryUser("ben", "514", "mail: ben@example.com", "proxyAddresses: smtp:old@example.com") +
		activeDirectoryUser("carl", "66048", "mail: carl@example.com", "proxyAddresses: smtp:old@example.com") +
		ldif("dn: CN=pc,dc=example,dc=com", "objectClass: user", "cn: pc", "sAMAccountType: 805306369", "userAccountControl: 4096", "mail: pc@example.com")
}

func TestPresetActiveDirectory(t *testing.T) {
	t.Parallel()
	s := testkit.StartSlapd(t, testkit.SlapdOptions{Schema: testkit.ActiveDirectorySchema, LDIF: activeDirectoryEntries()})
	d := open(t, reader(t, s, "active-directory"))
	anna := policy.Account{
		Address: settings.MustAddress("anna@example.com"), Addresses: addresses("office@example.com"), Name: "Anna Archer",
		Login: "anna@corp.example.com", Groups: []string{"Archers, red", "Staff"},
	}
	carl := policy.Account{Address: settings.MustAddress("carl@example.com"), Addresses: addresses("old@example.com")}
	wantAccount(t, d, "anna@example.com", anna)
	wantAccount(t, d, "office@example.com", anna)
	wantAccount(t, d, "ben@example.com", policy.Account{})
	wantAccount(t, d, "pc@example.com", policy.Account{})
	wantAccount(t, d, "carl@example.com", carl)
	wantAccount(t, d, "old@example.com", carl) // Ben, who is disabled, doesn't make it ambiguous
	wantList(t, "search", found(t, d, "ARCHER", nil, 10), "anna@example.com")
	wantList(t, "search for an alias", found(t, d, "old", nil, 10), "carl@example.com")
	wantList(t, "search in a domain", found(t, d, "example", []string{"example.com"}, 10), "anna@example.com", "carl@example.com")
	wantList(t, "walk", walked(t, d), "anna@example.com", "carl@example.com", "office@example.com", "old@example.com")
	if _, err := d.Domain(t.Context(), "example.com"); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("it knows no domains: %v", err)
	}
	if s := d.Stats(); s.Ambiguous+s.BadAddress+s.BadLogin+s.Dropped+s.Unnamed != 0 {
		t.Errorf("all is well, and counted: %+v", s)
	}
}

// A server that doesn't know the matching rule for the attribute finds nothing by
// it. Without the rule in the filter the bit is still heeded.
func TestActiveDirectoryBitWithoutTheRule(t *testing.T) {
	t.Parallel()
	schema := strings.Replace(testkit.ActiveDirectorySchema,
		"NAME 'userAccountControl' EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27",
		"NAME 'userAccountControl' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15", 1)
	s := testkit.StartSlapd(t, testkit.SlapdOptions{Schema: schema, LDIF: activeDirectoryEntries()})
	o := reader(t, s, "active-directory")
	with := open(t, o)
	wantAccount(t, with, "carl@example.com", policy.Account{})
	for _, filter := range []*string{&o.Filter, &o.SearchFilter, &o.ListFilter} {
		*filter = strings.Replace(*filter, "(!(userAccountControl:1.2.840.113556.1.4.803:=2))", "", 1)
	}
	without := open(t, o)
	wantAccount(t, without, "carl@example.com", policy.Account{Address: settings.MustAddress("carl@example.com"), Addresses: addresses("old@example.com")})
	wantAccount(t, without, "ben@example.com", policy.Account{})
	wantList(t, "search", found(t, without, "example", nil, 10), "anna@example.com", "carl@example.com")
	wantList(t, "walk", walked(t, without), "anna@example.com", "carl@example.com", "office@example.com", "old@example.com")
}

func iredmailUser(domain, name string, lines ...string) string {
	return ldif(append([]string{
		"dn: mail=" + name + "@" + domain + ",domainName=" + domain + ",o=domains,dc=example,dc=com", "objectClass: inetOrgPerson", "objectClass: mailUser",
		"uid: " + name, "sn: " + name, "mail: " + name + "@" + domain, "enabledService: mail", "enabledService: deliver",
	}, lines...)...)
}

func iredmailAlias(name string, lines ...string) string {
	return ldif(append([]string{
		"dn: mail=" + name + "@example.com,domainName=example.com,o=domains,dc=example,dc=com", "objectClass: mailAlias", "mail: " + name + "@example.com",
		"accountStatus: active", "enabledService: mail", "enabledService: deliver",
	}, lines...)...)
}

func iredmailEntries() string {
	return ldif("dn: o=domains,dc=example,dc=com", "objectClass: organization", "o: domains") +
		ldif("dn: domainName=example.com,o=domains,dc=example,dc=com", "objectClass: mailDomain", "domainName: example.com", "domainAliasName: example.net",
			"accountStatus: active", "enabledService: mail", "enabledService: domainalias") +
		ldif("dn: domainName=off.example,o=domains,dc=example,dc=com", "objectClass: mailDomain", "domainName: off.example", "accountStatus: disabled",
			"enabledService: mail") +
		iredmailUser("example.com", "anna", "cn: Anna Archer", "accountStatus: active", "mailQuota: 1073741824", "shadowAddress: office@example.com",
			"memberOfGroup: field@example.com") +
		iredmailUser("example.com", "ben", "cn: Ben", "accountStatus: disabled") +
		iredmailUser("off.example", "carl", "cn: Carl", "accountStatus: active", "domainStatus: disabled") +
		iredmailAlias("sales", "mailForwardingAddress: anna@example.com", "shadowAddress: vertrieb@example.com") +
		iredmailAlias("all", "mailForwardingAddress: anna@example.com", "mailForwardingAddress: somebody@elsewhere.example") +
		iredmailAlias("away", "mailForwardingAddress: somebody@elsewhere.example") +
		ldif("dn: mail=@example.com,domainName=example.com,o=domains,dc=example,dc=com", "objectClass: inetOrgPerson", "objectClass: mailUser", "uid: catchall",
			"cn: all", "sn: all", "mail: @example.com", "accountStatus: active", "enabledService: mail", "mailForwardingAddress: anna@example.com")
}

func TestPresetIRedMail(t *testing.T) {
	t.Parallel()
	s := testkit.StartSlapd(t, testkit.SlapdOptions{Schema: testkit.IRedMailSchema, LDIF: iredmailEntries()})
	o := reader(t, s, "iredmail")
	o.Base = "o=domains," + s.Suffix
	d := open(t, o)
	anna := policy.Account{
		Address: settings.MustAddress("anna@example.com"), Addresses: addresses("office@example.com"), Name: "Anna Archer",
		Groups: []string{"field@example.com"}, Quota: 1 << 30,
	}
	for _, address := range []string{"anna@example.com", "office@example.com", "sales@example.com", "vertrieb@example.com"} {
		wantAccount(t, d, address, anna)
	}
	for _, address := range []string{"ben@example.com", "carl@off.example", "all@example.com", "away@example.com", "nobody@example.com"} {
		wantAccount(t, d, address, policy.Account{})
	}
	wantList(t, "search", found(t, d, "a", nil, 10), "anna@example.com")
	wantList(t, "walk", walked(t, d), "anna@example.com", "office@example.com")
	for name, want := range map[string]string{"example.com": "example.com", "example.net": "example.com", "off.example": "", "other.example": ""} {
		got, err := d.Domain(t.Context(), name)
		if want == "" {
			if !errors.Is(err, directory.ErrNotFound) {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
			continue
		}
		if err != nil || got.Name != want || got.Plan != "" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	o.DomainAttributes.Plan = "domainName"
	if got, err := open(t, o).Domain(t.Context(), "example.net"); err != nil || got.Plan != "example.com" {
		t.Errorf("a plan from an attribute: %+v, %v", got, err)
	}
}

// Several entries have an address: the only one with it as the primary one counts.
func TestSeveralEntriesWithOneAddress(t *testing.T) {
	t.Parallel()
	entries := activeDirectoryUser("one", "512", "mail: one@example.com", "proxyAddresses: smtp:shared@example.com", "proxyAddresses: smtp:two@example.com") +
		activeDirectoryUser("two", "512", "mail: two@example.com", "proxyAddresses: smtp:shared@example.com") +
		activeDirectoryUser("three", "512", "mail: twice@example.com") + activeDirectoryUser("four", "512", "mail: twice@example.com")
	for _, n := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i"} {
		entries += activeDirectoryUser("many-"+n, "512", "mail: "+n+"@example.com", "proxyAddresses: smtp:many@example.com")
	}
	s := testkit.StartSlapd(t, testkit.SlapdOptions{Schema: testkit.ActiveDirectorySchema, LDIF: entries})
	d := open(t, reader(t, s, "active-directory"))
	wantAccount(t, d, "two@example.com", policy.Account{Address: settings.MustAddress("two@example.com"), Addresses: addresses("shared@example.com")})
	for i, address := range []string{"shared@example.com", "twice@example.com", "many@example.com"} {
		wantAccount(t, d, address, policy.Account{})
		if got := d.Stats().Ambiguous; got != int64(i+1) {
			t.Errorf("%s: %d ambiguous ones are counted", address, got)
		}
	}
}

// Values that can't be used: what an account needs makes it not found, what it can
// do without is dropped. Both are counted.
func TestBrokenValues(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat("x", maxValue+1)
	entries := activeDirectoryUser("a", "512", "mail: no address", "proxyAddresses: smtp:a@example.com") +
		activeDirectoryUser("b", "512", "mail: b@example.com", "userPrincipalName:: YgFi") +
		activeDirectoryUser("c", "512", "mail: c@example.com", "displayName:: Y+KArmM=", "proxyAddresses: smtp:", "proxyAddresses: smtp:c2@example.com",
			"sAMAccountName: c", "description: "+huge, "description: plenty") +
		activeDirectoryUser("d", "512", "mail: d@example.com", "description: "+huge)
	entries = strings.Replace(entries, "sAMAccountName: c\nsAMAccountType", "sAMAccountType", 1)
	s := testkit.StartSlapd(t, testkit.SlapdOptions{Schema: testkit.ActiveDirectorySchema, LDIF: entries})
	o := reader(t, s, "active-directory")
	o.Attributes.Quota, o.Attributes.Groups, o.Attributes.Devices, o.Attributes.Protocol = "description", "description", "sAMAccountName", "sAMAccountName"
	d := open(t, o)
	wantAccount(t, d, "a@example.com", policy.Account{})
	wantAccount(t, d, "b@example.com", policy.Account{})
	if got := d.Stats(); got.BadAddress != 1 || got.BadLogin != 1 {
		t.Errorf("counted: %+v", got)
	}
	before := d.Stats().Dropped
	wantAccount(t, d, "c@example.com", policy.Account{
		Address: settings.MustAddress("c@example.com"), Addresses: addresses("c2@example.com"), Groups: []string{"plenty"},
	})
	// smtp:, the name, description twice (for groups and quota), plenty as a quota, devices, protocol
	if got := d.Stats().Dropped - before; got != 7 {
		t.Errorf("dropped %d values", got)
	}
	wantAccount(t, d, "d@example.com", policy.Account{Address: settings.MustAddress("d@example.com")})
}

func TestWalkGoesThroughPages(t *testing.T) {
	t.Parallel()
	const people = 2*pageEntries + 7
	entries := &strings.Builder{}
	for i := range people {
		name := "p" + string(rune('a'+i%26)) + strings.Repeat("x", i/26)
		entries.WriteString(ldif("dn: uid="+name+",dc=example,dc=com", "objectClass: inetOrgPerson", "uid: "+name, "cn: "+name, "sn: x", "mail: "+name+"@example.com"))
	}
	s := testkit.StartSlapd(t, testkit.SlapdOptions{LDIF: entries.String()})
	o := reader(t, s, "openldap")
	d := open(t, o)
	if got := slices.Compact(walked(t, d)); len(got) != people {
		t.Errorf("%d people, and %d were found", people, len(got))
	}
	enough := errors.New("enough of it")
	seen := 0
	err := d.Walk(t.Context(), func(policy.Account) error {
		if seen++; seen == 3 {
			return enough
		}
		return nil
	})
	if err != enough || seen != 3 { //nolint:errorlint // that very error
		t.Errorf("ended after %d with %v", seen, err)
	}
	// a search that has enough leaves a connection that can be used
	if got := found(t, d, "p", nil, 25); len(got) != 25 {
		t.Errorf("found %d", len(got))
	}
	wantAccount(t, d, "pa@example.com", policy.Account{Address: settings.MustAddress("pa@example.com"), Login: "pa", Name: "pa"})
	if got := d.Stats().Connections; got != 1 {
		t.Errorf("%d connections are open after one thing at a time", got)
	}
}

// A server that doesn't give the reader everything must not look like a short list.
func TestWalkSaysThatTheServerKeepsSomeBack(t *testing.T) {
	t.Parallel()
	s := testkit.StartSlapd(t, testkit.SlapdOptions{LDIF: openldapEntries, Config: "limits * size=1 size.prtotal=1"})
	d := open(t, reader(t, s, "openldap"))
	err := d.Walk(t.Context(), func(policy.Account) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "size limit") {
		t.Errorf("a cut list: %v", err)
	}
	if got := found(t, d, "a", nil, 10); len(got) != 1 {
		t.Errorf("a search takes what there is: %v", got)
	}
}

func TestBaseAndReaderAreExplained(t *testing.T) {
	t.Parallel()
	s := testkit.StartSlapd(t, testkit.SlapdOptions{LDIF: openldapEntries})
	for name, c := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"no such base":   {func(o *Options) { o.Base = "ou=nowhere," + s.Suffix }, `there is no entry "ou=nowhere,dc=example,dc=com"`},
		"nobody":         {func(o *Options) { o.BindDN, o.Password = "", "" }, "there is no entry"},
		"wrong password": {func(o *Options) { o.Password = "not-the-secret" }, "cannot bind as the configured reader: it answers 49 (Invalid Credentials)"},
		"another tree":   {func(o *Options) { o.Base = "dc=other,dc=example" }, "other"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := reader(t, s, "openldap")
			c.change(&o)
			d := open(t, o)
			for what, err := range map[string]error{"account": second(d.Account(t.Context(), settings.MustAddress("anna@example.com"))), "ping": d.Ping(t.Context())} {
				if err == nil || errors.Is(err, directory.ErrNotFound) || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s: %v", what, err)
				} else if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "anna") {
					t.Errorf("%s tells too much: %v", what, err)
				}
			}
		})
	}
}

func second[T any](_ T, err error) error { return err }

func TestPresetsAreComplete(t *testing.T) {
	t.Parallel()
	for _, p := range Presets() {
		o := Options{Servers: []string{"ldaps://ldap.example.com"}, Base: "dc=example,dc=com", Mapping: p.Mapping}
		if _, err := Open(o); err != nil || p.Version == "" || p.Doc == "" {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
	if _, ok := Preset("lotus"); ok {
		t.Error("there is a preset for anything")
	}
}

func TestCAFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.pem")
	if err := os.WriteFile(bad, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{bad: "has no certificate in PEM", filepath.Join(dir, "none"): "no such file"} {
		o := Options{Servers: []string{"ldaps://a"}, Base: "dc=example", CAFile: file}
		if _, err := Open(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", file, err)
		}
	}
}
