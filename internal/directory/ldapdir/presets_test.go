package ldapdir

import (
	"errors"
	"strings"
	"testing"

	"autoconfig/internal/directory"
	"autoconfig/internal/testkit"
	"autoconfig/policy"
	"autoconfig/settings"
)

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
	const numbers = "NAME 'userAccountControl' EQUALITY integerMatch\n  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27"
	const texts = "NAME 'userAccountControl' EQUALITY caseIgnoreMatch\n  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15"
	schema := strings.Replace(testkit.ActiveDirectorySchema, numbers, texts, 1)
	if schema == testkit.ActiveDirectorySchema {
		t.Fatal("the schema is written in another way")
	}
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
		ldif("dn: domainName=backup.example,o=domains,dc=example,dc=com", "objectClass: mailDomain", "domainName: backup.example", "domainBackupMX: yes",
			"accountStatus: active", "enabledService: mail") +
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
	// As many questions for a mailbox as for nobody, or for what counts for nobody: the
	// time must not tell.
	questions := map[string]int64{}
	for _, address := range []string{"anna@example.com", "office@example.com", "ben@example.com", "nobody@example.com"} {
		before := d.counters.asked.Load()
		_, _ = d.Account(t.Context(), settings.MustAddress(address))
		questions[address] = d.counters.asked.Load() - before
		if n := questions[address]; n != questions["anna@example.com"] {
			t.Errorf("%s is asked about %d times, anna %d times", address, n, questions["anna@example.com"])
		}
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
	names := map[string]string{}
	if err := d.Domains(t.Context(), func(n directory.SourceName) error { names[n.Name] = n.Domain.Name; return nil }); err != nil {
		t.Error(err)
	}
	if len(names) != 2 || names["example.com"] != "example.com" || names["example.net"] != "example.com" {
		t.Errorf("domains that are listed: %v", names)
	}
	o.DomainAttributes.Plan = "domainName"
	if got, err := open(t, o).Domain(t.Context(), "example.net"); err != nil || got.Plan != "example.com" {
		t.Errorf("a plan from an attribute: %+v, %v", got, err)
	}
}

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
