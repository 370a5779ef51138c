package server_test

import (
	"bytes"
	"encoding/pem"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/smallstep/pkcs7"
	"howett.net/plist"

	"autoconfig/internal/operator"
	"autoconfig/internal/server/servertest"
	"autoconfig/internal/testkit"
)

// mailPayload is what a device makes of a profile's mail payload.
type mailPayload struct {
	PayloadContent []struct {
		PayloadType, EmailAccountType, EmailAddress                    string
		IncomingMailServerHostName, IncomingMailServerUsername         string
		IncomingMailServerPortNumber                                   int
		IncomingMailServerUseSSL, OutgoingMailServerUseSSL             bool
		EmailAccountName, IncomingPassword, OutgoingMailServerUsername string
	}
}

func (w *world) profile(t *testing.T, target string) (mailPayload, *http.Response) {
	t.Helper()
	r := w.ask(t, http.MethodGet, target, "")
	body := text(r)
	if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "application/x-apple-aspen-config" {
		t.Fatalf("%s: %s %q\n%s", target, r.Status, r.Header.Get("Content-Type"), body)
	}
	var p mailPayload
	if _, err := plist.Unmarshal([]byte(body), &p); err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	return p, r
}

func TestProfileIsForTheAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for target, want := range map[string][4]string{
		"http://x/email.mobileconfig?emailaddress=office%40example.com":   {"EmailTypeIMAP", "imap.example.com", "office@example.com", "office.example.com"},
		"http://x/mobileconfig/?emailaddress=office%40example.com&name=X": {"EmailTypeIMAP", "imap.example.com", "office@example.com", "office.example.com"},
		"http://x/email.mobileconfig?email=workshop@example.com":          {"EmailTypePOP", "pop.example.com", "workshop@example.com", "workshop.example.com"},
		"http://x/mobileconfig?emailaddress=workshop%40example.net":       {"EmailTypePOP", "pop.example.com", "workshop@example.com", "workshop.example.net"},
		"http://x/Email.MobileConfig?email=kiosk+x@example.com":           {"EmailTypePOP", "pop.example.com", "kiosk@example.com", "kiosk"},
		"http://x/email.mobileconfig?email=nobody@example.com":            {"EmailTypeIMAP", "imap.example.com", "nobody@example.com", "nobody.example.com"},
	} {
		p, r := w.profile(t, target)
		m := p.PayloadContent[0]
		if m.EmailAccountType != want[0] || m.IncomingMailServerHostName != want[1] || m.IncomingMailServerUsername != want[2] ||
			!m.IncomingMailServerUseSSL || !m.OutgoingMailServerUseSSL || m.EmailAccountName != "" || m.IncomingPassword != "" {
			t.Errorf("%s: %+v", target, m)
		}
		if d := r.Header.Get("Content-Disposition"); len(d) < 30 || r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %q %q", target, d, r.Header.Get("Cache-Control"))
		}
	}
	for target, status := range map[string]int{
		"http://x/email.mobileconfig":                       http.StatusBadRequest,
		"http://x/email.mobileconfig?email=x":               http.StatusBadRequest,
		"http://x/email.mobileconfig?email=a@other.example": http.StatusNotFound,
	} {
		if r := w.ask(t, http.MethodGet, target, ""); r.StatusCode != status {
			t.Errorf("%s: %s", target, r.Status)
		}
	}
}

func TestNothingButTheAddressChangesAProfile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plain := text(w.ask(t, http.MethodGet, "http://a/email.mobileconfig?email=office@example.com", ""))
	other := text(w.ask(t, http.MethodGet, "http://b/mobileconfig?emailaddress=office@example.com&name=Eve&password=x", "",
		"User-Agent", "iPhone", "Accept-Language", "de", "X-Forwarded-Host", "evil.example"))
	if plain != other {
		t.Errorf("differs:\n%s\n%s", plain, other)
	}
}

func TestProfilesAreSignedAndAChangedKeyIsTaken(t *testing.T) {
	t.Parallel()
	ca := testkit.NewCA(t)
	dir := t.TempDir()
	write := func(name string, kind testkit.KeyKind) {
		cert, key := ca.Intermediate(t).Issue(t, testkit.Leaf{Names: []string{name}, Key: kind}).PEM(t)
		for file, data := range map[string][]byte{"cert.pem": cert, "key.pem": key} {
			if err := os.WriteFile(filepath.Join(dir, file), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	write("one.example", testkit.RSA2048)
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	signer, err := operator.WatchIdentity(slog.New(slog.DiscardHandler), func() time.Time { return now }, filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(o *servertest.Options) { o.Signer = signer.Identity })
	unsigned := text(newWorldWithSite(t, w).ask(t, http.MethodGet, "http://x/email.mobileconfig?email=office@example.com", ""))

	check := func(name string) {
		t.Helper()
		body := text(w.ask(t, http.MethodGet, "http://x/email.mobileconfig?email=office@example.com", ""))
		p7, err := pkcs7.Parse([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if err := p7.VerifyWithChain(ca.Pool()); err != nil {
			t.Error(err)
		}
		if got := p7.GetOnlySigner().DNSNames[0]; got != name {
			t.Errorf("signed by %s, want %s", got, name)
		}
		if !bytes.Equal(p7.Content, []byte(unsigned)) {
			t.Error("the signed content is not the profile")
		}
	}
	check("one.example")

	write("two.example", testkit.P256)
	now = now.Add(2 * time.Second)
	check("two.example")

	// A half-written key changes nothing.
	if err := os.WriteFile(filepath.Join(dir, "key.pem"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Second)
	check("two.example")
}

// newWorldWithSite is an unsigned world with the same site identity.
func newWorldWithSite(t *testing.T, w *world) *world {
	t.Helper()
	site, err := w.store.Site(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other := newWorld(t)
	if err := other.store.Replace(t.Context(), site); err != nil {
		t.Fatal(err)
	}
	return other
}

func TestWatchIdentitySaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "x.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := operator.WatchIdentity(slog.Default(), time.Now, file, file); err == nil {
		t.Error("nonsense is taken for an identity")
	}
	if _, err := operator.WatchCertificate(slog.Default(), time.Now, filepath.Join(dir, "none"), file); !os.IsNotExist(err) {
		t.Errorf("missing file: %v", err)
	}
}
