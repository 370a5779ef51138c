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
		BindDN: s.ReaderDN, Password: s.ReaderPassword, Base: s.Suffix, Mapping: mapping, Timeout: time.Minute,
	}
}

func open(t testing.TB, o Options) *Source {
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
func wantAccount(t *testing.T, d *Source, address string, want policy.Account) {
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
func found(t *testing.T, d *Source, text string, domains []string, limit int) []string {
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
func walked(t *testing.T, d *Source) []string {
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

func TestScopeAndEnabledValues(t *testing.T) {
	t.Parallel()
	s := testkit.StartSlapd(t, testkit.SlapdOptions{MemberOf: true, LDIF: openldapEntries})
	for name, c := range map[string]struct {
		change func(*Options)
		anna   bool
	}{
		"one level is too few":       {func(o *Options) { o.Scope = "one" }, false},
		"one level":                  {func(o *Options) { o.Scope, o.Base = "one", "ou=people,"+s.Suffix }, true},
		"another entry":              {func(o *Options) { o.Scope, o.Base = "base", "ou=people,"+s.Suffix }, false},
		"the entry itself":           {func(o *Options) { o.Scope, o.Base = "base", "uid=anna,ou=people,"+s.Suffix }, true},
		"enabled by a value":         {func(o *Options) { o.Enabled = Enabled{Attribute: "employeeType", Values: []string{"two", "one"}} }, true},
		"not by another":             {func(o *Options) { o.Enabled = Enabled{Attribute: "employeeType", Values: []string{"two"}} }, false},
		"not without the attribute":  {func(o *Options) { o.Enabled = Enabled{Attribute: "title", Values: []string{""}} }, false},
		"not by what isn't a number": {func(o *Options) { o.Enabled = Enabled{Attribute: "employeeType", DisabledBit: 2} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := reader(t, s, "openldap")
			c.change(&o)
			account, err := open(t, o).Account(t.Context(), annaAddress)
			if found := err == nil && account.Address == annaAddress; found != c.anna || !found && !errors.Is(err, directory.ErrNotFound) {
				t.Errorf("%+v, %v", account, err)
			}
		})
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
	wantAccount(t, d, "a@example.com", policy.Account{Address: settings.MustAddress("a@example.com")}) // the only address that it has
	wantAccount(t, d, "b@example.com", policy.Account{})
	if got := d.Stats(); got.Dropped == 0 || got.BadLogin != 1 {
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
