package config

import (
	"bytes"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"autoconfig/internal/database"
	"autoconfig/policy"
	"autoconfig/settings"
)

func TestReadProcessFillsInWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	env := func(name string) (string, bool) {
		return map[string]string{"HOST": "setup.example.com", "BURST": "7"}[name], name == "HOST" || name == "BURST"
	}
	source := `
listen: :443
http_listen: :80
public_url: https://${HOST}
tls: {certificate: a.pem, key: "$${b}.pem"}
trusted_proxies: [192.0.2.1, 2001:db8::/32]
rate_limit: {burst: "${BURST}"}
`
	got, err := ReadProcess("autoconfig.yaml", []byte(source), env)
	if err != nil {
		t.Fatal(err)
	}
	want := Defaults()
	want.Listen, want.HTTPListen = ListenAddress{Port: 443}, ListenAddress{Port: 80}
	want.PublicURL = BaseURL{&url.URL{Scheme: "https", Host: "setup.example.com"}}
	want.TLS = TLS{KeyPair: KeyPair{"a.pem", "${b}.pem"}}
	want.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("2001:db8::/32")}
	want.RateLimit.Burst = 7
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	if empty, err := ReadProcess("x", nil, env); err != nil || !cmp.Equal(empty, Defaults()) {
		t.Errorf("an empty file: %+v %v", empty, err)
	}
}

func TestDatabaseFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "db"), []byte(" sqlite:other.db \t\r\nignored\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if p, err := (Process{DatabaseFile: "db"}).Resolve(dir); err != nil || p.Database != database.MustParse("sqlite:other.db") {
		t.Errorf("%+v %v", p, err)
	}
	if secret, err := ReadFirstLine(filepath.Join(dir, "db")); err != nil || secret != " sqlite:other.db \t" {
		t.Errorf("a password may end in blanks: %q %v", secret, err)
	}
	if _, err := (Process{DatabaseFile: "none"}).Resolve(dir); err == nil || !strings.Contains(err.Error(), "database_file") {
		t.Errorf("missing: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "empty"), []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (Process{DatabaseFile: filepath.Join(dir, "empty")}).Resolve("/"); err == nil {
		t.Error("an empty first line is accepted")
	}
}

func TestSecretIsMadeOnceAndKeptPrivate(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	made, err := LoadSecret(file)
	if err != nil || len(made) != 32 {
		t.Fatalf("%x %v", made, err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v %v", info.Mode(), err)
	}
	if again, err := LoadSecret(file); err != nil || !bytes.Equal(again, made) {
		t.Errorf("again: %x %v", again, err)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadSecret(file); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("readable by others: %v", err)
	}
	for mode, good := range map[os.FileMode]bool{0o400: true, 0o440: true, 0o640: false, 0o444: false} { // 440 is a credential of systemd
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadSecret(file); (err == nil) != good {
			t.Errorf("mode %04o: %v", mode, err)
		}
	}
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadSecret(file); err == nil || !strings.Contains(err.Error(), "5 bytes") {
		t.Errorf("short: %v", err)
	}
}

func TestCompareNamesWhatDiffers(t *testing.T) {
	t.Parallel()
	old, _, err := ReadSite("demo.yaml", Demo)
	if err != nil {
		t.Fatal(err)
	}
	changed := old
	changed.Accounts = append([]policy.Account{{Address: settings.MustAddress("new@example.com")}}, old.Accounts[1:]...)
	changed.Accounts[1].Quota = 300e6
	if got := Compare(old, old); !got.Empty() {
		t.Errorf("no change: %s", got)
	}
	want := `+ account new@example.com
- account office@example.com
~ account workshop@example.com
    quota: "200MB" -> "300MB"
1 to add, 1 to change, 1 to remove.
`
	if got := Compare(old, changed).String(); got != want {
		t.Errorf("got\n%s", got)
	}
	added := old
	added.Overrides = []policy.Override{{Address: settings.MustAddress("boss@example.com"), Protocol: settings.POP3, GoneAt: time.Unix(1e9, 0)}}
	if got := Compare(added, old); !got.Empty() {
		t.Errorf("a site that says nothing of overrides: %s", got)
	}
	none, more := old, old
	none.Overrides = []policy.Override{}
	if got := Compare(added, none).String(); got != "- override boss@example.com\n0 to add, 0 to change, 1 to remove.\n" {
		t.Errorf("a site with none: %s", got)
	}
	more.Overrides = []policy.Override{{Address: settings.MustAddress("boss@example.com"), Protocol: settings.POP3, Note: "x"}}
	if got := Compare(added, more).String(); got != "~ override boss@example.com\n    note: (none) -> \"x\"\n0 to add, 1 to change, 0 to remove.\n" {
		t.Errorf("a site with a note: %s", got)
	}
}

func TestReferenceIsComplete(t *testing.T) {
	t.Parallel()
	for _, k := range append(ProcessKeys(), SiteKeys()...) {
		if k.Doc == "" {
			t.Errorf("%s has no documentation", k.Path)
		}
	}
	boundsAreReadable(t, reflect.TypeFor[Process]())
	var text bytes.Buffer
	if err := WriteReference(&text); err != nil {
		t.Fatal(err)
	}
	golden(t, "../../docs/configuration.md", text.String())
}

// boundsAreReadable: each time has bounds, and all bounds can be read.
func boundsAreReadable(t *testing.T, in reflect.Type) {
	t.Helper()
	for f := range yamlFields(in) {
		b, bounded := boundsOf(f.field.Tag)
		kind := f.field.Type
		if kind.Kind() == reflect.Slice || kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
		}
		for _, text := range []string{b.min, b.max} {
			_, notTime := time.ParseDuration(text)
			_, notNumber := strconv.Atoi(text)
			switch {
			case kind == durationType && (!bounded || text != "" && notTime != nil), bounded && kind != durationType && text != "" && notNumber != nil:
				t.Errorf("%s: bounds of %q", f.key, text)
			}
		}
		if bounded && kind != durationType && b.unit == "" {
			t.Errorf("%s: what does it count?", f.key)
		}
		if isStruct(kind) {
			boundsAreReadable(t, kind)
		}
	}
}

func FuzzReadProcess(f *testing.F) {
	f.Add([]byte("listen: ${X}\nlog: {level: info}\n"))
	f.Add([]byte("trusted_proxies: [::1, 10.0.0.0/8]\nrate_limit: {per_second: .5}"))
	f.Fuzz(func(t *testing.T, source []byte) {
		p, err := ReadProcess("x.yaml", source, func(n string) (string, bool) { return n, true })
		if err != nil {
			_ = err.Error()
			return
		}
		if !p.Listen.IsGiven() || !p.PublicURL.IsGiven() || p.Cache.Entries < 1 {
			t.Fatalf("%+v", p)
		}
	})
}
