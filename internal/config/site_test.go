package config

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"autoconfig/policy"
	"autoconfig/policy/policytest"
	"autoconfig/settings"
)

var sameAddress = cmp.AllowUnexported(settings.Address{})

func TestTheDemoSiteIsTheDesigns(t *testing.T) {
	t.Parallel()
	site, warnings, err := ReadSite("demo.yaml", Demo)
	if err != nil || len(warnings) > 0 {
		t.Fatalf("%v %v", err, warnings)
	}
	terms, ok := site.Terms("example.net")
	if !ok || terms.Provider.Name != "Example Mail" || len(site.Accounts) != 3 {
		t.Fatalf("%+v", site)
	}
	for _, a := range site.Accounts {
		want := map[string]settings.Retention{"office": {}, "workshop": {Leave: true, Days: 9}, "kiosk": {Leave: true, Days: 14}}[a.Address.Local()]
		if got := terms.Decide(a); got.POP3 != want || (got.Protocol == settings.POP3) != want.Leave {
			t.Errorf("%s: %+v", a.Address, got)
		}
	}
}

// YAML takes some words for numbers, truth values or nothing; here they are the
// text that is written.
func TestTextIsTakenAsItIsWritten(t *testing.T) {
	t.Parallel()
	for _, login := range []string{"00123", "0x10", "1e5", "true", "NO", "3.10", "1_000", "~x", "2027-06-30", "12:30:45", "inf"} {
		source := strings.Replace(string(Demo), "name: Workshop", "name: "+login+", login: "+login, 1)
		site, _, err := ReadSite("x.yaml", []byte(source))
		if err != nil {
			t.Fatalf("%s: %v", login, err)
		}
		if got := site.Accounts[1]; got.Login != login || got.Name != login {
			t.Errorf("%s is read as %q and %q", login, got.Login, got.Name)
		}
	}
}

func TestEmptyFilesAndValues(t *testing.T) {
	t.Parallel()
	// What was cut short must not take everything away.
	for _, source := range []string{"", "\n", "# nothing\n", "null\n", "accounts:\n", "accounts: []\n", "domains:\n"} {
		if site, _, err := ReadSite("x.yaml", []byte(source)); err == nil || !strings.Contains(err.Error(), "write: domains: []") {
			t.Errorf("%q: %+v %v", source, site, err)
		}
	}
	for _, source := range []string{"domains: []\n", "\uFEFFdomains: []\naccounts:\n"} {
		if site, _, err := ReadSite("x.yaml", []byte(source)); err != nil || len(site.Domains) != 0 {
			t.Errorf("%q: %+v %v", source, site, err)
		}
	}
	site, _, err := ReadSite("x.yaml", []byte(strings.Replace(string(Demo), "plan: standard}", "plan: standard, servers: {pop3: []}, policy: {rules: []}}", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if d := site.Domains[0]; d.Servers.POP3 == nil || d.Policy.Rules == nil || d.Servers.IMAP != nil {
		t.Errorf("an empty list is not nothing: %#v", d)
	}
}

func TestDates(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Time{
		"2027-06-30":           time.Date(2027, 6, 30, 0, 0, 0, 0, time.UTC),
		"2027-06-30T12:00:00Z": time.Date(2027, 6, 30, 12, 0, 0, 0, time.UTC),
	} {
		site, _, err := ReadSite("x.yaml", []byte(strings.Replace(string(Demo), "plan: standard}", "plan: standard, profile: {expires: "+text+"}}", 1)))
		if err != nil || !site.Domains[0].Profile.Expires.Equal(want) {
			t.Errorf("%s: %v %v", text, site.Domains, err)
		}
	}
}

var someOverrides = []policy.Override{
	{Address: settings.MustAddress("boss@example.com"), Protocol: settings.POP3, Note: "said \"yes\": #1", ChangedBy: "staff:eva", ChangedAt: time.Date(2026, 11, 24, 12, 0, 5, 0, time.UTC)},
	{Address: settings.MustAddress("lobby@elsewhere.example"), Devices: policy.OneDevice},
}

// apply(export(x)) changes nothing.
func TestWhatIsWrittenIsReadAsTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		site := policytest.Site().Draw(t, "site")
		site.Overrides = rapid.SampledFrom([][]policy.Override{nil, {}, someOverrides}).Draw(t, "overrides")
		var text bytes.Buffer
		if err := WriteSite(&text, site); err != nil {
			t.Fatal(err)
		}
		again, _, err := ReadSite("export.yaml", text.Bytes())
		if err != nil {
			t.Fatalf("%v\n%s", err, text.String())
		}
		if diff := cmp.Diff(site, again, sameAddress); diff != "" {
			t.Fatalf("(-written +read):\n%s\n%s", diff, text.String())
		}
		if changes := Compare(site, again); !changes.Empty() {
			t.Fatalf("changes: %s", changes)
		}
	})
}

func TestAManyAccountsFileIsReadInPieces(t *testing.T) {
	t.Parallel()
	site, _, err := ReadSite("demo.yaml", Demo)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2500 {
		site.Accounts = append(site.Accounts, policy.Account{Address: settings.MustAddress("u" + strings.Repeat("x", i%7) + policy.Bytes(i).String() + "@example.com"), Devices: policy.OneDevice})
	}
	var text bytes.Buffer
	if err := WriteSite(&text, site); err != nil {
		t.Fatal(err)
	}
	again, _, err := ReadSite("x.yaml", text.Bytes())
	if err != nil || !cmp.Equal(site, again, sameAddress) {
		t.Fatalf("%v", err)
	}
}

func FuzzReadSite(f *testing.F) {
	f.Add(Demo)
	for _, name := range []string{"anchor", "tab", "several", "two-documents", "empty-item"} {
		source, err := os.ReadFile("testdata/bad/" + name + ".yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		site, _, err := ReadSite("x.yaml", source)
		if err != nil {
			_ = err.Error()
			return
		}
		var text bytes.Buffer
		if err := WriteSite(&text, site); err != nil {
			t.Fatal(err)
		}
		again, _, err := ReadSite("y.yaml", text.Bytes())
		if err != nil {
			t.Fatalf("%v\n%s", err, text.String())
		}
		if changes := Compare(site, again); !changes.Empty() {
			t.Fatalf("%s\n%s", changes, text.String())
		}
	})
}

func BenchmarkReadSite10000Accounts(b *testing.B) {
	var source bytes.Buffer
	source.Write(Demo)
	for i := range 10_000 {
		source.WriteString("  - {address: user" + policy.Bytes(i).String() + "@example.com, name: User, devices: one, quota: 200MB, groups: [a, b]}\n")
	}
	for b.Loop() {
		if _, _, err := ReadSite("x.yaml", source.Bytes()); err != nil {
			b.Fatal(err)
		}
	}
}
