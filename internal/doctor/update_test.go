package doctor

import (
	"errors"
	"os"
	"strings"
	"testing"

	"autoconfig/internal/testkit"
	"autoconfig/policy"
	"autoconfig/settings"
)

func examplePlan(t testing.TB) Plan {
	p := plan(t, policy.Domain{Name: "example.com", Offer: policy.Offer{
		Servers: policy.Servers{
			IMAP: list(settings.Server{Host: "imap.example.com"}), POP3: list(settings.Server{Host: "pop.example.com"}), SMTP: list(settings.Server{Host: "smtp.example.com"}),
		},
		Services: settings.Services{CalDAV: "https://dav.example.com/calendars/"},
	}})
	p.Host, p.Documents = "setup.example.com", [][]byte{[]byte("document")}
	return p
}

func updater(t testing.TB, bind *testkit.BIND) Updater {
	t.Helper()
	text, err := os.ReadFile(bind.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return Updater{Server: bind.Addr, Key: key}
}

// A zone with old, wrong and foreign records is brought to what the policy says,
// by a real server, and what isn't ours stays.
func TestApplyAtARealServer(t *testing.T) {
	t.Parallel()
	bind := testkit.StartBIND(t, "127.0.0.1:0", map[string]string{"example.com": `
setup A 127.0.0.1
www A 127.0.0.2
autoconfig A 127.0.0.1
autodiscover A 127.0.0.2
_imaps._tcp SRV 0 1 993 old.example.net.
_imaps._tcp SRV 5 1 993 older.example.net.
_caldavs._tcp TXT "path=/old" 
_caldavs._tcp TXT "hello"
_ua-auto-config TXT "google-site-verification=x"
_ua-auto-config TXT "v=UAAC1; a=sha256; d=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
`})
	u, p := updater(t, bind), examplePlan(t)
	changes, err := Diff(t.Context(), u, p.Records())
	if err != nil {
		t.Fatal(err)
	}
	var shown strings.Builder
	for _, c := range changes {
		shown.WriteString(c.String())
	}
	for _, want := range []string{"- _imaps._tcp.example.com.\t300\tIN\tSRV\t0 1 993 old.example.net.\n", "- autodiscover.example.com.\t300\tIN\tA\t127.0.0.2\n", "+ _pop3s._tcp.example.com.\t3600\tIN\tSRV\t0 0 0 .\n"} {
		if !strings.Contains(shown.String(), want) {
			t.Errorf("the difference has no %q:\n%s", want, &shown)
		}
	}
	for _, not := range []string{" autoconfig.example.com", "hello", "google"} {
		if strings.Contains(shown.String(), not) {
			t.Errorf("the difference touches %s:\n%s", not, &shown)
		}
	}

	wrong := u
	wrong.Key.Secret = "d3Jvbmcgc2VjcmV0"
	if err := wrong.Apply(t.Context(), "example.com", changes); err == nil || !strings.Contains(err.Error(), "right key") {
		t.Errorf("the wrong key: %v", err)
	}
	if err := u.Apply(t.Context(), "example.com", changes); err != nil {
		t.Fatal(err)
	}
	if left, err := Diff(t.Context(), u, p.Records()); err != nil || len(left) > 0 {
		t.Errorf("after it: %v %v", left, err)
	}
	for name, want := range map[string]int{"_ua-auto-config.example.com": 2, "_caldavs._tcp.example.com": 2} {
		if texts, err := published(t.Context(), u, name, "TXT"); err != nil || len(texts) != want {
			t.Errorf("%s has %v %v", name, texts, err)
		}
	}
	// What was shown before doesn't hold any more, so nothing is done.
	if err := u.Apply(t.Context(), "example.com", changes); !errors.Is(err, ErrRaced) {
		t.Errorf("applied again: %v", err)
	}
	if err := u.Apply(t.Context(), "example.net", changes); err == nil || !strings.Contains(err.Error(), "REFUSED") {
		t.Errorf("a zone that isn't there: %v", err)
	}
}

func TestKeyFiles(t *testing.T) {
	t.Parallel()
	k, err := ParseKey([]byte("key \"name\" {\n\talgorithm hmac-sha256;\n\tsecret \"c2VjcmV0\";\n};\n"))
	if err != nil || k != (Key{"name.", "hmac-sha256.", "c2VjcmV0"}) {
		t.Errorf("%+v %v", k, err)
	}
	for text, want := range map[string]string{
		"":         "has no algorithm; make one with: tsig-keygen",
		"c2VjcmV0": "has no algorithm",
		`key "n" { algorithm hmac-md5; secret "c2VjcmV0"; };`: "hmac-md5 isn't supported; use hmac-sha256",
		`key "n" { algorithm hmac-sha256; secret "c2Vjc"; };`: "it needs key",
		`key "n" { algorithm hmac-sha256; };`:                 "it needs key",
		`{ algorithm hmac-sha256; secret "c2VjcmV0"; };`:      "it needs key",
	} {
		if _, err := ParseKey([]byte(text)); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "c2VjcmV0") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
